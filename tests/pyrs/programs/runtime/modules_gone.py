"""Functions, methods and generators of modules that are gone."""

import gc
import sys
import types
import weakref

SOURCE = '''
number = 5
def function(x): return x + number
def closure(n):
    def inner(k): return n + k + number
    return inner
class Class:
    def method(self): return function(1), __name__
    @property
    def prop(self): return number
def generator():
    yield number
    yield function(2)
async def coroutine(): return number
def imports():
    import math
    return math.floor(2.5), len([1])
def missing(): return no_such_name
def sets():
    global number
    number += 1
    return number
def builtin(): return sorted([3, 1])
'''


def make():
    module = types.ModuleType("gone")
    exec(SOURCE, module.__dict__)
    return module


module = make()
sys.modules["gone"] = module
gone = weakref.ref(module)
function, inner, o = module.function, module.closure(10), module.Class()
g, c = module.generator(), module.coroutine()
imports, missing, sets, builtin = module.imports, module.missing, module.sets, module.builtin
print(next(g), function(1))
del module, sys.modules["gone"]
gc.collect()
print(gone())
print(function(1), inner(1), o.method(), o.prop, next(g), imports(), sets(), sets(), function(1), builtin())
try:
    c.send(None)
except StopIteration as e:
    print(e.value)
try:
    missing()
except NameError as e:
    print(e)
namespace = function.__globals__
namespace.clear()
for f in (lambda: function(1), lambda: o.method(), lambda: inner(1), imports, sets, builtin):
    try:
        print(f())
    except Exception as e:
        print(type(e).__name__, e)
namespace["number"] = 1
namespace["__builtins__"] = {}
print(function(1))
try:
    print(builtin())
except NameError as e:
    print(e)
del function.__globals__["number"]
try:
    function(1)
except NameError as e:
    print(e)
code = function.__code__
del function, o, inner, g, imports, missing, sets, builtin, namespace
gc.collect()
print(types.FunctionType(code, {"number": 7})(1))
