"""`python -m pyrs X` runs X as `python X` does: output, messages and exit code are the same."""

import io
import marshal
import os
import zipfile
from importlib.util import MAGIC_NUMBER

import pytest

ABOUT = """
import sys
names = {name: value for name, value in globals().items() if name != "sys"}
print(names)
print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
"""
FAILS = "def f(x):\n    return g(x)\ndef g(x):\n    return [1, 2][x]\nf(2)\n"
STACK = """
import inspect, sys, traceback, warnings
def f():
    print([frame.function for frame in inspect.stack()])
    traceback.print_stack()
    warnings.warn("here", stacklevel=2)
    try:
        sys._getframe(2)
    except ValueError as error:
        print(error)
f()
print(sys._getframe().f_back)
"""
DEPTH = """
import sys
depth = 0
def f():
    global depth
    depth += 1
    f()
try:
    f()
except RecursionError as error:
    print(depth, error)
sys.setrecursionlimit(5000)
depth = 0
try:
    f()
except RecursionError as error:
    print(depth, error)
try:
    sys.setrecursionlimit(1)
    print(sys.getrecursionlimit())
except RecursionError as error:
    print(error)
"""
DEPTH_IN_C = """
def depth(f):
    global n
    n = 0
    try:
        f()
    except RecursionError as error:
        return n, str(error)
def count():
    global n
    n += 1
def plain(): count(); plain()
def by_exec(): count(); exec("by_exec()")
def by_eval(): count(); eval("by_eval()")
def by_class():
    count()
    class C: by_class()
class Init:
    def __init__(self, x=None): count(); Init()
class Named:
    def __init__(self, x=None): count(); Named(x=1)
class New:
    def __new__(cls): count(); return New()
class Item:
    def __getitem__(self, i): count(); return self[i]
exec("print(depth(plain))")
class C: print(depth(plain))
class Once:
    def __init__(self): print(depth(plain))
Once()
for f in plain, by_exec, by_eval, by_class, Init, Named, New, lambda: Item()[0]:
    print(depth(f))
    print(depth(lambda: f()))
"""
SPAWN = """
import multiprocessing, sys
class Thing:
    def __init__(self, n): self.n = n
def work(thing):
    return Thing(thing.n * 2)
if __name__ == "__main__":
    multiprocessing.set_start_method("{method}")
    with multiprocessing.Pool(2) as pool:
        print([thing.n for thing in pool.map(work, [Thing(1), Thing(2)])])
"""
HOOK = "import sys\ndef hook(kind, value, tb):\n    print('hook', kind, value, tb.tb_lineno)\n    {}\nsys.excepthook = hook\n1/0\n"
PACKAGE = {"pkg/__init__.py": "print('init', __name__)", "pkg/__main__.py": ABOUT}


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name + ".py", content)
    return out.getvalue()


def compiled(source, magic=MAGIC_NUMBER):
    code = compile(source, "original.py", "exec")
    return magic + bytes(12) + marshal.dumps(code)


def script(source, *words, **more):
    return {"words": ("script.py", *words), "files": {"script.py": source}, **more}


