"""The interactive prompt: CPython's, with the machine behind it.

Prompts, continuation lines, `_`, history and completion are what `python -i` has; lines that
begin with a colon are ours (`:help`).
"""

import __future__

import code
import contextlib
import re
import sys

from pyrs import program
from pyrs._cpython import CPython, guarded, print_unhandled, users_part
from pyrs.runtime import engine, why_not

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from pyrs.runtime import Engine

# -- ways in ------------------------------------------------------------------------------------


def run_alone(argv: list[str], quiet: bool) -> int:
    """No program: banner, PYTHONSTARTUP, prompt."""
    sys.argv = argv
    program.prepend_path("")
    names = program.new_main()
    sys.audit("cpython.run_stdin")
    if not (quiet or sys.flags.quiet):
        print(banner(), file=sys.stderr)
    run_startup(names)
    prepare_terminal()
    return Console(names).loop()


def run_after(start: "Callable[[], int]") -> int:
    """A program, then the prompt in its namespace, however it ended."""
    ended = None
    try:
        start()
    except SystemExit as error:
        ended = users_part(error)
    if ended is not None:
        print_unhandled(ended)
        program.forget_file(program.main_names())
    prepare_terminal()
    return Console(program.main_names()).loop()


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
    source = b""

    def read() -> None:
        nonlocal source
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError:
            print("Could not open PYTHONSTARTUP", file=sys.stderr)
            raise

    if guarded(read) is not None:
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

    def prepare() -> None:
        try:
            hook()
        except Exception:
            print("Failed calling sys.__interactivehook__", file=sys.stderr)
            raise

    guarded(prepare)


FUTURE_FLAGS = 0
for feature in __future__.all_feature_names:
    FUTURE_FLAGS |= getattr(__future__, feature).compiler_flag
# what the compiler says when a line could still end it
OPEN_END = re.compile(r"was never closed|^unterminated triple-quoted|^unexpected EOF")

# -- the console ----------------------------------------------------------------------------------


class Console(code.InteractiveConsole):
    """Reads lines and runs what they make, in a namespace that stays."""

    def __init__(self, names: "dict[str, Any]") -> None:
        super().__init__(names, "<stdin>")
        self.names = names
        self.engine = engine()
        self.raised: type[BaseException] | None = None  # by the last statement

    def loop(self) -> int:
        """Until the end of input; 0, as an exit code."""
        for name, prompt in (("ps1", ">>> "), ("ps2", "... ")):
            if not hasattr(sys, name):
                setattr(sys, name, prompt)
        while True:
            try:
                if not self.step():
                    break
            except KeyboardInterrupt:
                self.resetbuffer()
                print("\nKeyboardInterrupt", file=sys.stderr)
        # CPython remembers an interrupt that ended an exec() until it starts another
        exec("")
        # and if one ended the last statement, ends by the signal
        return program.INTERRUPTED if self.raised is KeyboardInterrupt else 0

    def step(self) -> bool:
        """Read a line and do what it says; False at the end of input."""
        line = None
        try:
            line = self.raw_input(prompt_text("ps2" if self.buffer else "ps1"))
        except EOFError:
            print(file=sys.stderr)
        if line is None:
            source = "\n".join(self.buffer)
            self.resetbuffer()
            if source:
                self.finish(source)  # it ended the statement
            return bool(source)
        if line.startswith(":") and not self.buffer:
            self.command(line[1:])
        else:
            self.push(line)
        return True

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
        """True: more lines are needed.  That is for codeop to say, but for what it doesn't
        know: a line without anything on it ends a statement that has nothing open."""
        compiled = None
        with contextlib.suppress(OverflowError, SyntaxError, ValueError):
            compiled = self.compile(source, filename, symbol)
            if compiled is None and (self.buffer[-1] or self.has_open_end(source)):
                return True
        if compiled is not None:
            self.runcode(compiled)
        else:
            self.finish(source)  # codeop has words of its own for some errors
        return False

    def has_open_end(self, source: str) -> bool:
        try:
            self.compile_now(source)
        except SyntaxError as error:
            return OPEN_END.search(str(error.msg)) is not None
        return False

    def finish(self, source: str) -> None:
        """Run what stands there as all there is, or say what is wrong with it."""

        def run() -> None:
            try:
                compiled = self.compile_now(source)
            except SyntaxError as error:
                if not line_of(source, error.lineno):
                    error.text, error.offset = "\n", 1  # what the reader of a terminal has then
                raise
            self.runcode(compiled)

        guarded(run)

    def compile_now(self, source: str) -> "CodeType":
        flags = self.compile.compiler.flags & FUTURE_FLAGS
        compiled: CodeType = compile(
            source + "\n", self.filename, "single", flags, dont_inherit=True
        )
        return compiled

    def runcode(self, code: "CodeType") -> None:
        self.raised = self.engine.main_code(code, self.names)
        flush()

    # -- our own commands ------------------------------------------------------------------

    def command(self, line: str) -> None:
        name, _, rest = line.strip().partition(" ")
        method = getattr(self, f"do_{name}", None)
        if method is None:
            print(f"no command :{name}\nhint: :help", file=sys.stderr)
            return
        guarded(lambda: method(rest.strip()))

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


def line_of(source: str, number: int | None) -> str:
    lines = source.split("\n")
    return lines[number - 1] if number is not None and 0 < number <= len(lines) else ""


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
        # a stream may be one of the program's own; the prompt goes on
        with contextlib.suppress(Exception):
            stream.flush()
