"""The command line: `python -m pyrs`, and `pyrs` where it is installed."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = """\
usage: {program} [-iq] [--stats] [-m module | -c code | file | -] [argument ...]
       {program} command [argument ...]

Runs a program as `python` does, in the stackless machine; without one, the interactive prompt.

  -m module    a module or package, as a program
  -c code      the code itself, as a program
  file         a file, a directory or an archive with a __main__.py
  -            what standard input has
  -i, -q       then the interactive prompt; no banner
  --stats      at the end, say on stderr what ran where
  --abi FILE   what a C extension uses, and which Pythons can load it
  -V --version, -h --help

commands of the package manager: {commands}
               `{program} command --help` tells more; a file of such a name is run as ./name
"""
COMMANDS = (
    "init", "add", "install", "remove", "lock", "update", "tree", "run", "check", "store", "completion",
)  # fmt: skip


class Usage(Exception):
    """A command line that can't be understood; says why."""


class Options:
    """What the words before the program say."""

    def __init__(self, words: list[str]) -> None:
        self.interactive = False
        self.quiet = False
        self.stats = False
        self.kind = "stdin"  # or command, module, path, abi, version, help
        self.subject = ""
        self.rest: list[str] = []  # the program's own arguments
        words = list(words)
        while words:
            word = words.pop(0)
            if word.startswith("--"):
                done = self.long(word, words)
            elif word.startswith("-") and word != "-":
                done = self.short(word[1:], words)
            else:
                self.kind, self.subject, self.rest = "path", word, words
                done = True
            if done:
                return

    def long(self, word: str, words: list[str]) -> bool:
        """Take an option; True if the program's arguments begin behind it."""
        name, has_value, value = word[2:].partition("=")
        if name == "stats" and not has_value:
            self.stats = True
            return False
        if name == "abi":
            self.kind, self.rest = "abi", [value] if has_value else words
            return True
        if name in ("version", "help") and not has_value:
            self.kind = name
            return True
        raise Usage(f"unknown option {word}")

    def short(self, letters: str, words: list[str]) -> bool:
        """The same for letters, which may stand together as in -im."""
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "i":
                self.interactive = True
            elif letter == "q":
                self.quiet = True
            elif letter in "cm":
                if not letters and not words:
                    raise Usage(f"argument expected for the -{letter} option")
                self.kind = "command" if letter == "c" else "module"
                self.subject = letters or words.pop(0)
                self.rest = words
                return True
            elif letter in "Vh?":
                self.kind = "version" if letter == "V" else "help"
                return True
            else:
                raise Usage(f"unknown option -{letter}")
        return False


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    forget_own_path()
    if words and words[0] in COMMANDS:
        from pyrs.pm.fast import main as manage

        return manage(words)
    try:
        options = Options(words)
    except Usage as error:
        print(f"pyrs: {error}\nhint: {program_name()} --help", file=sys.stderr)
        return 2
    if options.kind in TELL:
        return TELL[options.kind](options)
    from pyrs.program import leave

    return leave(run(options))


def program_name() -> str:
    return "pyrs" if sys.argv[0].endswith("/pyrs") else "python -m pyrs"


def forget_own_path() -> None:
    """Undo what was put in front of sys.path for us: the program gets an entry of its own."""
    if not sys.flags.safe_path and sys.path:
        del sys.path[0]


# -- programs -----------------------------------------------------------------------------------


def run(options: Options) -> int:
    from pyrs import program

    if options.stats:
        tell_stats_at_exit()
    if options.kind == "path" and options.subject == "-":
        options.kind, prefix = "stdin", ["-"]
    else:
        prefix = [""]
    if options.kind == "stdin" and (options.interactive or is_terminal()):
        from pyrs import repl

        return repl.run_alone([*prefix, *options.rest], options.quiet)
    start: dict[str, Callable[[], int]] = {
        "command": lambda: program.run_command(options.subject, options.rest),
        "module": lambda: program.run_module(options.subject, options.rest),
        "path": lambda: program.run_path(options.subject, options.rest),
        "stdin": lambda: program.run_stdin([*prefix, *options.rest]),
    }
    if options.interactive:
        from pyrs import repl

        return repl.run_after(start[options.kind])
    return start[options.kind]()


def is_terminal() -> bool:
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:
        return False


# -- telling --------------------------------------------------------------------------------------


def tell_stats_at_exit() -> None:
    import atexit
    import os

    started = os.getpid()

    def tell() -> None:
        # a child that was forked has counts of its own, and nobody asked for them
        if os.getpid() == started and sys.stderr is not None:
            print(stats_line(), file=sys.stderr, flush=True)

    # the first to be registered is the last to run
    atexit.register(tell)


def stats_line() -> str:
    from pyrs.runtime import stats, why_not

    counts = stats()
    numbers = " ".join(
        f"{name} {counts[name]}" for name in ("native", "delegated", "compiled", "bailouts")
    )
    why = why_not()
    return f"pyrs: {numbers}" + (f" ({why})" if why else "")


def tell_version(options: Options) -> int:
    import platform

    from pyrs import __version__
    from pyrs.runtime import why_not

    why = why_not()
    where = f"; everything runs on the interpreter: {why}" if why else ""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"pyrs {__version__} ({python}{where})")
    return 0


def tell_usage(options: Options) -> int:
    print(USAGE.format(program=program_name(), commands=" ".join(COMMANDS)), end="")
    return 0


def tell_abi(options: Options) -> int:
    if not options.rest:
        print("pyrs: --abi expects a file\nhint: python -m pyrs --abi FILE.so", file=sys.stderr)
        return 2
    from pyrs.abi import main as tell

    code: int = tell(options.rest)
    return code


TELL: "dict[str, Callable[[Options], int]]" = {
    "version": tell_version,
    "help": tell_usage,
    "abi": tell_abi,
}

if __name__ == "__main__":
    sys.exit(main())
