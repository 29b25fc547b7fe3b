"""The interactive prompt: CPython's, with the machine behind it.

Prompts, continuation lines, `_`, history and completion are what `python -i` has; lines that
begin with a colon are ours (`:help`).
"""

import code
import sys

from pyrs import program
from pyrs._cpython import CPython, print_unhandled, without_frames
from pyrs.runtime import engine, why_not

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from pyrs.runtime import Engine

# -- ways in ------------------------------------------------------------------------------------


def run_alone(argv: list[str]) -> int:
    """No program: banner, PYTHONSTARTUP, prompt."""
    sys.argv = argv
    program.prepend_path("")
    names = program.new_main()
    sys.audit("cpython.run_stdin")
    if not sys.flags.quiet:
        print(banner(), file=sys.stderr)
    run_startup(names)
    prepare_terminal()
    return Console(names).loop()


def run_after(start: "Callable[[], int]") -> int:
    """A program, then the prompt in its namespace, however it ended."""
    try:
        start()
    except SystemExit as error:
        # without the frame of this function and of what it called
        print_unhandled(user_part(error))
    except KeyboardInterrupt:
        pass  # printed
    prepare_terminal()
    return Console(program.main_names()).loop()


def user_part(error: BaseException) -> BaseException:
    """The exception without the entries of this package at the top of its traceback."""
    while (entry := error.__traceback__) is not None:
        if not entry.tb_frame.f_globals.get("__name__", "").startswith("pyrs."):
            break
        without_frames(error, 1)
    return error


def banner() -> str:
    from pyrs import __version__

    why = why_not()
    lines = [
        f"pyrs {__version__}, Python {sys.version} on {sys.platform}",
        'Type "help", "copyright", "credits" or "license" for more information, ":help" for ours.',
    ]
    if why is not None:
        lines.append(f"Everything runs on the interpreter: {why}")
    return "\n".join(lines)


def run_startup(names: "dict[str, Any]") -> None:
    import os

    path = None if sys.flags.ignore_environment else os.environ.get("PYTHONSTARTUP")
    if not path:
        return
    sys.audit("cpython.run_startup", path)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        print("Could not open PYTHONSTARTUP", file=sys.stderr)
        print_unhandled(error.with_traceback(None))
        return
    loader = names["__loader__"]
    program.run_file(source, path, names)
    names["__loader__"] = loader


def prepare_terminal() -> None:
    """Line editing, history and completion, by the hook that `site` or the program set."""
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:
        return
    sys.audit("cpython.run_interactivehook", hook)
    try:
        hook()
    except Exception as error:
        print("Failed calling sys.__interactivehook__", file=sys.stderr)
        print_unhandled(without_frames(error, 1))


# -- the console ----------------------------------------------------------------------------------


