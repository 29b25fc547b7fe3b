import os
import sys
import tempfile

root = tempfile.mkdtemp()
files = {
    "pkg/__init__.py": "print('pkg init')\nfrom .a import name\n__all__ = ['a', 'b']\n",
    "pkg/a.py": "print('a starts')\nname = 'a'\ndef late():\n    from . import b\n    return b.other()\n",
    "pkg/b.py": "print('b starts')\nfrom .a import name as n\nfrom . import a\ndef other():\n    return n + a.name + __name__ + __package__\n",
    "pkg/sub/__init__.py": "",
    "pkg/sub/deep.py": "from ..a import name\nfrom .. import a\ndef f():\n    return name, a.name, __name__\n",
    "cyc1.py": "import cyc2\nx = 1\ndef f():\n    return cyc2.y\n",
    "cyc2.py": "import cyc1\ny = 2\nseen = hasattr(cyc1, 'x')\n",
    "broken.py": "x = 1\nraise ValueError('while importing')\n",
    "bad_syntax.py": "x = = 1\n",
    "ns/part.py": "where = __name__\n",
    "runs.py": "import sys\nif __name__ == '__main__':\n    print('run as main', sys.argv[1:])\nelse:\n    print('imported')\n",
}
for name, text in files.items():
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
sys.path.insert(0, root)
sys.dont_write_bytecode = True
import pkg

print(pkg.name, pkg.a.late())
from pkg import *

print(a.name, b.other())
import pkg.sub.deep as deep

print(deep.f())
import cyc1

print(cyc1.f(), sys.modules["cyc2"].seen)
for name in ("broken", "broken", "bad_syntax", "pkg.none", "pkg.a.none"):
    try:
        __import__(name)
    except Exception as e:
        print(type(e).__name__, str(e).split(" (")[0], name in sys.modules)
import ns.part

print(ns.part.where, type(ns.__path__).__name__)
try:
    from pkg import nothing
except ImportError as e:
    print(str(e).split(" (")[0])
import runs
import runpy

sys.argv[1:] = ["x", "y"]
runpy.run_module("runs", run_name="__main__", alter_sys=False)
print(runpy.run_path(os.path.join(root, "pkg/a.py"))["name"])
import importlib

print(importlib.import_module(".deep", "pkg.sub") is deep, importlib.reload(pkg.a) is pkg.a)
import zipfile

archive = os.path.join(root, "z.zip")
with zipfile.ZipFile(archive, "w") as z:
    z.writestr("zipped.py", "def f():\n    return 'from zip', __file__.endswith('zipped.py')\n")
sys.path.insert(0, archive)
import zipped

print(zipped.f())
import shutil

shutil.rmtree(root)