CASES = {
    # what a program finds
    "script": script(ABOUT, "a", "-b", "--stats"),
    "script in a folder": {"words": ["x/y.py"], "files": {"x/y.py": ABOUT}},
    "script by a dotted path": {"words": ["./x/../y.py"], "files": {"y.py": ABOUT, "x/z": ""}},
    "script without extension": {"words": ["program"], "files": {"program": ABOUT}},
    "empty script": script(""),
    "command": {"words": ["-c", ABOUT, "a", "-c"]},
    "command, attached": {"words": ["-cimport sys; print(sys.argv)", "a"]},
    "empty command": {"words": ["-c", ""]},
    "command with a surrogate": {"words": ["-c", "print('\udcff')"]},
    "command with other characters": {"words": ["-c", "print('é\u20ac')"]},
    "standard input": {"stdin": ABOUT},
    "empty standard input": {"stdin": ""},
    "standard input by name": {"words": ["-", "a", "-x"], "stdin": ABOUT},
    "standard input is read to its end": {"stdin": "import sys\nprint(repr(sys.stdin.read()))\n"},
    "module": {"words": ["-m", "mod", "a"], "files": {"mod.py": ABOUT}},
    "module, attached": {"words": ["-mmod", "-m"], "files": {"mod.py": ABOUT}},
    "package": {"words": ["-m", "pkg"], "files": PACKAGE},
    "submodule": {"words": ["-m", "pkg.sub"], "files": PACKAGE | {"pkg/sub.py": ABOUT}},
    "folder": {"words": ["folder", "a"], "files": {"folder/__main__.py": ABOUT}},
    "archive": {"words": ["app.zip", "a"], "files": {"app.zip": archive(__main__=ABOUT)}},
    "archive in a module": {
        "words": ["app.pyz"],
        "files": {"app.pyz": archive(__main__="import inside", inside=ABOUT)},
    },
    "compiled file": {"words": ["x.pyc"], "files": {"x.pyc": compiled(ABOUT)}},
    "compiled file by its first bytes": {"words": ["x"], "files": {"x": compiled(ABOUT)}},
    "imports beside the script": {
        "words": ["x/main.py"],
        "files": {"x/main.py": "import other; print(other.y)", "x/other.py": "y = 1"},
    },
    "relative import in a module": {
        "words": ["-m", "pkg.a"],
        "files": {"pkg/a.py": "from . import b; print(b.__name__)", "pkg/b.py": ""},
    },
    "main module": script("import __main__; x = 5; print(__main__.x, __main__.__name__)"),
    "file is gone from main at exit": script(
        "import atexit\natexit.register(lambda: print(sorted(globals())))"
    ),
    "file is there at exit by SystemExit": script(
        "import atexit, sys\natexit.register(lambda: print(sorted(globals())))\nsys.exit()"
    ),
    "pickled class of main": script(
        "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)"
    ),
    "doctest": {
        "words": ["-m", "doctest", "mod.py"],
        "files": {"mod.py": '"""\n>>> 1 + 1\n3\n"""\n'},
    },
    "unittest": {
        "words": ["-m", "unittest", "-q", "mod"],
        "files": {"mod.py": "import unittest\nclass T(unittest.TestCase):\n  def test(self): 1/0\n"},
        "shell": "PYTHON 2>&1 | sed 's/in [0-9.]*s/in s/'",
    },
    "json tool": {"words": ["-m", "json.tool"], "stdin": '{"a": [1]}'},
    "spawned workers": script(SPAWN.format(method="spawn")),
    "forked workers": script(SPAWN.format(method="fork")),
    "spawned workers of a module": {
        "words": ["-m", "pkg.mod"],
        "files": {"pkg/mod.py": SPAWN.format(method="spawn")},
    },
    "runpy": script(
        "import runpy\nprint(runpy.run_path('x.py', run_name='y')['z'])",
        files={"script.py": "import runpy\nprint(runpy.run_path('x.py', run_name='y')['z'])",
               "x.py": "z = __name__"},
    ),
    # what can't be started
    "missing script": {"words": ["missing.py"]},
    "missing script in a folder": {"words": ["a/b/missing.py"]},
    "script with an odd name": {"words": ["a\n'é.py"]},
    "folder without a main": {"words": ["folder"], "files": {"folder/x": ""}},
    "archive without a main": {"words": ["app.zip"], "files": {"app.zip": archive(x="")}},
    "no name": {"words": [""]},
    "missing module": {"words": ["-m", "nope"]},
    "missing submodule": {"words": ["-m", "pkg.nope"], "files": PACKAGE},
    "missing parent": {"words": ["-m", "nope.sub"]},
    "module with .py": {"words": ["-m", "mod.py"], "files": {"mod.py": ""}},
    "relative module": {"words": ["-m", ".mod"], "files": {"mod.py": ""}},
    "package without a main": {"words": ["-m", "pkg"], "files": {"pkg/__init__.py": ""}},
    "namespace package": {"words": ["-m", "pkg"], "files": {"pkg/x": ""}},
    "package that fails": {"words": ["-m", "pkg"], "files": PACKAGE | {"pkg/__init__.py": "1/0"}},
    "package that can't import": {
        "words": ["-m", "pkg.sub"],
        "files": {"pkg/__init__.py": "import nope", "pkg/sub.py": ""},
    },
    "compiled file of another version": {
        "words": ["x.pyc"],
        "files": {"x.pyc": compiled("", b"\x00\x00\r\n")},
    },
    "compiled file, cut": {"words": ["x.pyc"], "files": {"x.pyc": compiled("x = 1")[:30]}},
    "compiled file without code": {
        "words": ["x.pyc"],
        "files": {"x.pyc": MAGIC_NUMBER + bytes(12) + marshal.dumps(5)},
    },
    # how programs end
    "unhandled exception": script(FAILS),
    "unhandled exception in a command": {"words": ["-c", FAILS]},
    "unhandled exception in standard input": {"stdin": FAILS},
    "unhandled exception in a module": {"words": ["-m", "mod"], "files": {"mod.py": FAILS}},
    "unhandled exception in a package": {
        "words": ["-m", "pkg"],
        "files": {"pkg/__init__.py": "", "pkg/__main__.py": FAILS},
    },
    "unhandled exception in a folder": {"words": ["f"], "files": {"f/__main__.py": FAILS}},
    "unhandled exception in an archive": {
        "words": ["a.zip"], "files": {"a.zip": archive(__main__=FAILS)}
    },
    "unhandled exception in a compiled file": {
        "words": ["x.pyc"], "files": {"x.pyc": compiled(FAILS)}
    },
    "unhandled exception in an imported module": script(
        "import other", files={"script.py": "import other", "other.py": FAILS}
    ),
    "chained exceptions": script(
        "try:\n    try:\n        1/0\n    except Exception as e:\n        raise KeyError('k') from e\n"
        "except KeyError:\n    raise ValueError('v')\n"
    ),
    "exception group with notes": script(
        "e = ValueError(1)\ne.add_note('note')\nraise ExceptionGroup('g', [e, TypeError(2)])"
    ),
    "exception without text": script("class E(BaseException): pass\nraise E"),
    "exception that can't be printed": script(
        "class E(Exception):\n  def __str__(self): 1/0\nraise E"
    ),
    "exception in a finaliser": script("class A:\n  def __del__(self): 1/0\nA()\nprint(1)"),
    "exception in a thread": script(
        "import threading\nt = threading.Thread(target=lambda: 1/0, name='t')\nt.start()\nt.join()"
    ),
    "exception at exit": script("import atexit\natexit.register(lambda: 1/0)\nprint(1)"),
    "exit code": script("import sys\nsys.exit(3)"),
    "exit code, large": script("import sys\nsys.exit(2**40)"),
    "exit code, negative": script("import sys\nsys.exit(-1)"),
    "exit with True": script("import sys\nsys.exit(True)"),
    "exit with None": script("import sys\nsys.exit(None)"),
    "exit with text": script("import sys\nsys.exit('text é')"),
    "exit with an object": script("import sys\nsys.exit([1, 2.5])"),
    "exit by raise": script("raise SystemExit"),
    "exit by raise with two arguments": script("raise SystemExit(1, 2)"),
    "exit in a function": script("def f():\n  exit(4)\nf()"),
    "exit of a module": {"words": ["-m", "mod"], "files": {"mod.py": "raise SystemExit(5)"}},
    "exit of a command": {"words": ["-c", "raise SystemExit('bye')"]},
    "exit at once": script("import os\nprint(1, flush=True)\nos._exit(6)"),
    "finalisers run before the end": script(
        "class A:\n  def __del__(self): print('del')\na = A()\nimport sys\nsys.exit(1)"
    ),
    "locals of the function that exits": script(
        "import atexit, sys\natexit.register(print, 'atexit')\n"
        "class A:\n  def __del__(self): print('del')\ndef f():\n  a = A()\n  sys.exit(1)\nf()"
    ),
    "order at exit": script(
        "import atexit, sys, threading\natexit.register(print, 'atexit')\n"
        "threading.Timer(0.3, print, ['thread']).start()\nprint('end')\nsys.exit('message')"
    ),
    "keyboard interrupt": script("def f():\n  raise KeyboardInterrupt\nf()"),
    "keyboard interrupt in a module": {
        "words": ["-m", "mod"], "files": {"mod.py": "raise KeyboardInterrupt('x')"}
    },
    "keyboard interrupt in a command": {"words": ["-c", "raise KeyboardInterrupt"]},
    "subclass of keyboard interrupt": script("class K(KeyboardInterrupt): pass\nraise K"),
    "interrupt by signal": script(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\nwhile True: time.sleep(1)"
    ),
    "at exit after an interrupt": script(
        "import atexit, sys\natexit.register(lambda: print(sys.last_type))\nraise KeyboardInterrupt"
    ),
    "killed": script("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)"),
    "recursion error": script("def f(): f()\nf()"),
    "memory error": script("x = 'a' * (1 << 62)"),
    # hooks
    "excepthook": script(HOOK.format("pass")),
    "excepthook that fails": script(HOOK.format("{}['x']")),
    "excepthook that exits": script(HOOK.format("sys.exit(9)")),
    "excepthook deleted": script("import sys\ndel sys.excepthook\n1/0"),
    "excepthook sees the last exception": script(
        "import sys\nsys.excepthook = lambda *a: print(sys.last_type, sys.last_value, a[0])\n1/0"
    ),
    "excepthook sees no other frames": script(
        HOOK.format("import traceback; traceback.print_stack(); print(sys._getframe().f_back)")
    ),
    # streams
    "closed stdout": {"words": ["-c", "print(1)"], "shell": "PYTHON >&-"},
    "full disk": {"words": ["-c", "print(1)"], "shell": "PYTHON > /dev/full"},
    "full disk and an exception": {"words": ["-c", "print(1); 1/0"], "shell": "PYTHON > /dev/full"},
    "broken pipe": {
        "words": ["-c", "for i in range(100000): print(i)"],
        "shell": "{ PYTHON; echo code $? >&2; } | head -1",
    },
    "closed stderr": {"words": ["-c", "1/0"], "shell": "PYTHON 2>&-"},
    "closed stdin": {"shell": "PYTHON <&-"},
    # the interpreter's own flags and variables
    "unbuffered": script("import sys; print(sys.flags, sys.stdout.line_buffering)", flags=["-u"]),
    "optimised": script("assert False, 1\nprint(__debug__)", flags=["-O"]),
    "warnings are errors": script("import warnings\nwarnings.warn('w')", flags=["-W", "error"]),
    "safe path": script("import os, sys; print(os.getcwd() in sys.path)", flags=["-P"]),
    "safe path, module": {
        "words": ["-m", "json.tool"], "flags": ["-P"], "stdin": "[]", "files": {"json.py": "1/0"}
    },
    "development mode": script("print(1)", flags=["-X", "dev"]),
    "frozen modules off": script("import os; print(1)", flags=["-X", "frozen_modules=off"]),
    "C locale": script("print('é')", env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}),
    "syntax warning": script("x = 1\nprint(x is 1)"),
    "script that hides the library": {
        "words": ["x/main.py"],
        "files": {"x/main.py": "import code; print(code.x)", "x/code.py": "x = 1",
                  "x/runpy.py": "1/0", "runpy.py": "1/0", "code.py": "1/0"},
    },
    # frames
    "stack": script(STACK),
    "stack of a command": {"words": ["-c", STACK]},
    "stack of a module": {
        "words": ["-m", "mod"], "files": {"mod.py": STACK}
    },
    "recursion depth": script(DEPTH),
    "recursion depth under C functions": script(DEPTH_IN_C),
    "recursion depth of a module": {
        "words": ["-m", "mod"], "files": {"mod.py": DEPTH}
    },
    # tools
    "profiler": {
        "words": ["-m", "cProfile", "-s", "name", "mod.py"],
        "files": {"mod.py": "def f(): pass\nf()\n"},
        "shell": "PYTHON | sed 's/[0-9]*[.][0-9]*/T/g'",
    },
    "debugger": {
        "words": ["-m", "pdb", "mod.py"],
        "files": {"mod.py": "def f(x):\n    y = x\n    return y\nf(1)\nf(2)\n"},
        "stdin": "b f\nc\nn\np x, y\nw\nc\np x\nq\n",
    },
    "trace": {
        "words": ["-m", "trace", "--trace", "mod.py"],
        "files": {"mod.py": "def f(x):\n    y = x\n    return y\nprint(f(1))\n"},
    },
    "timeit": {"words": ["-m", "timeit", "-n1", "-r1", "-q", "1"], "files": {}},
}  # fmt: skip


