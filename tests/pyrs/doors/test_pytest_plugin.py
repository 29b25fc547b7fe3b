"""pytest with the plugin: tests, fixtures and hooks run in the machine, outcomes are the same."""

import importlib.util
import re

import pytest

SUMMARY = re.compile(r"^pyrs: ([\d.]+) % native \((\d+) frames native, (\d+) on CPython\)$", re.M)
PLUGIN = ("-p", "pyrs.pytest_plugin", "-p", "no:cacheprovider")

# a test asks where it runs: the machine counts each of its calls
NATIVE = """
import pyrs

def frames():
    return pyrs.stats()["native"]

def f(): pass

def is_native():
    before = frames()
    f(); f(); f()
    return frames() >= before + 3
"""
KINDS = """
import unittest
import pytest
from native import is_native

def test_function():
    assert is_native()

@pytest.mark.parametrize("x", [1, 2])
def test_parametrized(x):
    assert is_native()

class TestClass:
    def setup_method(self):
        self.native = is_native()

    def test_method(self):
        assert is_native() and self.native

    @staticmethod
    def test_static():
        assert is_native()

    @classmethod
    def test_class(cls):
        assert is_native()

class TestCase(unittest.TestCase):
    def setUp(self):
        self.native = is_native()

    def test_case(self):
        self.assertTrue(is_native() and self.native)

    def test_sub(self):
        for i in range(2):
            with self.subTest(i=i):
                self.assertTrue(is_native())

class TestAsyncCase(unittest.IsolatedAsyncioTestCase):
    async def test_case(self):
        self.assertTrue(True)

def setup_module():
    global module_native
    module_native = is_native()

def test_module():
    assert module_native

@pytest.fixture
def value():
    return is_native()

@pytest.fixture
def yielded():
    before = is_native()
    yield before
    assert is_native()

@pytest.fixture(scope="module", params=[1, 2])
def wide(request):
    return is_native()

@pytest.fixture(autouse=True)
def automatic():
    assert is_native()

def test_fixtures(value, yielded, wide, hooked):
    assert value and yielded and wide and hooked

def test_rewritten_assertion():
    with pytest.raises(AssertionError, match=r"assert 1 == 2\\n \\+  where 1 = len"):
        assert len([0]) == 2
"""
HOOKS = """
import pytest
from native import is_native

seen = []

def pytest_runtest_setup(item):
    seen.append(is_native())

@pytest.fixture
def hooked():
    return seen[-1]
"""
OUTCOMES = """
import pytest

def test_passes(): pass
def test_fails(): assert [1, 2] == [1, 3]
def test_skips(): pytest.skip("reason")
@pytest.mark.xfail
def test_xfails(): assert 0
@pytest.mark.xfail
def test_xpasses(): pass
@pytest.mark.parametrize("x", [1, 2])
def test_parametrized(x): assert x == 1
@pytest.fixture
def broken(): raise ValueError("no")
def test_error(broken): pass
@pytest.fixture
def breaks():
    yield
    raise ValueError("late")
def test_late(breaks): pass
def test_deep():
    def f(n): return f(n - 1) if n else 1 / 0
    f(3)
"""
FILES = {"native.py": NATIVE, "conftest.py": HOOKS, "test_kinds.py": KINDS}


@pytest.fixture
def session(tmp_path, plain_python):
    """words -> what pytest says in a folder with these files."""

    def run(*words, files, plugin=PLUGIN, machine=True, env=None):
        files = {"pytest.ini": "[pytest]\n"} | files
        return plain_python("-m", "pytest", *plugin, *words, files=files, machine=machine, env=env)

    return run


def without_times(text):
    text = re.sub(r"in [\d.]+s( \([\d:]+\))?", "in T", text)
    return "\n".join(line for line in text.splitlines() if not line.startswith("pyrs: ")).replace(
        "=", ""
    )


def test_without_the_option_nothing_runs_here(session):
    told = session(
        "-q",
        files=FILES | {"test_kinds.py": "from native import *\ndef test(): assert not is_native()"},
    )

    assert told.code == 0, told.stdout
    assert "pyrs:" not in told.stdout


