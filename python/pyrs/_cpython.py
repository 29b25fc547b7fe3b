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
        try:
            text = source if is_file else source.decode()
            code = compile(text, filename, "exec", dont_inherit=True)
        except BaseException as error:
            # where it was raised is here; a SyntaxError says itself where it is
            return print_unhandled(error.with_traceback(None))
        return self.main_code(code, globals)

    def main_code(self, code: "CodeType", globals: "dict[str, Any]") -> type[BaseException] | None:
        return self._main(self.run_code, code, globals)

    def main_function(
        self, func: "Callable[..., Any]", args: "tuple[Any, ...]"
    ) -> type[BaseException] | None:
        return self._main(self.run_function, func, args)

    def _main(self, run: "Callable[..., Any]", *args: object) -> type[BaseException] | None:
        try:
            run(*args)
        except SystemExit:
            raise
        except BaseException as error:
            # without this function and run
            return print_unhandled(without_frames(error, 2))
        return None

    # -- telling -------------------------------------------------------------------------

    def stats(self) -> "_Stats":
        return {
            "native": 0,
            "delegated": self.delegated,
            "compiled": 0,
            "bailouts": 0,
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


# -- unhandled exceptions, as PyErr_PrintEx() does it ---------------------------------------


def without_frames(error: BaseException, n: int) -> BaseException:
    """The exception without the outermost n entries of its traceback."""
    traceback = error.__traceback__
    for _ in range(n):
        if traceback is not None:
            traceback = traceback.tb_next
    return error.with_traceback(traceback)


def print_unhandled(error: BaseException) -> type[BaseException]:
    """Give the exception to sys.excepthook, as the interpreter does at the end of a program."""
    kind, traceback = type(error), error.__traceback__
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, traceback
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        print("sys.excepthook is missing", file=sys.stderr)
        sys.__excepthook__(kind, error, traceback)
        return kind
    try:
        hook(kind, error, traceback)
    except SystemExit:
        raise
    except BaseException as second:
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(second), without_frames(second, 1), second.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(kind, error, traceback)
    return kind
