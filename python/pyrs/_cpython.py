"""The functions of `pyrs._pyrs` where the machine can't run: everything goes to the interpreter.

Which interpreters those are, and why, is `unsupported()`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, FunctionType
    from typing import Any, TypeVar

    from pyrs._pyrs import _Stats

    F = TypeVar("F", bound=Callable[..., Any])


def unsupported() -> str | None:
    """Why this interpreter can't have the machine, as far as that is known without trying."""
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} is not CPython"
    if "t" in sys.abiflags:
        return "free-threaded builds of CPython are not supported"
    return None


class CPython:
    """The interpreter itself, counting what is run."""

    built_for = ""

    def __init__(self, why: str) -> None:
        self.why = why
        self.delegated = 0

    # -- running -------------------------------------------------------------------------

    def run_function(
        self,
        func: "Callable[..., Any]",
        args: "tuple[Any, ...]",
        kwargs: "dict[str, Any] | None" = None,
    ) -> "Any":
        self.delegated += 1
        return func(*args, **(kwargs or {}))

    def run_code(
        self,
        code: "CodeType",
        globals: "dict[str, Any]",
        locals: "Mapping[str, Any] | None" = None,
    ) -> "Any":
        self.delegated += 1
        # of any code object eval() gives the value, which exec() drops
        return eval(code, globals, globals if locals is None else locals)

    # -- being the program ---------------------------------------------------------------

    def main_source(
        self, source: bytes, filename: str, globals: "dict[str, Any]", is_file: bool
    ) -> type[BaseException] | None:
        text = source if is_file else source.decode()
        return guarded(lambda: self.run_code(compile(text, filename, "exec"), globals))

    def main_code(self, code: "CodeType", globals: "dict[str, Any]") -> type[BaseException] | None:
        return guarded(lambda: self.run_code(code, globals))

    def main_function(
        self, func: "Callable[..., Any]", args: "tuple[Any, ...]"
    ) -> type[BaseException] | None:
        return guarded(lambda: self.run_function(func, args))

    # -- telling -------------------------------------------------------------------------

    def stats(self) -> "_Stats":
        return {
            "native": 0,
            "delegated": self.delegated,
            "compiled": 0,
            "bailouts": 0,
            "translated": 0,
            "loaded": 0,
            "reasons": {self.why: self.delegated},
        }

    def reset_stats(self) -> None:
        self.delegated = 0

    def explain(self, code: "FunctionType | CodeType") -> "dict[str, Any]":
        return {
            "name": code.__name__ if hasattr(code, "__name__") else code.co_name,
            "refused": self.why,
        }

    def dis(self, code: "FunctionType | CodeType") -> str:
        return f"runs on the interpreter: {self.why}\n"

    def verify(self, code: "FunctionType | CodeType") -> str | None:
        return self.why

    def undecodable(self, code: "FunctionType | CodeType") -> str | None:
        return None

    def own(self, func: "F") -> "F":
        return func

    def own_modules(self) -> None:
        pass


# -- unhandled exceptions -------------------------------------------------------------------


def guarded(run: "Callable[[], object]") -> type[BaseException] | None:
    """Call it as a program is: what it raises is printed, and the type of that returned."""
    try:
        run()
        return None
    except SystemExit:
        raise
    except BaseException as error:
        unhandled = users_part(error)
    # no longer while it is being handled: a hook that raises does so without context
    return print_unhandled(unhandled)


def users_part(error: BaseException) -> BaseException:
    """The exception without this package's entries at the top of its traceback."""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_globals.get("__package__") == "pyrs":
        entry = entry.tb_next
    return error.with_traceback(entry)


def print_unhandled(error: BaseException) -> type[BaseException]:
    """Give the exception to sys.excepthook, as PyErr_PrintEx() does."""
    kind, traceback = type(error), error.__traceback__
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, traceback
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        print("sys.excepthook is missing", file=sys.stderr)
        sys.__excepthook__(kind, error, traceback)
        return kind
    second: BaseException | None = None
    try:
        hook(kind, error, traceback)
    except SystemExit:
        raise
    except BaseException as raised:
        second = users_part(raised)
    if second is not None:
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(second), second, second.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(kind, error, traceback)
    return kind
