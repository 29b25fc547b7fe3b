"""Running source, files, code objects and callables in the machine from a program."""

import os
import sys
from types import CodeType, FunctionType, MethodType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol, TypeVar

    from pyrs._pyrs import _Stats

    F = TypeVar("F", bound=Callable[..., Any])
    T = TypeVar("T", bound=Callable[..., Any] | type | ModuleType)

    class Engine(Protocol):
        """What `pyrs._pyrs` is, and its stand-in where it can't be."""

        @property
        def built_for(self) -> str: ...
        def run_function(
            self,
            func: Callable[..., Any],
            args: tuple[Any, ...],
            kwargs: dict[str, Any] | None = None,
            /,
        ) -> Any: ...
        def run_code(
            self,
            code: CodeType,
            globals: dict[str, Any],
            locals: Mapping[str, Any] | None = None,
            /,
        ) -> Any: ...
        def main_source(
            self, source: bytes, filename: str, globals: dict[str, Any], is_file: bool, /
        ) -> type[BaseException] | None: ...
        def main_code(
            self, code: CodeType, globals: dict[str, Any], /
        ) -> type[BaseException] | None: ...
        def main_function(
            self, func: Callable[..., Any], args: tuple[Any, ...], /
        ) -> type[BaseException] | None: ...
        def stats(self) -> _Stats: ...
        def reset_stats(self) -> None: ...
        def explain(self, code: FunctionType | CodeType, /) -> dict[str, Any]: ...
        def dis(self, code: FunctionType | CodeType, /) -> str: ...
        def verify(self, code: FunctionType | CodeType, /) -> str | None: ...
        def undecodable(self, code: FunctionType | CodeType, /) -> str | None: ...
        def own(self, func: F, /) -> F: ...
        def own_modules(self) -> None: ...


# -- the engine -------------------------------------------------------------------------------

_engine: "Engine | None" = None
_why: str | None = None


def engine() -> "Engine":
    """The machine, loaded at the first call; or the interpreter, where that can't be."""
    global _engine, _why
    if _engine is None:
        _engine, _why = find_engine()
    return _engine


def find_engine() -> "tuple[Engine, str | None]":
    from pyrs._cpython import CPython, unsupported

    why = unsupported()
    if why is None:
        try:
            from pyrs import _pyrs
        except ImportError as error:
            why = why_missing(error)
        else:
            return _pyrs, None
    return CPython(why), why


def why_missing(error: ImportError) -> str:
    # the package without the module in it: no binary for this interpreter
    if error.name == "pyrs" or isinstance(error, ModuleNotFoundError):
        return "no machine was built for Python {}.{}".format(*sys.version_info[:2])
    return str(error)


def why_not() -> str | None:
    """Why everything runs on the interpreter, or None: the machine is there."""
    engine()
    return _why


# -- run --------------------------------------------------------------------------------------

EXPECTED = "source (str), a file (os.PathLike), a code object or a callable"


def run(
    what: "str | os.PathLike[str] | CodeType | Callable[..., Any]",
    /,
    *args: "Any",
    globals: "dict[str, Any] | None" = None,
    locals: "Mapping[str, Any] | None" = None,
    **kwargs: "Any",
) -> "Any":
    """Run it in the machine.

    A `str` is source, an `os.PathLike` names a file of source (or a `.pyc`), a code object and
    a callable are run as they are; `*args` and `**kwargs` are for the callable.
    Namespaces are as for `exec()`; without `globals` it is a fresh one named `__main__`.
    Returns the callable's result, the value if it is an expression, else None.
    """
    if callable(what) and not hasattr(type(what), "__fspath__"):
        if globals is not None or locals is not None:
            raise TypeError("run() expects globals and locals only with source, files and code")
        return call(what, args, kwargs)
    if args or kwargs:
        raise TypeError(f"run() expects arguments only with a callable, not {kind(what)}")
    check_namespaces(globals, locals)
    filename = None
    if isinstance(what, CodeType):
        code = check_version(what)
    elif isinstance(what, str):
        code = compile_source(what)
    elif isinstance(what, os.PathLike):
        filename = os.fsdecode(what)
        code = code_of_file(filename)
    else:
        raise TypeError(f"run() expects {EXPECTED}, not {kind(what)}")
    return engine().run_code(code, fresh_main(filename) if globals is None else globals, locals)


def kind(what: object) -> str:
    return type(what).__name__


def version() -> str:
    return "{}.{}".format(*sys.version_info[:2])


def check_version(code: CodeType) -> CodeType:
    wrong = engine().undecodable(code)
    if wrong is None:
        return code
    raise TypeError(
        f"run() expects code compiled by Python {version()}, not {code.co_name!r} of "
        f"{code.co_filename} ({wrong})"
    )


def check_namespaces(globals: object, locals: object) -> None:
    if globals is not None and not isinstance(globals, dict):
        raise TypeError(f"run() expects globals to be a dict, not {kind(globals)}")
    if locals is not None and not hasattr(type(locals), "__getitem__"):
        raise TypeError(f"run() expects locals to be a mapping, not {kind(locals)}")


