"""What a profile-guided build counts: ordinary work, done in the VM: tools/train.py.

Modules of the standard library that are written in Python work on their own sources, and the
programs of bench/pyrs run for a tenth of their time.  Nothing is measured or checked.
"""

import argparse
import ast
import asyncio
import collections
import contextlib
import copy
import dataclasses
import difflib
import enum
import fractions
import io
import json.encoder
import pathlib
import pickle
import posixpath
import random
import re
import runpy
import statistics
import string
import textwrap
import tokenize
import urllib.parse
from collections.abc import Callable
from typing import Any

import pyrs

PROGRAMS = sorted((pathlib.Path(__file__).parent.parent / "bench/pyrs/programs").glob("*.py"))
SOURCE = pathlib.Path(textwrap.__file__).read_text(encoding="utf-8")
ROUNDS = 20


def reads_source() -> None:
    for token in tokenize.generate_tokens(io.StringIO(SOURCE).readline):
        str(token.type)
    ast.unparse(ast.parse(SOURCE))


def compiles_patterns() -> None:
    re.purge()
    for pattern in (r"(?P<y>\d{4})-(?P<m>\d\d)", r"[a-z]+(?:x|y)*?\b", r"(a|b|cd)+[^\w.]{2,5}"):
        re.compile(pattern).match(SOURCE)


def compares_and_wraps() -> None:
    lines = SOURCE.splitlines()
    list(difflib.unified_diff(lines[:80], lines[20:100]))
    textwrap.fill(SOURCE[:3000], 40)


def writes_documents() -> None:
    encoder = json.encoder.JSONEncoder()
    encode = json.encoder._make_iterencode(  # type: ignore[attr-defined]
        {}, encoder.default, json.encoder.py_encode_basestring, None,
        float.__repr__, ": ", ", ", False, False, False,
    )  # fmt: skip
    "".join(encode({f"k{i}": [i, i / 2, None, True, "x" * i] for i in range(40)}, 0))
    kept = io.BytesIO()
    pickle._Pickler(kept, 4).dump([(i, str(i), {i: i / 10}) for i in range(80)])
    pickle._Unpickler(io.BytesIO(kept.getvalue())).load()


def computes() -> None:
    sum((fractions.Fraction(1, i) for i in range(1, 40)), fractions.Fraction(0))
    statistics.stdev([1.5 * i for i in range(60)])
    dice = random.Random(3)
    numbers = list(range(200))
    dice.shuffle(numbers)
    sorted(numbers, key=lambda n: -n)


def reads_arguments() -> None:
    parser = argparse.ArgumentParser("train")
    for i in range(8):
        parser.add_argument(f"--option{i}", type=int, default=i, help="a number")
    parser.add_argument("rest", nargs="*")
    parser.parse_args(["--option1", "3", "a", "b"])
    parser.format_help()


def makes_classes() -> None:
    point = dataclasses.make_dataclass("Point", [("x", int), ("y", int, 3)], order=True)
    sorted(point(i % 7, i) for i in range(60))
    color = enum.Enum("Color", "RED GREEN BLUE")  # type: ignore[misc]
    [color(i % 3 + 1) for i in range(60)]
    row = collections.namedtuple("row", "a b c")
    [row(i, 2, 3)._replace(a=1) for i in range(60)]


def formats_text() -> None:
    formatter = string.Formatter()
    for i in range(40):
        formatter.format("{0:>10}{a!r}", i, a=i)
        string.Template("$a ${b}").substitute(a=1, b=2)


def splits_paths() -> None:
    for i in range(50):
        pathlib.PurePosixPath(f"/a/b/../c{i}.txt").with_suffix(".x").parts  # noqa: B018
        posixpath.normpath(f"/a/./b/../c/{i}")
        urllib.parse.urlsplit(f"http://user:word@host{i}:80/path?query#part").netloc  # noqa: B018


def enters_contexts() -> None:
    @contextlib.contextmanager
    def one() -> Any:
        yield 1

    for _ in range(60):
        with one(), contextlib.suppress(KeyError):
            raise KeyError
    copy.deepcopy({i: [i, (i, {"a": i})] for i in range(60)})


def awaits() -> None:
    async def number(i: int) -> int:
        await asyncio.sleep(0)
        return i

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*map(number, range(40)))

    asyncio.run(all_of_them())


LIBRARY: tuple[Callable[[], None], ...] = (
    reads_source, compiles_patterns, compares_and_wraps, writes_documents, computes, reads_arguments,
    makes_classes, formats_text, splits_paths, enters_contexts, awaits,
)  # fmt: skip


def main() -> None:
    for work in LIBRARY:
        for _ in range(ROUNDS):
            pyrs.run(work)
    for path in PROGRAMS:
        program = runpy.run_path(str(path))
        if program["GROUP"] == "pandas":
            continue
        # what grows faster than its number is small from the beginning
        pyrs.run(program["run"], 20 if program["N"] < 200 else program["N"] // 10)


if __name__ == "__main__":
    main()
