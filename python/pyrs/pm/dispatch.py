"""The command line: finds the command's module, runs it, turns failures into messages and exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from .errors import EXIT_CODES, PyrsError, UsageError

# in the order help lists them; each is pyrs.pm.commands.<name>
COMMANDS = {
    "init": "start a project here",
    "add": "declare a dependency, lock and install it",
    "remove": "drop a dependency, lock and install what is left",
    "install": "make the environment the lock describes",
    "lock": "resolve, and write pyrs.lock",
    "update": "lock the newest allowed versions, of everything or of the named packages",
    "tree": "show what requires what",
    "run": "run a program in the environment",
    "check": "verify lock, environment and store; find undeclared imports",
    "store": "look at, clean and locate the shared store",
    "completion": "print a completion script for a shell",
}
EPILOG = """\
a project in four lines:
  pyrs init
  pyrs add 'httpx>=0.27'
  pyrs add --dev pytest
  pyrs run pytest

exit codes:
""" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, help=f"{self.prog} --help")


def build_parser(only: str = "") -> argparse.ArgumentParser:
    """For every command, or for the one that is going to run: the others' modules are not free."""
    parser = _Parser(
        prog="pyrs",
        description="One manifest, one lock, one store shared by all projects.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name, summary in COMMANDS.items():
        if only not in ("", name):
            continue
        module = importlib.import_module(f".commands.{name}", __package__)
        sub = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument(
            "--json", action="store_true", help="print results and errors as one JSON object"
        )
        sub.add_argument(
            "-q", "--quiet", action="store_true", help="no progress, even on a terminal"
        )
        module.configure(sub)
        sub.set_defaults(run=module.run)
    return parser


def main(argv: list[str]) -> int:
    as_json = "--json" in argv and argv[:1] != ["run"]
    try:
        status = _guarded(lambda: _dispatch(argv))
        sys.stdout.flush()  # here, where somebody who reads no further is no error
        return status
    except PyrsError as e:
        if os.environ.get("PYRS_TRACE"):
            raise
        if as_json:
            import json

            print(json.dumps({"error": e.as_json()}, indent=2, sort_keys=True))
        print(e.render(), file=sys.stderr)
        return e.code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _guarded(action: Callable[[], int]) -> int:
    """Libraries are an extra; without them there is one line to say."""
    try:
        return action()
    except ModuleNotFoundError as e:
        if e.name and e.name.split(".")[0] in _EXTRA:
            raise UsageError(
                f"the package manager's libraries are missing ({e.name}): pip install 'pyforge-suite[pm]'"
            ) from None
        raise
    except BrokenPipeError:
        raise
    except OSError as e:
        from .errors import StoreError

        if os.environ.get("PYRS_TRACE"):
            raise
        raise StoreError(f"{e.filename or 'the system'}: {e.strerror or e}") from None


_EXTRA = {"packaging", "resolvelib", "tomlkit", "urllib3", "pyproject_hooks", "rich"}


def _dispatch(argv: list[str]) -> int:
    parser = build_parser(argv[0] if argv and argv[0] in COMMANDS else "")
    if not argv:
        parser.print_help()
        return 0
    if argv[0] == "run":
        from .commands import run

        if argv[1:2] not in (["--help"], ["-h"]):
            return run.run_words(argv[1:])
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        raise UsageError("a command is missing", help="pyrs --help")
    from .report import Report

    report = Report(arguments.json, arguments.quiet)
    status: int = arguments.run(arguments, report)
    report.flush()
    return status