def fresh_main(filename: str | None) -> "dict[str, Any]":
    """What a program finds in its `__main__` when it starts."""
    import builtins

    names: dict[str, Any] = {
        "__name__": "__main__",
        "__doc__": None,
        "__package__": None,
        "__loader__": None,
        "__spec__": None,
        "__annotations__": {},
        "__builtins__": builtins,
    }
    if filename is not None:
        names |= {"__file__": filename, "__cached__": None}
    return names


def call(func: "Callable[..., Any]", args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "Any":
    if isinstance(func, MethodType) and isinstance(func.__func__, FunctionType):
        return engine().run_function(func.__func__, (func.__self__, *args), kwargs)
    if isinstance(func, FunctionType):
        return engine().run_function(func, args, kwargs)
    # a class, a partial, an object with __call__: called by a function of the machine
    return engine().run_function(calling, (func, args, kwargs))


def calling(func: "Callable[..., Any]", args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "Any":
    return func(*args, **kwargs)


# -- source and files ---------------------------------------------------------------------------


def compile_source(source: str) -> CodeType:
    """Code whose value is the expression's, if the source is one."""
    from _ast import Expr, Expression, Module, PyCF_ONLY_AST

    # parsed once: a second attempt would repeat the warnings of the first
    tree = compile(source, "<string>", "exec", PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, Module)
    match tree.body:
        case [Expr(value=value)]:
            return compile(Expression(value), "<string>", "eval", dont_inherit=True)
    return compile(tree, "<string>", "exec", dont_inherit=True)


def code_of_file(filename: str) -> CodeType:
    import io

    with io.open_code(os.path.abspath(filename)) as file:
        data = file.read()
    if filename.endswith(".pyc"):
        return code_of_pyc(data, filename)
    code: CodeType = compile(data, filename, "exec", dont_inherit=True)
    return code


def code_of_pyc(data: bytes, filename: str) -> CodeType:
    import marshal
    from importlib.util import MAGIC_NUMBER

    if data[:4] != MAGIC_NUMBER:
        raise TypeError(f"run() expects a .pyc of Python {version()}, and {filename} is of another")
    code = marshal.loads(data[16:])
    if not isinstance(code, CodeType):
        raise TypeError(f"run() expects a code object in {filename}, not {kind(code)}")
    return code


# -- telling --------------------------------------------------------------------------------------


def stats() -> "_Stats":
    """What ran where since the machine was loaded: frames run natively and given to CPython,
    functions compiled, compiled code left early, code objects translated and loaded from the
    translation cache, and how often CPython was needed for which reason."""
    return engine().stats()


def explain(func: object) -> "dict[str, Any]":
    """What became of a function: whether the machine runs it or why not, its size before and
    after lowering, and for each inline cache what it has seen."""
    return engine().explain(code_behind(func, "explain"))


def dis(func: object) -> str:
    """The machine's instructions of a function, method or code object, as text."""
    return engine().dis(code_behind(func, "dis"))


def code_behind(func: object, who: str) -> CodeType:
    while not isinstance(func, CodeType):
        if isinstance(func, FunctionType):
            func = func.__code__
        elif isinstance(func, MethodType | classmethod | staticmethod):
            func = func.__func__
        elif isinstance(func, property) and func.fget is not None:
            func = func.fget
        else:
            raise TypeError(f"{who}() expects a Python function or a code object, not {kind(func)}")
    return func


# -- functions that C callers bring to the machine ---------------------------------------------------


def jit(func: "T") -> "T":
    """Mark a function: C code that calls it (`map`, `sorted(key=)`, a decorator in C) comes to
    the machine, and from CPython 3.12 on Python code that calls it does too.  Returns it."""
    if isinstance(func, type):
        return accelerate(func)
    functions = functions_of(func)
    if not functions:
        raise TypeError(f"jit() expects a Python function, method or class, not {kind(func)}")
    for function in functions:
        engine().own(function)
    return func


def accelerate(what: "T") -> "T":
    """Mark all functions that a module or class defines, in the classes inside it too."""
    if not isinstance(what, type | ModuleType):
        raise TypeError(f"accelerate() expects a module or a class, not {kind(what)}")
    home = what.__name__ if isinstance(what, ModuleType) else what.__module__
    seen: set[int] = set()
    pending: list[object] = [what]
    while pending:
        for value in list(vars(pending.pop()).values()):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, type) and value.__module__ == home:
                pending.append(value)
            for function in functions_of(value):
                if function.__module__ == home:
                    engine().own(function)
    return what


def functions_of(value: object) -> "list[FunctionType]":
    """The Python functions behind an attribute of a class or module."""
    match value:
        case FunctionType():
            return [value]
        case MethodType() | classmethod() | staticmethod():
            return functions_of(value.__func__)
        case property():
            return [f for part in (value.fget, value.fset, value.fdel) for f in functions_of(part)]
    return []
