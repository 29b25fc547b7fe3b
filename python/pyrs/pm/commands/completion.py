"""Print a completion script; put its output where the shell looks for completions."""

from __future__ import annotations

import argparse

from ..report import Report

EXAMPLES = "examples:\n  pyrs completion bash > ~/.local/share/bash-completion/completions/pyrs"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(args: argparse.Namespace, report: Report) -> int:
    from ..dispatch import build_parser

    report.out({"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](_words(build_parser())))
    return 0


def _words(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Command -> its long options and choices."""
    subparsers = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    words = {}
    for name, sub in subparsers.choices.items():
        options = [o for a in sub._actions for o in a.option_strings if o.startswith("--")]
        choices = [str(c) for a in sub._actions if not a.option_strings for c in a.choices or ()]
        words[name] = options + choices
    return words


def _bash(words: dict[str, list[str]]) -> str:
    cases = "\n".join(
        f"        {name}) words='{' '.join(options)}' ;;" for name, options in words.items()
    )
    return (
        "_pyrs() {\n"
        "    local words\n"
        '    case "${COMP_WORDS[1]}" in\n'
        f"{cases}\n"
        "    esac\n"
        f"    [ \"$COMP_CWORD\" -eq 1 ] && words='{' '.join(words)}'\n"
        '    COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))\n'
        "}\n"
        "complete -o default -F _pyrs pyrs"
    )


def _zsh(words: dict[str, list[str]]) -> str:
    cases = "\n".join(
        f"        {name}) compadd -- {' '.join(options)} ;;" for name, options in words.items()
    )
    return (
        "#compdef pyrs\n"
        "_pyrs() {\n"
        f"    if (( CURRENT == 2 )); then compadd -- {' '.join(words)}; return; fi\n"
        "    case $words[2] in\n"
        f"{cases}\n"
        "    esac\n"
        "    _files\n"
        "}\n"
        "compdef _pyrs pyrs"
    )


def _fish(words: dict[str, list[str]]) -> str:
    lines = [f"complete -c pyrs -n __fish_use_subcommand -a '{' '.join(words)}'"]
    for name, options in words.items():
        for option in options:
            kind = f"-l {option[2:]}" if option.startswith("--") else f"-a {option}"
            lines.append(f"complete -c pyrs -n '__fish_seen_subcommand_from {name}' {kind}")
    return "\n".join(lines)
