"""`python -m pyrs` itself: options, what it says, commands handed on."""

import importlib.util
import platform
import re
import sys

import pyrs as package
import pytest

STATS = re.compile(r"pyrs: native (\d+) delegated (\d+) compiled \d+ bailouts \d+\n\Z")


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version_names_both(pyrs, option):
    told = pyrs(option)

    python = f"{platform.python_implementation()} {platform.python_version()}"
    assert told.stdout == f"pyrs {package.__version__} ({python})\n"
    assert (told.stderr, told.code) == ("", 0)


def test_version_says_why_there_is_no_machine(pyrs):
    told = pyrs("--version", machine=False)

    why = "no machine was built for Python {}.{}".format(*sys.version_info[:2])
    assert told.stdout.endswith(f"; everything runs on the interpreter: {why})\n")
    assert told.code == 0


@pytest.mark.parametrize("option", ["-h", "--help", "-?"])
def test_help_lists_options_and_commands(pyrs, option):
    told = pyrs(option)

    assert told.stdout.startswith("usage: python -m pyrs ")
    assert all(word in told.stdout for word in ["-m module", "--stats", "--abi", "install", "lock"])
    assert (told.stderr, told.code) == ("", 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nope"], "unknown option --nope"),
        (["--stats=1"], "unknown option --stats=1"),
        (["-x"], "unknown option -x"),
        (["-ix"], "unknown option -x"),
        (["-c"], "argument expected for the -c option"),
        (["-m"], "argument expected for the -m option"),
        (["-im"], "argument expected for the -m option"),
        (["--abi"], "--abi expects a file"),
    ],
)
def test_wrong_command_line_is_named(pyrs, words, message):
    told = pyrs(*words)

    assert told.stdout == ""
    first, second = told.stderr.splitlines()
    assert first == f"pyrs: {message}"
    assert second.startswith("hint: ")
    assert told.code == 2


def test_options_behind_the_program_are_its_own(pyrs):
    told = pyrs("x.py", "--stats", "-V", "--nope", files={"x.py": "import sys; print(sys.argv)"})

    assert told.stdout == "['x.py', '--stats', '-V', '--nope']\n"
    assert told.stderr == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["x.py"], 0),
        (["-c", "def f(): pass\nf()"], 0),
        (["-m", "x"], 0),
        (["-c", "import sys; sys.exit('last words')"], 1),
        (["-c", "1/0"], 1),
        (["-c", "raise KeyboardInterrupt"], -2),
        (["-c", "import atexit, sys; atexit.register(lambda: print('bye', file=sys.stderr))"], 0),
        (["-c", "import threading as t; t.Timer(0.2, lambda: 1/0).start()"], 0),
        (["-c", "x = ="], 1),
        (["missing.py"], 2),
    ],
    ids=str,
)
def test_stats_are_the_last_line(pyrs, words, code):
    told = pyrs("--stats", *words, files={"x.py": "def f(): pass\nf()"})

    assert STATS.search(told.stderr), told.stderr
    assert told.code == code


@pytest.mark.native
def test_stats_count_what_ran(pyrs):
    told = pyrs("--stats", "-c", "def f(): pass\nfor i in range(10): f()")

    assert STATS.search(told.stderr).groups() == ("11", "0")


def test_stats_say_why_there_is_no_machine(pyrs):
    told = pyrs("--stats", "-c", "pass", machine=False)

    assert told.stderr.startswith("pyrs: native 0 delegated 1 ")
    assert "(no machine was built for Python" in told.stderr


@pytest.mark.parametrize(
    "source",
    [
        "import os\nif os.fork() == 0: raise SystemExit\nos.wait()",
        "import multiprocessing as m\nif __name__ == '__main__':\n"
        "    p = m.get_context('fork').Process(target=print)\n    p.start(); p.join()",
    ],
)
def test_stats_are_of_the_process_that_was_asked(pyrs, source):
    told = pyrs("--stats", "x.py", files={"x.py": source})

    assert told.stderr.count("pyrs: native") == 1


def test_commands_go_to_the_package_manager(pyrs):
    told = pyrs("tree", "--help")

    if importlib.util.find_spec("resolvelib") is None:
        assert "pyforge-suite[pm]" in told.stderr
    else:
        assert "usage: pyrs tree" in told.stdout


def test_file_named_like_a_command_is_run_by_its_path(pyrs):
    told = pyrs("./check", files={"check": "print('ran')"})

    assert told.stdout == "ran\n"


def test_abi_of_a_file_is_told(pyrs):
    extension = sys.modules.get("pyrs._pyrs") or __import__("pyrs._pyrs")._pyrs

    told = pyrs("--abi", extension.__file__)

    assert "CPython" in told.stdout or "Python" in told.stdout
    assert told.stderr == ""


def test_abi_of_something_else_is_an_error(pyrs):
    told = pyrs("--abi", "x", files={"x": "no ELF"})

    assert told.code != 0
    assert "x" in told.stderr + told.stdout


def test_nothing_of_ours_is_left_in_main(pyrs):
    told = pyrs("-c", "import sys; print(sorted(globals()), sys.argv, '' == sys.path[0])")

    names = ["__annotations__", "__builtins__", "__doc__", "__loader__", "__name__", "__package__"]
    if sys.version_info >= (3, 14):
        names.remove("__annotations__")
    assert told.stdout == f"{[*names, '__spec__', 'sys']} ['-c'] True\n"


def test_delegation_can_be_made_an_error(pyrs):
    told = pyrs(
        "-c",
        "import sys\ndef f(x): pass\nsys.setprofile(lambda *a: None)\n"
        "try:\n    list(map(f, [1]))\nexcept RuntimeError as e:\n"
        "    sys.setprofile(None)\n    print(e)",
        env={"PYRS_FALLBACK": "error"},
    )

    assert "PYRS_FALLBACK=error" in told.stdout
