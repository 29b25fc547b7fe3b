"""`pyrs.run` and what stands beside it, called from a program."""

import builtins
import functools
import marshal
import subprocess
import sys
import sysconfig
import tomllib
import types
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pyrs
import pytest

ROOT = Path(__file__).resolve().parents[3]


def native(before):
    return pyrs.stats()["native"] - before["native"]


# -- what is run -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 1", 2),
        ("[i * i for i in range(3)]", [0, 1, 4]),
        ("# comment\n'text'\n", "text"),
        ("x = 1", None),
        ("x = 1\nx", None),
        ("", None),
        ("pass", None),
        ("(yes := 5)", 5),
    ],
)
def test_source_gives_its_value_if_it_is_an_expression(source, value):
    assert pyrs.run(source) == value


def test_source_runs_in_a_fresh_main():
    names = pyrs.run("dict(globals())")

    assert list(names) == [
        "__name__", "__doc__", "__package__", "__loader__", "__spec__", "__annotations__",
        "__builtins__",
    ]  # fmt: skip
    assert names["__name__"] == "__main__"
    assert names["__builtins__"] is builtins
    assert names is not pyrs.run("globals()")


def test_namespaces_are_those_of_exec():
    space, inner = {"x": 1}, {}
    pyrs.run("y = x + 1", globals=space)
    pyrs.run("z = y", globals=space, locals=inner)

    assert space["y"] == 2
    assert space["__builtins__"] is builtins or space["__builtins__"] is vars(builtins)
    assert inner == {"z": 2}
    assert pyrs.run("z + x", globals=space, locals=inner) == 3


def test_locals_may_be_any_mapping():
    class Names(dict):
        def __missing__(self, name):
            if name.startswith("made"):
                return name
            raise KeyError(name)

    assert pyrs.run("made_up + made_too", locals=Names()) == "made_upmade_too"


