"""`python -m pyrs` takes what `python` takes: the same output, exit code and wording."""

import sys

import pytest
from support import oracle

SCRIPT = """\
import sys
print(__name__, __file__, sys.argv, __doc__, __package__, __spec__, sys.path[0] == "", input("? "))
"""
MODULE = """\
import sys
print(__name__, sys.argv[1:], __package__, __spec__.name)
sys.exit(4)
"""
FILES = {
    "script.py": SCRIPT,
    "module.py": MODULE,
    "package/__init__.py": "print('init', __name__)\n",
    "package/__main__.py": MODULE,
    "package/tool.py": MODULE,
    "folder/__main__.py": "import sys, beside\nprint(__name__, sys.argv, beside.x)\n",
    "folder/beside.py": "x = 'beside'\n",
    "no_newline.py": "print('no newline')",
    "latin.py": "# -*- coding: latin-1 -*-\nprint('\xe9')\n",
    "bad.py": "print('a')\nif:\n",
    "null.py": "x = 1\0\n",
    "raises.py": "def f():\n    raise ValueError('v')\nf()\n",
    "hook.py": "import sys\nsys.excepthook = lambda t, e, tb: print('hook', t.__name__, e)\n1 / 0\n",
    "atexit_fails.py": "import atexit\natexit.register(lambda: 1 / 0)\nprint('main')\n",
    "thread.py": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()\nprint('main')\n",
    "main_attrs.py": "import __main__\nx = 5\ndef f(): return x\n"
    "print(__main__.x, f.__module__, __main__ is __import__('sys').modules['__main__'])\n",
    "pickled.py": "import pickle\nclass C:\n    pass\nprint(type(pickle.loads(pickle.dumps(C()))) is C)\n",
    "interrupt.py": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhile True: pass\n",
    "killed.py": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nwhile True: pass\n",
    "pipe.py": "import os\nos.close(1)\nprint('lost')\n",
}
CASES = {
    "script": ["script.py", "a", "-x", "--y=1"],
    "script_by_path": ["folder/../script.py"],
    "module": ["-m", "module", "1", "-m"],
    "package": ["-m", "package", "1"],
    "module_in_package": ["-m", "package.tool"],
    "folder": ["folder", "1"],
    "code": ["-c", "import sys; print(__name__, sys.argv, sys.path[0])", "a", "-b"],
    "code_with_error": ["-c", "def f():\n  1/0\nf()"],
    "code_with_syntax_error": ["-c", "a b"],
    "stdin_dash": ["-", "a"],
    "missing_script": ["no_such.py"],
    "missing_module": ["-m", "no_such_module"],
    "missing_submodule": ["-m", "package.no_such"],
    "module_of_no_package": ["-m", "module.x"],
    "folder_without_main": ["package/.."],
    "no_newline": ["no_newline.py"],
    "coding": ["latin.py"],
    "syntax_error": ["bad.py"],
    "null_byte": ["null.py"],
    "raises": ["raises.py"],
    "excepthook": ["hook.py"],
    "atexit_fails": ["atexit_fails.py"],
    "thread_outlives_main": ["thread.py"],
    "main_module": ["main_attrs.py"],
    "pickled_class": ["pickled.py"],
    "interrupt": ["interrupt.py"],
    "killed": ["killed.py"],
    "closed_stdout": ["pipe.py"],
    "exit_text": ["-c", "raise SystemExit('text')"],
    "exit_float": ["-c", "raise SystemExit(1.5)"],
    "exit_big": ["-c", "import sys; sys.exit(2**40 + 3)"],
    "exit_true": ["-c", "import sys; sys.exit(True)"],
    "exit_none": ["-c", "import sys; sys.exit(None)"],
    "exit_negative": ["-c", "import sys; sys.exit(-1)"],
    "os_exit": ["-c", "import os; print('x', flush=True); os._exit(9)"],
    "stdlib_module": ["-m", "json.tool", "--help"],
    "generator_exit_at_end": [
        "-c",
        "def g():\n  try: yield\n  finally: print('end')\nx = g(); next(x)",
    ],
    "del_at_end": ["-c", "class A:\n  def __del__(self): print('del')\na = A()"],
}
STDIN = "print('from stdin', __name__)\nimport sys; print(sys.argv)\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("command_line")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="latin-1" if name == "latin.py" else "utf-8")
    return root


@pytest.mark.parametrize("case", CASES)
def test_command_does_what_python_does(case, folder):
    arguments = CASES[case]

    plain = oracle.run_in(folder, oracle.PLAIN, arguments, stdin=STDIN)
    vm = oracle.run_in(folder, oracle.VM, arguments, stdin=STDIN)

    # the interpreter's own usage lines name it by its path
    assert vm.stderr.replace(sys.executable, "python") == plain.stderr.replace(
        sys.executable, "python"
    )
    assert vm.stdout == plain.stdout
    assert vm.code == plain.code


def test_program_without_arguments_comes_from_a_pipe(folder):
    plain = oracle.run_in(folder, oracle.PLAIN, [], stdin=STDIN)

    assert oracle.run_in(folder, oracle.VM, [], stdin=STDIN) == plain
    assert "from stdin __main__" in plain.stdout
