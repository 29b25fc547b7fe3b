"""How deep what class statements call goes before RecursionError, and what it says."""

import gc
import sys

sys.setrecursionlimit(400)
n = 0


def counted(f):
    """Depth and words at the limit, of calls that are cold and of ones that are warm."""
    global n
    seen = []
    for _ in range(12):
        n = 0
        try:
            f()
        except (RecursionError, RuntimeError) as e:
            causes = 0
            while e.__cause__ is not None:
                e, causes = e.__cause__, causes + 1
            seen.append((n, type(e).__name__, str(e), causes))
            del e
        gc.collect()
    print(f.__name__, seen[0], seen[-1], len(seen))


class InitSubclass:
    def __init_subclass__(cls):
        global n; n += 1
        class Next(InitSubclass): pass

class InitSubclassKeywords:
    def __init_subclass__(cls, *, k):
        global n; n += 1
        class Next(InitSubclassKeywords, k=k): pass

class InitSubclassByType:
    def __init_subclass__(cls):
        global n; n += 1
        type("Next", (InitSubclassByType,), {})

class InitSubclassByNew:
    def __init_subclass__(cls):
        global n; n += 1
        type.__new__(type, "Next", (InitSubclassByNew,), {})

class InitSubclassByStar:
    def __init_subclass__(cls):
        global n; n += 1
        type.__new__(*(type, "Next", (InitSubclassByStar,)), *({},))

class SetName:
    def __set_name__(self, owner, name):
        global n; n += 1
        class Next: a = SetName()

class SetNameByType:
    def __set_name__(self, owner, name):
        global n; n += 1
        type("Next", (), {"a": SetNameByType()})

class Prepare(type):
    @classmethod
    def __prepare__(cls, name, bases):
        global n; n += 1
        class Next(metaclass=Prepare): pass
        return {}

class PrepareKeywords(type):
    @classmethod
    def __prepare__(cls, name, bases, *, a):
        global n; n += 1
        class Next(metaclass=PrepareKeywords, a=a): pass
        return {}

class New(type):
    def __new__(cls, *args):
        global n; n += 1
        class Next(metaclass=New): pass
        return super().__new__(cls, *args)

class NewByCall(type):
    def __new__(cls, *args):
        global n; n += 1
        NewByCall("Next", (), {})

class Init(type):
    def __init__(cls, *args):
        global n; n += 1
        class Next(metaclass=Init): pass

class InitByCall(type):
    def __init__(cls, *args):
        global n; n += 1
        InitByCall("Next", (), {})

class NewInit(type):
    def __new__(cls, *args): return super().__new__(cls, *args)
    def __init__(cls, *args):
        global n; n += 1
        class Next(metaclass=NewInit): pass

class Call(type):
    def __call__(cls, *args):
        global n; n += 1
        class Next(metaclass=OfCall): pass

class OfCall(type, metaclass=Call): pass

def function(name, bases, namespace):
    global n; n += 1
    class Next(metaclass=function): pass

class Body:
    @staticmethod
    def body():
        global n; n += 1
        class Next: Body.body()

@counted
def init_subclass():
    class First(InitSubclass): pass
@counted
def init_subclass_keywords():
    class First(InitSubclassKeywords, k=1): pass
@counted
def init_subclass_by_type(): type("First", (InitSubclassByType,), {})
@counted
def init_subclass_by_new(): type.__new__(type, "First", (InitSubclassByNew,), {})
@counted
def init_subclass_by_star(): type.__new__(*(type, "Next", (InitSubclassByStar,)), *({},))
@counted
def set_name():
    class First: a = SetName()
@counted
def set_name_by_type(): type("First", (), {"a": SetNameByType()})
@counted
def prepare():
    class First(metaclass=Prepare): pass
@counted
def prepare_keywords():
    class First(metaclass=PrepareKeywords, a=1): pass
@counted
def new():
    class First(metaclass=New): pass
@counted
def new_by_call(): NewByCall("First", (), {})
@counted
def init():
    class First(metaclass=Init): pass
@counted
def init_by_call(): InitByCall("First", (), {})
@counted
def new_init():
    class First(metaclass=NewInit): pass
@counted
def call():
    class First(metaclass=OfCall): pass
@counted
def metaclass_function():
    class First(metaclass=function): pass
@counted
def body(): Body.body()