def test_file_is_source_with_a_name(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("def f(): 1/0\n")
    space = {}

    assert pyrs.run(path, globals=space) is None
    with pytest.raises(ZeroDivisionError) as raised:
        space["f"]()
    assert raised.traceback[-1].path == path


def test_file_finds_itself_in_main(tmp_path):
    path = tmp_path / "program.py"
    path.write_bytes(
        "# coding: latin-1\nimport sys\nsys.seen = (__file__, __name__, 'é')\n".encode("latin-1")
    )

    pyrs.run(path)

    assert sys.seen == (str(path), "__main__", "é")
    del sys.seen


def test_compiled_file_is_run(tmp_path):
    path = tmp_path / "program.pyc"
    code = compile("import sys; sys.seen = 5", "x.py", "exec")
    path.write_bytes(MAGIC_NUMBER + bytes(12) + marshal.dumps(code))

    pyrs.run(path)

    assert sys.seen == 5
    del sys.seen


def test_code_object_is_run_as_it_is():
    assert pyrs.run(compile("x * 2", "s", "eval"), globals={"x": 4}) == 8
    assert pyrs.run(compile("x * 2", "s", "exec"), globals={"x": 4}) is None


def function(a, b=2, *rest, c, d=4, **more):
    return a, b, rest, c, d, more


class Class:
    def __init__(self, x):
        self.x = x

    def method(self, y=1):
        return self.x + y

    @classmethod
    def of_class(cls, x):
        return cls, x

    @staticmethod
    def alone(x):
        return x

    def __call__(self, z):
        return self.x * z

    @property
    def double(self):
        return self.x * 2


@pytest.mark.parametrize(
    ("call", "args", "kwargs"),
    [
        (function, (1,), {"c": 3}),
        (function, (1, 5, 6, 7), {"c": 3, "e": 5, "d": 0}),
        (function, (), {"a": 1, "c": 2}),
        (Class(1).method, (), {}),
        (Class(1).method, (5,), {}),
        (Class.of_class, (2,), {}),
        (Class.alone, (3,), {}),
        (Class(2), (4,), {}),
        (functools.partial(function, 1, c=2), (3,), {"x": 4}),
        (len, ([1, 2],), {}),
        (sorted, ([2, 1],), {"reverse": True}),
        ([].__len__, (), {}),
        (lambda *a, **k: (a, k), (1,), {"self": 2, "what": 3, "func": 4}),
    ],
)
def test_callable_is_called_with_the_arguments(call, args, kwargs):
    assert pyrs.run(call, *args, **kwargs) == call(*args, **kwargs)


def test_class_is_called():
    assert pyrs.run(Class, 5).x == 5


def test_generator_function_gives_a_generator():
    def count(n):
        for i in range(n):
            got = yield i
            if got:
                yield got

    made = pyrs.run(count, 3)

    assert isinstance(made, types.GeneratorType)
    assert next(made) == 0
    assert made.send("x") == "x"
    assert list(made) == [1, 2]


@pytest.mark.native
def test_function_runs_natively():
    def work(n):
        return sum(helper(i) for i in range(n))

    def helper(i):
        return i

    before = pyrs.stats()

    assert pyrs.run(work, 10) == 45
    assert native(before) >= 1 + 11 + 10  # work, the generator's resumes, helper


@pytest.mark.native
def test_source_runs_natively():
    before = pyrs.stats()
    pyrs.run("def f(x): return x\nfor i in range(5): f(i)")

    assert native(before) == 6


# -- what is wrong -----------------------------------------------------------------------------


EXPECTED = r"source \(str\), a file \(os.PathLike\), a code object or a callable"


@pytest.mark.parametrize("what", [None, 5, b"1 + 1", [1], ("x",), ...], ids=repr)
def test_other_things_are_refused(what):
    with pytest.raises(
        TypeError, match=rf"^run\(\) expects {EXPECTED}, not {type(what).__name__}$"
    ):
        pyrs.run(what)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, r"run\(\) missing 1 required positional argument"),
        (("1", 2), {}, r"run\(\) expects arguments only with a callable, not str"),
        (("1",), {"x": 2}, r"run\(\) expects arguments only with a callable, not str"),
        ((len, []), {"globals": {}}, r"run\(\) expects globals and locals only with source"),
        (("1",), {"globals": []}, r"run\(\) expects globals to be a dict, not list"),
        (("1",), {"locals": 5}, r"run\(\) expects locals to be a mapping, not int"),
        ((function, 1), {}, r"function\(\) missing 1 required keyword-only argument: 'c'"),
        ((Class.alone,), {}, r"Class.alone\(\) missing 1 required positional argument: 'x'"),
    ],
)
def test_wrong_arguments_are_named(args, kwargs, message):
    with pytest.raises(TypeError, match=message):
        pyrs.run(*args, **kwargs)


def test_code_of_another_python_is_refused():
    foreign = compile("x = f(1)", "foreign.py", "exec").replace(co_code=bytes([255, 0] * 8))

    with pytest.raises(TypeError, match=rf"code compiled by Python {sys.version_info[0]}\."):
        pyrs.run(foreign)


def test_compiled_file_of_another_python_is_refused(tmp_path):
    path = tmp_path / "x.pyc"
    path.write_bytes(b"\x00\x01\r\n" + bytes(12) + marshal.dumps(compile("1", "x", "exec")))

    with pytest.raises(TypeError, match=rf"a \.pyc of Python {sys.version_info[0]}\..*x\.pyc"):
        pyrs.run(path)


def test_code_with_free_variables_is_refused():
    x = 1
    with pytest.raises(TypeError, match="without free variables"):
        pyrs.run((lambda: x).__code__)


@pytest.mark.parametrize("source", ["x = = 1", "def f(:\n", "  1", "x = 'abc", "return 1"])
def test_syntax_error_is_cpythons(source):
    with pytest.raises(SyntaxError) as ours:
        pyrs.run(source)
    with pytest.raises(SyntaxError) as plain:
        exec(source)

    assert ours.value.args == plain.value.args
    assert ours.value.__context__ is None


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        pyrs.run(tmp_path / "missing.py")
    with pytest.raises(IsADirectoryError):
        pyrs.run(tmp_path)


def test_source_with_nul_is_refused_as_by_exec():
    with pytest.raises((ValueError, SyntaxError), match="null bytes"):
        pyrs.run("x = 1\0")