class Console(code.InteractiveConsole):
    """Reads lines and runs what they make, in a namespace that stays."""

    def __init__(self, names: "dict[str, Any]") -> None:
        super().__init__(names, "<stdin>")
        self.names = names
        self.engine = engine()

    def loop(self) -> int:
        """Until the end of input; 0, as an exit code."""
        for name, prompt in (("ps1", ">>> "), ("ps2", "... ")):
            if not hasattr(sys, name):
                setattr(sys, name, prompt)
        while True:
            try:
                line = self.raw_input(prompt_text("ps2" if self.buffer else "ps1"))
            except EOFError:
                break
            except KeyboardInterrupt:
                self.resetbuffer()
                print("\nKeyboardInterrupt", file=sys.stderr)
                continue
            if line.startswith(":") and not self.buffer:
                self.command(line[1:])
            else:
                self.push(line)
        print(file=sys.stderr)
        return 0

    def raw_input(self, prompt: str = "") -> str:
        stdin, stdout = sys.__stdin__, sys.__stdout__
        if stdin is None or stdout is None:
            raise EOFError
        if not (stdin.isatty() and stdout.isatty()):
            return read_piped(prompt)
        # the terminal is asked even while a program has put something else in their place
        replaced = sys.stdin, sys.stdout
        sys.stdin, sys.stdout = stdin, stdout
        try:
            return input(prompt)
        finally:
            sys.stdin, sys.stdout = replaced

    def runsource(self, source: str, filename: str = "<stdin>", symbol: str = "single") -> bool:
        """True: more lines are needed.  Whether they are is for codeop to say, but for what it
        doesn't know: an empty line ends a statement that has nothing open."""
        try:
            compiled = self.compile(source, filename, symbol)
            if compiled is None:
                if self.buffer[-1:] != [""]:
                    return True
                compiled = self.compile_now(source, filename)
        except (OverflowError, SyntaxError, ValueError):
            self.show_error_of(source, filename)
        else:
            self.runcode(compiled)
            return False
        return False

    def runcode(self, code: "CodeType") -> None:
        self.engine.main_code(code, self.names)
        flush()

    # -- our own commands ------------------------------------------------------------------

    def command(self, line: str) -> None:
        name, _, rest = line.strip().partition(" ")
        method = getattr(self, f"do_{name}", None)
        if method is None:
            print(f"no command :{name}\nhint: :help", file=sys.stderr)
            return
        try:
            method(rest.strip())
        except SystemExit:
            raise
        except BaseException as error:
            print_unhandled(user_part(error))

    def do_help(self, rest: str) -> None:
        """:help               this list"""
        for name in dir(self):
            if name.startswith("do_"):
                print(getattr(self, name).__doc__)

    def do_dis(self, rest: str) -> None:
        """:dis EXPRESSION     the machine's instructions of a function"""
        from pyrs.runtime import dis

        print(dis(self.value(rest)), end="")

    def do_explain(self, rest: str) -> None:
        """:explain EXPRESSION what became of a function, what its caches have seen"""
        from pyrs.runtime import explain

        for name, value in explain(self.value(rest)).items():
            if isinstance(value, list):
                print(f"{name}:", *value, sep="\n  ")
            else:
                print(f"{name}: {value}")

    def do_time(self, rest: str) -> None:
        """:time STATEMENT     run it and tell how long it took"""
        from time import perf_counter

        compiled = self.compile(rest, self.filename, "single")
        if compiled is None:
            raise SyntaxError("a whole statement on one line is expected")
        start = perf_counter()
        self.runcode(compiled)
        print(f"{perf_counter() - start:.6f} s")

    def do_stats(self, rest: str) -> None:
        """:stats [reset]      what ran where, and why not here"""
        from pyrs.__main__ import stats_line

        if rest == "reset":
            engine().reset_stats()
            return
        print(stats_line())
        for reason, count in engine().stats()["reasons"].items():
            print(f"  {count} {reason}")

    def do_engine(self, rest: str) -> None:
        """:engine [vm|cpython] what runs the next lines"""
        engines: dict[str, Callable[[], Engine]] = {
            "vm": engine,
            "cpython": lambda: CPython("chosen at the prompt"),
        }
        if rest:
            if rest not in engines:
                raise ValueError(f"vm or cpython is expected, not {rest!r}")
            self.engine = engines[rest]()
        print("cpython: " + self.engine.why if isinstance(self.engine, CPython) else "vm")

    def value(self, expression: str) -> object:
        if not expression:
            raise SyntaxError("an expression is expected")
        compiled = compile(expression, self.filename, "eval", dont_inherit=True)
        return self.engine.run_code(compiled, self.names)


def prompt_text(name: str) -> str:
    return str(getattr(sys, name, ""))


def read_piped(prompt: str) -> str:
    """A line of a standard input that is no terminal; the prompt is kept off stdout."""
    assert sys.__stdin__ is not None
    print(prompt, end="", file=sys.__stderr__, flush=True)
    line = sys.__stdin__.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: S110 - a stream of the program's own; the prompt goes on
            pass