# without the machine our frames are below the program's
ONLY_MACHINE = (
    "recursion error",
    "excepthook sees no other frames",
    "stack",
    "stack of a command",
    "stack of a module",
    "recursion depth",
    "recursion depth under C functions",
    "recursion depth of a module",
)
EVERYWHERE = pytest.mark.parametrize("machine", [True, False], ids=["machine", "no machine"])


@EVERYWHERE
@pytest.mark.parametrize("name", [name for name in CASES if name not in ONLY_MACHINE])
def test_ends_as_in_plain_python(name, machine, sides):
    plain, ours = sides(**CASES[name], machine=machine)

    assert ours == plain


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.limits if name.endswith("C functions") else ())
        for name in ONLY_MACHINE
    ],
)
def test_sees_no_frame_of_ours(name, sides):
    plain, ours = sides(**CASES[name])

    assert ours == plain


# -- sources that do not compile ---------------------------------------------------------------

BROKEN = {
    "open parenthesis": "def f(\n",
    "no block": "if x:\n",
    "cut in a comment": "try:\n    # here",
    "cut in a name": "try:\n    x = 1\nfin",
    "bad token": "x = 1 $ 2\n",
    "open string": "x = 'abc\n",
    "open triple quotes": 'x = """abc\n\n',
    "tabs and spaces": "if 1:\n        x\n\ty\n",
    "return outside": "x = 1\nreturn x\n",
    "nonlocal": "nonlocal x\n",
    "future": "from __future__ import nope\n",
    "in the last line": "x = (1,\n     2)\nx = 3 +",
    "too deep": "x = " + "(" * 300,
    "bad escape": "x = '\\N{nope}'\n",
    "not UTF-8": b"x = '\xe9'\n",
    "unknown encoding": "# coding: nope\nx\n",
    "latin-1 with an error": b"# coding: latin-1\nx = '\xe9' $\n",
    "byte order mark": b"\xef\xbb\xbfx = \n",
    "byte order mark and another encoding": b"\xef\xbb\xbf# coding: latin-1\nx\n",
    "NUL": "x = (1\0\n",
    "carriage returns": "x = 1\r\ny = \r\n",
    "form feed": "if 1:\n\x0c  x = \n",
}