def test_exception_has_an_ordinary_traceback():
    with pytest.raises(KeyError) as raised:
        pyrs.run("def f(d):\n    return d['x']\nf({})")

    names = [entry.name for entry in raised.traceback]
    assert names[-2:] == ["<module>", "f"]
    assert [entry.lineno + 1 for entry in raised.traceback][-2:] == [3, 2]


def test_warning_is_given_once():
    with pytest.warns(SyntaxWarning) as seen:
        pyrs.run("1 is 1")
        pyrs.run("x = 1\nx is 2")

    assert len(seen) == 2


# -- looking at it --------------------------------------------------------------------------------


def test_stats_count_frames_and_reasons():
    before = pyrs.stats()

    numbers = {"native", "delegated", "compiled", "bailouts", "translated", "loaded"}
    assert set(before) == numbers | {"reasons"}
    assert all(isinstance(count, int) for count in before["reasons"].values())


def test_delegation_is_counted_with_its_reason():
    before = pyrs.stats()
    sys.setprofile(lambda *_: None)
    try:
        assert pyrs.run(function, 1, c=2)[0] == 1
    finally:
        sys.setprofile(None)
    after = pyrs.stats()

    assert after["delegated"] == before["delegated"] + 1
    reason = "tracing or profiling is active"
    assert after["reasons"][reason] == before["reasons"].get(reason, 0) + 1


def test_explain_tells_size_and_caches():
    def attributes(a):
        return a.x + a.method()

    pyrs.run(attributes, Class(1))
    pyrs.run(attributes, Class(2))
    told = pyrs.explain(attributes)

    assert told["name"].endswith("attributes")
    assert told["refused"] is None
    assert 0 < told["instructions"] < told["bytecode_units"]
    assert told["registers"] >= told["locals"] == 1
    sites = {site["name"]: site for site in told["caches"]}
    assert sites["x"]["kind"] == "attribute"
    assert sites["x"]["seen"] == ["inline value"]
    assert sites["method"]["seen"] != []


@pytest.mark.parametrize("kind", [pyrs.explain, pyrs.dis])
@pytest.mark.parametrize(
    "what",
    [function, Class(1).method, Class.__dict__["of_class"], Class.__dict__["alone"],
     Class.__dict__["double"], function.__code__, lambda: 1],
)  # fmt: skip
def test_functions_of_all_forms_are_looked_at(kind, what):
    assert kind(what)


@pytest.mark.parametrize("kind", [pyrs.explain, pyrs.dis, pyrs.jit])
def test_what_is_no_python_function_is_refused(kind):
    with pytest.raises(TypeError, match=rf"{kind.__name__}\(\) expects .*, not int"):
        kind(5)
    with pytest.raises(TypeError, match="not builtin_function_or_method"):
        kind(len)


def test_dis_shows_instructions():
    text = pyrs.dis(lambda x: x + 1)

    assert "ADD" in text


# -- functions that are the machine's ----------------------------------------------------------------


def test_marked_function_is_run_when_c_calls_it():
    @pyrs.jit
    def key(x):
        return -x

    before = pyrs.stats()

    assert sorted([1, 3, 2], key=key) == [3, 2, 1]
    assert native(before) == 3
    assert key.__name__ == "key"
    assert type(key) is types.FunctionType


def test_all_functions_of_a_class_are_marked():
    class Thing:
        def __init__(self, x):
            self.x = x

        def __lt__(self, other):
            return self.x < other.x

        @staticmethod
        def key(x):
            return x

        @property
        def p(self):
            return self.x

        class Inner:
            def f(self, x):
                return x

    assert pyrs.accelerate(Thing) is Thing
    before = pyrs.stats()
    things = sorted([Thing(2), Thing(1)])
    list(map(Thing.key, [1, 2]))
    list(map(Thing.Inner().f, [1, 2, 3]))

    assert [thing.x for thing in things] == [1, 2]
    assert native(before) >= 5


def test_all_functions_of_a_module_are_marked():
    module = types.ModuleType("made")
    exec(
        "from os.path import join\ndef f(x): return x\nclass A:\n  def g(self, x): return x",
        vars(module),
    )
    pyrs.accelerate(module)
    before = pyrs.stats()

    list(map(module.f, [1, 2]))
    list(map(module.A().g, [1, 2]))

    assert native(before) == 4