@pytest.mark.native
def test_all_kinds_of_tests_run_in_the_machine(session):
    told = session("--pyrs", files=FILES)

    assert told.code == 0, told.stdout
    share, native, _ = SUMMARY.search(told.stdout).groups()
    assert float(share) > 90
    assert int(native) > 100


# each notes where it ran; none of them is a test's, fixture's or hook's own function
AROUND = {
    "native.py": NATIVE + "\nran = []\ndef note(what): ran.append((what, is_native()))\n",
    "conftest.py": """
import pytest
from native import note, ran

note("conftest")

def pytest_configure(config):
    note("configure")

def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".item":
        return File.from_parent(parent, path=file_path)

class File(pytest.File):
    def collect(self):
        note("collect")
        yield Item.from_parent(self, name="item")

class Item(pytest.Item):
    def setup(self): note("item's setup")
    def runtest(self): note("item")

class Plugin:
    def pytest_runtest_call(self, item): note("plugin object")

def pytest_sessionstart(session):
    session.config.pluginmanager.register(Plugin())

def pytest_terminal_summary(terminalreporter):
    for what, native in ran:
        terminalreporter.write_line(f"{what}: {native}")
""",
    "a.item": "",
    "test_around.py": """
import pytest
from native import note

note("module")

def pytest_generate_tests(metafunc):
    note("generate_tests")

@pytest.fixture(params=[1], ids=lambda value: note("fixture's ids"))
def fixture(request):
    request.addfinalizer(lambda: note("finalizer"))

@pytest.fixture(scope=lambda fixture_name, config: note("scope") or "module")
def scoped(request):
    request.addfinalizer(lambda: note("module's finalizer"))

@pytest.mark.parametrize("value", [object()], ids=lambda value: note("ids"))
@pytest.mark.skipif("__import__('native').note('condition')")
def test_function(fixture, scoped, value):
    pytest.raises(ZeroDivisionError, lambda: note("raises") or 1 / 0)
""",
}


@pytest.mark.native
def test_all_that_pytest_calls_runs_in_the_machine(session):
    told = session("--pyrs", files=AROUND)

    assert told.code == 0, told.stdout
    notes = dict(re.findall(r"^([a-z_' ]+): (True|False)$", told.stdout, re.M))
    assert set(notes) == {
        "conftest", "configure", "collect", "item's setup", "item", "plugin object", "module",
        "generate_tests", "fixture's ids", "finalizer", "scope", "module's finalizer", "ids",
        "condition", "raises",
    }  # fmt: skip
    assert [what for what, native in notes.items() if native != "True"] == []


def test_report_is_as_without(session):
    plain = session("-rA", files={"test_o.py": OUTCOMES})
    ours = session("-rA", "--pyrs", files={"test_o.py": OUTCOMES})

    assert without_times(ours.stdout) == without_times(plain.stdout)
    assert ours.code == plain.code == 1


def test_selection_is_pytests(session):
    told = session("--pyrs", "-q", "-k", "parametrized and 1", files={"test_o.py": OUTCOMES})

    assert "1 passed, 9 deselected" in told.stdout
    assert told.code == 0


def test_reasons_of_delegations_are_reported_with_their_tests(session):
    source = (
        "import sys\n"
        "def test_profiled():\n"
        "    def f(x): pass\n"
        "    sys.setprofile(lambda *a: None)\n"
        "    list(map(f, [1, 2]))\n"
        "    sys.setprofile(None)\n"
        "def test_plain(): pass\n"
    )
    told = session("--pyrs-report", files={"test_p.py": source})

    assert told.code == 0, told.stdout
    _, _, report = told.stdout.partition("what CPython was needed for")
    assert re.search(r"^ +\d+ tracing or profiling is active$", report, re.M)
    assert re.search(r"^ +\d+ test_p.py::test_profiled$", report, re.M)
    assert "test_plain" not in report
    assert SUMMARY.search(report)