def check_broken(sides, name, **how):
    # standard input as a file, not a pipe: CPython goes back in it for some encodings
    plain, ours = sides(files={"script.py": BROKEN[name]}, shell="PYTHON < script.py", **how)

    assert ours == plain
    assert plain.code == 1


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("word", ["script.py", "-"])
def test_source_that_does_not_compile(name, word, sides):
    check_broken(sides, name, words=[word])


@EVERYWHERE
@pytest.mark.parametrize("name", BROKEN)
def test_module_that_does_not_compile(name, machine, sides):
    check_broken(sides, name, words=["-m", "script"], machine=machine)


@EVERYWHERE
@pytest.mark.parametrize(
    "name", [n for n, s in BROKEN.items() if isinstance(s, str) and n != "NUL"]
)
def test_command_that_does_not_compile(name, machine, sides):
    plain, ours = sides(words=["-c", BROKEN[name]], machine=machine)

    assert ours == plain


@pytest.mark.parametrize("source", [b"# coding: latin-1\nprint(ascii('\xe9'))\n", "print('é')",
                                    b"\xef\xbb\xbfprint('\xc3\xa9')\r\nprint(2)\r\n",
                                    "print(1)  # no newline at the end", "#!/usr/bin/python\nprint(1)"])  # fmt: skip