def test_accelerate_expects_a_module_or_class():
    with pytest.raises(TypeError, match=r"accelerate\(\) expects a module or a class, not int"):
        pyrs.accelerate(5)


# -- the package ------------------------------------------------------------------------------------


def in_new_process(source, **env):
    import os

    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, env=os.environ | env
    )
    assert done.stderr == ""
    return done.stdout


def test_import_loads_nothing_of_the_machine():
    loaded = in_new_process(
        "import sys; old = set(sys.modules); import pyrs; print(*sorted(set(sys.modules) - old))"
    )

    assert loaded.split() == ["pyrs"]


def test_version_is_the_distributions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert pyrs.__version__ == project["version"]


def test_names_are_listed_and_others_are_not_there():
    assert {"run", "stats", "explain", "dis", "jit", "accelerate", "load_extension"} <= set(
        dir(pyrs)
    )
    with pytest.raises(AttributeError, match="module 'pyrs' has no attribute 'nope'"):
        pyrs.nope


def test_without_the_machine_everything_runs_and_says_why():
    text = in_new_process(
        "import sys; sys.modules['pyrs._pyrs'] = None\n"
        "import pyrs\n"
        "def f(x, y=2): return x + y\n"
        "print(pyrs.run('1 + 1'), pyrs.run(f, 1, y=5), pyrs.stats(), pyrs.explain(f)['refused'])\n"
        "print(pyrs.dis(f), pyrs.jit(f) is f)\n"
    )

    why = "no machine was built for Python {}.{}".format(*sys.version_info[:2])
    names = ("native", "delegated", "compiled", "bailouts", "translated", "loaded")
    counts = dict.fromkeys(names, 0) | {"delegated": 2, "reasons": {why: 2}}
    assert text == f"2 6 {counts} {why}\nruns on the interpreter: {why}\n True\n"


@pytest.mark.parametrize(
    ("pretend", "why"),
    [
        ("sys.implementation.name = 'pypy'", "pypy is not CPython"),
        ("sys.abiflags = 't'", "free-threaded builds of CPython are not supported"),
    ],
)
def test_other_implementations_are_not_tried(pretend, why):
    text = in_new_process(
        f"import sys; {pretend}\nimport pyrs\nprint(pyrs.run('5'), *pyrs.stats()['reasons'])"
    )

    assert text == f"5 {why}\n"


def test_interpreter_laid_out_otherwise_is_refused():
    # what the check at import takes for a property has its second field elsewhere
    text = in_new_process(
        "import builtins, pyrs, pyrs.runtime, pyrs._cpython\n"
        "builtins.property = lambda *parts: classmethod(parts[0])\n"
        "print(pyrs.run('5'), *pyrs.stats()['reasons'])"
    )

    assert text == (
        f"5 this Python ({sys.version}) is laid out otherwise than the one "
        "it was built for: properties, class and static methods\n"
    )


@pytest.mark.skipif(
    sysconfig.get_config_var("Py_DEBUG") == 1, reason="needs an interpreter without assertions"
)
def test_subinterpreter_is_refused():
    text = in_new_process(
        "import pyrs; pyrs.run('1')\n"
        "try:\n"
        "    import _interpreters as inter\n"
        "except ImportError:\n"
        "    import _xxsubinterpreters as inter\n"
        "source = 'import pyrs; print(pyrs.run(\\'6\\'), *pyrs.stats()[\\'reasons\\'], flush=True)'\n"
        "one = inter.create()\n"
        "(getattr(inter, 'exec', None) or inter.run_string)(one, source)\n"
        "inter.destroy(one)\n"
    )

    assert text.startswith("6 ")
    assert "interpreter" in text


def test_fallback_can_be_an_error():
    text = in_new_process(
        "import sys, pyrs\n"
        "sys.setprofile(lambda *_: None)\n"
        "try:\n    pyrs.run(lambda: 1)\n"
        "except RuntimeError as error:\n    sys.setprofile(None); print(error)\n",
        PYRS_FALLBACK="error",
    )

    assert text.startswith("pyrs: would run on CPython's evaluator (tracing")