@pytest.mark.native
@pytest.mark.skipif(importlib.util.find_spec("xdist") is None, reason="needs pytest-xdist")
def test_workers_tell_their_counts(session):
    alone = session("--pyrs", "-p", "no:xdist", files=FILES)
    many = session("--pyrs", "-n", "2", files=FILES)

    assert many.code == 0, many.stdout
    assert int(SUMMARY.search(many.stdout)[2]) > 0.9 * int(SUMMARY.search(alone.stdout)[2])


@pytest.mark.skipif(
    importlib.util.find_spec("pytest_asyncio") is None, reason="needs pytest-asyncio"
)
def test_asyncio_plugin_runs_coroutines(session):
    source = (
        "import asyncio, pytest\n"
        "@pytest.fixture\n"
        "def loop_scope(): return 1\n"
        "@pytest.mark.asyncio\n"
        "async def test_passes(loop_scope):\n"
        "    await asyncio.sleep(0)\n"
        "    assert [i async for i in count()] == [0, 1]\n"
        "@pytest.mark.asyncio\n"
        "async def test_fails():\n"
        "    await asyncio.sleep(0)\n"
        "    assert 0\n"
        "async def count():\n"
        "    for i in range(2): yield i\n"
    )
    options = ("-rA", "-o", "asyncio_default_fixture_loop_scope=function")
    plain = session(*options, files={"test_a.py": source})
    ours = session("--pyrs", *options, files={"test_a.py": source})

    assert without_times(ours.stdout) == without_times(plain.stdout)
    assert "1 failed, 1 passed" in ours.stdout


@pytest.mark.skipif(importlib.util.find_spec("anyio") is None, reason="needs anyio")
def test_anyio_plugin_runs_coroutines(session):
    source = (
        "import anyio, pytest\n"
        "@pytest.fixture\n"
        "def anyio_backend(): return 'asyncio'\n"
        "@pytest.mark.anyio\n"
        "async def test_passes():\n"
        "    async with anyio.create_task_group() as group:\n"
        "        group.start_soon(anyio.sleep, 0)\n"
    )
    told = session("--pyrs", files={"test_a.py": source})

    assert told.code == 0, told.stdout
    assert "1 passed" in told.stdout


# -- comparing -----------------------------------------------------------------------------------


def test_comparison_of_equal_sessions_has_their_exit_code(session):
    passing = session("--pyrs-compare", files={"test_x.py": "def test(): pass"})
    failing = session("--pyrs-compare", "test_o.py", files={"test_o.py": OUTCOMES})

    assert passing.code == 0, passing.stdout
    assert "pyrs: 1 outcomes plainly, 0 differ in the machine" in passing.stdout
    assert failing.code == 1
    assert "pyrs: 10 outcomes plainly, 0 differ in the machine" in failing.stdout


def test_comparison_fails_where_outcomes_differ(session):
    source = "from native import is_native\ndef test_same(): pass\ndef test_other(): assert not is_native()\n"
    told = session("--pyrs-compare", files={"native.py": NATIVE, "test_x.py": source})

    assert told.code == 1
    assert (
        "pyrs: test_x.py::test_other: setup passed, call passed, teardown passed plainly, "
        "setup passed, call failed, teardown passed here" in told.stdout
    )
    assert "pyrs: 2 outcomes plainly, 1 differ in the machine" in told.stdout


def test_comparison_sees_a_test_that_is_missing(session):
    source = "import sys\nimport pyrs\nif '--pyrs' not in sys.argv:\n    def test_only_plainly(): pass\ndef test(): pass\n"
    told = session("--pyrs-compare", files={"test_x.py": source})

    assert told.code == 1
    assert (
        "test_only_plainly: setup passed, call passed, teardown passed plainly, not run here"
        in told.stdout
    )


def test_comparison_sees_a_crash(session):
    source = "import os, sys\ndef test():\n    if '--pyrs' in sys.argv: os._exit(3)\n"
    told = session("--pyrs-compare", files={"test_x.py": source})

    assert told.code == 1
    assert "pyrs: exit code 0 plainly, 3 in the machine" in told.stdout


def test_without_the_machine_tests_run_and_it_says_why(session):
    told = session("--pyrs", files={"test_x.py": "def test(): pass"}, machine=False)

    assert told.code == 0
    assert "pyrs: everything ran on the interpreter: no machine was built" in told.stdout
