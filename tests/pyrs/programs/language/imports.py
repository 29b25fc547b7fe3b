import sys
import os.path as p
import collections.abc
from math import pi as PI, sqrt
from os import (
    getcwd,
    sep,
)
import xml.dom.minidom

print(p.join("a", "b"), round(PI, 3), sqrt(16), sep, collections.abc.Sized.__name__, xml.dom.minidom.__name__)
for code in ("import no_such_module", "from math import nothing", "import os.nothing", "from . import x", "import sys.x", "from os.path import nope"):
    try:
        exec(code)
    except ImportError as e:
        print(type(e).__name__, str(e).split(" (")[0])


def local_import():
    import json
    from textwrap import dedent

    return json.dumps([1]), dedent("  x"), "json" in globals()


print(local_import(), "json" in sys.modules)
import types

m = types.ModuleType("made", "a module made here")
exec("x = 1\ndef f():\n    return x + 1\nfrom math import *", m.__dict__)
sys.modules["made"] = m
import made
from made import f

print(made.f(), f is made.f, made.floor(2.5), made.__doc__, made.__name__)
made.x = 10
print(f())
m.__getattr__ = lambda name: f"dynamic {name}"
print(made.anything, __name__, __file__.endswith("imports.py"), __doc__, __builtins__ is not None)
try:
    from made import other

    print(other)
except ImportError as e:
    print(e)
import importlib

print(importlib.import_module("string").digits, importlib.reload(importlib.import_module("string")).digits)
source = "value = []\nfor i in range(3):\n    value.append(i)\n__all__ = ['value', '_hidden']\n_hidden = 5\nother = 6\n"
star = types.ModuleType("star")
exec(source, star.__dict__)
sys.modules["star"] = star
from star import *

print(value, _hidden, "other" in globals())
sys.modules["blocked"] = None
try:
    import blocked
except ModuleNotFoundError as e:
    print(e)


class Finder:
    @staticmethod
    def find_spec(name, path, target=None):
        if name.startswith("virtual"):
            print("asked for", name)
            from importlib.machinery import ModuleSpec

            return ModuleSpec(name, Finder)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        module.answer = len(module.__name__)


sys.meta_path.append(Finder)
import virtual_one
from virtual_two import answer

print(virtual_one.answer, answer)
try:
    from virtual_one import missing
except ImportError as e:
    print(e.name, str(e).split(" (")[0])