@EVERYWHERE
def test_source_is_decoded_as_its_first_lines_say(source, machine, sides):
    plain, ours = sides(words=["x.py"], files={"x.py": source}, machine=machine)

    assert ours == plain
    assert ours.code == 0


# -- files that need more than content ------------------------------------------------------------


@EVERYWHERE
def test_symbolic_link_is_followed_for_the_path_only(machine, sides, tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (real / "main.py").write_text("import sys, beside; print(__file__, sys.path[0])")
    (real / "beside.py").write_text("")
    os.symlink(real / "main.py", tmp_path / "link.py")

    plain, ours = sides(words=[str(tmp_path / "link.py")], machine=machine)

    assert ours == plain
    assert str(real) in ours.stdout


@EVERYWHERE
@pytest.mark.parametrize("path", ["file/x.py", "loop.py", "x" * 300, "x\ty"], ids=range(4))
def test_script_that_cannot_be_opened(path, machine, sides, tmp_path):
    os.symlink("loop.py", tmp_path / "loop.py")
    (tmp_path / "file").write_text("")

    plain, ours = sides(words=[str(tmp_path / path)], machine=machine)

    assert ours == plain
    assert ours.code == 2


# -- the prompt after a program, standard input being no terminal --------------------------------------

LINES = "print(x)\nif 1:\n  2\n\n1/0\n_\ndef f(:\n\n[1,\n2]\n"


@pytest.mark.parametrize(
    "words",
    [
        ["-i", "-c", "x = 1"],
        ["-i", "-c", "x = 1\n1/0"],
        ["-i", "-c", "x = 1\nimport sys\nsys.exit(3)"],
        ["-i", "-c", "raise KeyboardInterrupt"],
        ["-i", "-m", "nope"],
        ["-i", "missing.py"],
        ["-i", "script.py", "a"],
        ["-i", "-m", "script"],
        ["-im", "script"],
        ["-i", "-q"],
        ["-qi", "-", "a"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("last", ["", "exit(4)\n", "raise KeyboardInterrupt\n"], ids=repr)
@EVERYWHERE
def test_prompt_after_a_program(words, last, machine, sides):
    script = "import sys\nx = sys.argv"
    plain, ours = sides(
        words=words, files={"script.py": script}, stdin=LINES + last, machine=machine
    )

    assert ours == plain
