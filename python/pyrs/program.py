"""Programs as `python` runs them: a file, a module, a command, standard input.

What CPython's own start-up does after its initialisation (Modules/main.c, pymain_run_python,
and Python/pythonrun.c, 3.11 to 3.14) is done here with the machine in the evaluator's place.
Each function returns the process's exit code; SystemExit is CPython's to deal with.

All imports are up here, before sys.path has an entry of the program's.
"""

import contextlib
import marshal
import os
import runpy
import sys
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType

from pyrs._cpython import guarded, print_unhandled
from pyrs.runtime import engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def new_main() -> "dict[str, Any]":
    """A `__main__` as CPython makes it, instead of the one that started us; its namespace."""
    import builtins

    module = ModuleType("__main__")
    names = vars(module)
    if sys.version_info < (3, 14):
        names["__annotations__"] = {}
    names["__builtins__"] = builtins
    names["__loader__"] = sys.__spec__.loader  # the one of built-in modules
    sys.modules["__main__"] = module
    return names


def main_names() -> "dict[str, Any]":
    return vars(sys.modules["__main__"])


INTERRUPTED = -2


def ended(raised: type[BaseException] | None) -> int:
    """The exit code of a program that raised this, and had it printed."""
    if raised is None:
        return 0
    return INTERRUPTED if raised is KeyboardInterrupt else 1


def leave(code: int) -> int:
    """The exit code for the interpreter; where that is a signal, an exception."""
    if code == INTERRUPTED:
        # CPython ends by the signal itself, after its finalisation, when it sees this leave
        sys.excepthook = lambda *_: None
        raise KeyboardInterrupt
    return code


# -- sys.path[0] ------------------------------------------------------------------------------


def prepend_path(entry: str) -> None:
    if not sys.flags.safe_path:
        sys.path.insert(0, entry)


def importer_for(path: str) -> object:
    """What imports from this path if it is a directory or an archive, else None."""
    for hook in sys.path_hooks:
        try:
            return hook(path)
        except ImportError:
            continue
    return None


# -- kinds of programs ------------------------------------------------------------------------


def run_command(command: str, argv: list[str]) -> int:
    """`-c command`"""
    sys.argv = ["-c", *argv]
    prepend_path("")
    names = new_main()
    sys.audit("cpython.run_command", command)
    source = b""

    def encode() -> None:
        nonlocal source
        try:
            source = f"{command}\n".encode()
        except UnicodeEncodeError:
            print("Unable to decode the command from the command line:", file=sys.stderr)
            raise

    raised = guarded(encode) or engine().main_source(source, "<string>", names, False)
    return ended(raised)


def run_module(name: str, argv: list[str]) -> int:
    """`-m name`"""
    sys.argv = ["-m", *argv]
    prepend_path(os.getcwd())
    new_main()
    sys.audit("cpython.run_module", name)
    return ended(run_as_main(name, True))


def run_as_main(name: str, alter_argv: bool) -> type[BaseException] | None:
    # what CPython calls itself: its frames are part of such a program's tracebacks
    run = runpy._run_module_as_main  # type: ignore[attr-defined]
    return engine().main_function(run, (name, alter_argv))


def run_path(path: str, argv: list[str]) -> int:
    """`path`: a file of source, a `.pyc`, or a directory or archive with a `__main__.py`"""
    sys.argv = [path, *argv]
    absolute = os.path.join(os.getcwd(), path) if path else os.getcwd()
    names = new_main()
    if importer_for(path) is not None:
        sys.path.insert(0, absolute)
        return ended(run_as_main("__main__", False))
    prepend_path(os.path.dirname(os.path.realpath(path)))
    sys.audit("cpython.run_file", absolute)
    try:
        with open(absolute, "rb") as file:
            source = file.read()
    except OSError as error:
        program = sys.orig_argv[0] if sys.orig_argv else sys.executable
        reason = f"[Errno {error.errno}] {error.strerror}"
        print(f"{program}: can't open file {absolute!r}: {reason}", file=sys.stderr)
        return 2
    return ended(run_file(source, absolute, names))


def run_stdin(argv: list[str]) -> int:
    """`-`, or no program while standard input is not a terminal"""
    sys.argv = argv
    prepend_path("")
    names = new_main()
    sys.audit("cpython.run_stdin")
    source = b"" if sys.stdin is None else sys.stdin.buffer.read()
    return ended(run_file(source, "<stdin>", names))


def run_file(source: bytes, filename: str, names: "dict[str, Any]") -> type[BaseException] | None:
    """Run what was read from a file in `__main__`, which knows of the file meanwhile."""
    is_pyc = filename.endswith(".pyc") or source[:2] == MAGIC_NUMBER[:2]
    names["__file__"] = filename
    names["__cached__"] = None
    if filename != "<stdin>":
        names["__loader__"] = (SourcelessFileLoader if is_pyc else SourceFileLoader)(
            "__main__", filename
        )
    if is_pyc:
        raised = run_pyc(source, names)
    else:
        raised = engine().main_source(source, filename, names, True)
    forget_file(names)
    return raised


def forget_file(names: "dict[str, Any]") -> None:
    """A file that has been run is no longer known in `__main__`; a module stays what it is."""
    if names.get("__spec__") is None:
        names.pop("__file__", None)
        names.pop("__cached__", None)


def run_pyc(data: bytes, names: "dict[str, Any]") -> type[BaseException] | None:
    if data[:4] != MAGIC_NUMBER:
        return print_unhandled(RuntimeError("Bad magic number in .pyc file"))
    code = None
    with contextlib.suppress(EOFError, ValueError, TypeError):
        code = marshal.loads(data[16:])
    if not isinstance(code, CodeType):
        return print_unhandled(RuntimeError("Bad code object in .pyc file"))
    return engine().main_code(code, names)
