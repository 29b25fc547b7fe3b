"""The automaton against re: each construct, each refusal, random patterns and texts."""

import random
import re
import sys
import time
import warnings

import pytest
from pyforge._pyforge import Automaton

warnings.simplefilter("ignore", FutureWarning)

TEXTS = [
    "", "a", "b", "ab", "aab", "abc", "ba", "A", "AB", "z", "\n", "a\n", "\na", "a\nb", "ab\n", "ab\n\n", "a\r", "0", "12",
    "_", "-", "a-b", "a b", " ", "\t", "\x0b", "\x1c", "\x85", "\xa0", "\u2003", "\xe9", "\xdf", "\xb2", "\u0661", "\u0967",
    "\u2160", "\u4e2d", "\U0001d7d8", "\U0001f600", "\u212a", "\u017f", "\u0130", "\u0131", "\xaa", "\ud800", "é1", "[", "]", "\\", "^", "$", ".",
    "aaaa", "abab", "aXb", "{", "}", "|", "a" * 12, "x" * 12 + "y", "k", "K", "s", "S", "i", "I", "a\x00b", "\u1680", "\u200b",
]  # fmt: skip

TAKEN = [
    "", "a", "^a", "a$", "^a$", r"^a\Z", r"\Aa", "a|b", "^(?:a|b)$", "(a)(b)?", "(?P<n>a)+", "a*", "a+", "a?", "a{2}", "a{2,}",
    "a{,2}b", "a{1,3}$", "a*?b", "a+?$", "a??b", "a{1,2}?b", ".", "^.$", "^.*$", r"^.*\Z", "[ab]", "[^ab]", "[a-c]", "[^a-c]+$", "[]a]",
    "[^]a]", "[a-]", "[-a]", "[a^]", r"[\]]", r"[\-a]", r"[\d]", r"[^\d\s]", r"[\w-]", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"^\d+$",
    r"^\w+\Z", r"^\s*$", r"\.", r"\\", r"\[", r"\n", r"\t", r"\x41", r"\u4e2d", "\u4e2d", "[\u4e00-\u9fff]", "[\xe0-\xff]", "[^\x00-\x7f]",
    "^$", "^", "$", r"\Z", r"\A", "^a|b$", "(^a|b)$", "(?:^a)|b", "a|", "|a", "(a|b)*c", "(a*)*b", "(a+)+$", "^(a|ab)(c|bcd)?$", "[a-z]{2}-?",
    "^[-a-zA-Z0-9_]+\\Z", r"^-?\d+\Z", r"^\d+(?:,\d+)*\Z", r"^[A-Z]{2}-\d{4,8}$", "^(?:a|b){0}$", "x{0,0}", "(?:)*", "(a?)*$", "((a))", "[\\b]",
    "[a-zA-Z]$", "$|a", "^^a", "a$$", r"a$\Z", "^a*$", "[\\n]", "[^\\n]$", "a\n$", "\n", ".\n", "[\U0001f600]", "\\_", "a b", "a#b", "}", "a}",
]  # fmt: skip

REFUSED = [
    r"\b", r"a\B", "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?P<x>a)(?P=x)", "(?i)a", "(?i:a)", "(a)?(?(1)b|c)", "a{x", "a{", "{a}", r"\07",
    r"$a", r"a$\nb", "a\\Zb", "(?#c)a", "(?>a)", "a++", "a*+", "(?s:.)", "a{1001}", r"\N{DIGIT ONE}", r"[\N{DIGIT ONE}]", "(?:a$)+b",
]  # fmt: skip

FLAGS = [0, re.ASCII, re.DOTALL, re.IGNORECASE, re.IGNORECASE | re.ASCII, re.DOTALL | re.IGNORECASE]


def build(pattern, flags=0):
    return Automaton(pattern, re.compile(pattern, flags).flags)


def check(pattern, flags, texts):
    compiled, automaton = re.compile(pattern, flags), build(pattern, flags)
    for text in texts:
        ours = automaton.search(text)
        if ours is None:
            assert flags & re.IGNORECASE and not text.isascii()
            continue
        assert ours == bool(compiled.search(text)), (pattern, flags, text)


@pytest.mark.parametrize("pattern", TAKEN, ids=ascii)
def test_constructs_search_as_re(pattern):
    for flags in FLAGS:
        if (flags & re.IGNORECASE and not pattern.isascii()) or (
            flags & re.IGNORECASE and "\\u" in pattern
        ):
            continue
        check(pattern, flags, TEXTS)


def python_takes(pattern):
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


@pytest.mark.parametrize("pattern", filter(python_takes, REFUSED))
def test_everything_else_is_refused_with_a_reason(pattern):
    with pytest.raises(ValueError, match=r"\w"):
        build(pattern)


def test_flags_it_does_not_know_are_refused():
    for flags in (re.MULTILINE, re.VERBOSE):
        with pytest.raises(ValueError, match="flags"):
            build("a", flags)
    with pytest.raises(ValueError, match="IGNORECASE"):
        build("é", re.IGNORECASE)


@pytest.mark.parametrize("category", [r"\d", r"\w", r"\s", r"\D", r"\W", r"\S"])
@pytest.mark.parametrize("flags", [0, re.ASCII])
def test_categories_agree_on_every_character(category, flags):
    """The tables are this Python's own."""
    compiled, automaton = re.compile(category, flags), build(category, flags)
    wrong = [
        c
        for c in range(sys.maxunicode + 1)
        if automaton.search(chr(c)) != bool(compiled.search(chr(c)))
    ]
    assert wrong == []


def test_ignorecase_agrees_on_every_ascii_character():
    for pattern in ("[a-f]", "[^a-f]", "k", "s", "[A-z]", "[Z-a]", "i", r"[\W_a]", "[^k]", "[^s]"):
        check(pattern, re.IGNORECASE, [chr(c) for c in range(128)])


def random_pattern(r, depth=3):
    kind = r.randrange(11 if depth else 5)
    if kind < 3:
        return r.choice(["a", "b", "c", "-", r"\.", "_", "é", "0"])
    if kind == 3:
        return r.choice([r"\d", r"\w", r"\s", r"\W", ".", r"\n", r"\D"])
    if kind == 4:
        return r.choice(["[ab]", "[^a]", "[a-c0-9]", r"[\w-]", r"[^\d]", "[é-ü]", r"[\s,]"])
    if kind in (5, 6):
        return random_pattern(r, depth - 1) + random_pattern(r, depth - 1)
    if kind == 7:
        return f"(?:{random_pattern(r, depth - 1)}|{random_pattern(r, depth - 1)})"
    if kind == 8:
        return f"({random_pattern(r, depth - 1)})" + r.choice(
            ["*", "+", "?", "{2}", "{1,2}", "*?", "{,2}", "{2,}"]
        )
    if kind == 9:
        return "^" + random_pattern(r, depth - 1)
    return random_pattern(r, depth - 1) + r.choice(["$", r"\Z"])


def random_differences(seed, patterns):
    r, taken = random.Random(seed), 0
    for _ in range(patterns):
        pattern = random_pattern(r)
        flags = r.choice(FLAGS[:3])
        try:
            build(pattern, flags)
        except (ValueError, re.error):
            continue
        taken += 1
        check(
            pattern,
            flags,
            ["".join(r.choice("abc-._é0\n 1ü,") for _ in range(r.randrange(9))) for _ in range(25)],
        )
    return taken


def test_random_patterns():
    assert random_differences(1, 1500) > 500


@pytest.mark.slow
def test_many_random_patterns():
    assert random_differences(2, 60000) > 20000


def test_it_is_linear_where_re_explodes():
    automaton = build("^(a+)+$")
    started = time.perf_counter()
    assert automaton.search("a" * 30 + "!") is False
    assert automaton.search("a" * 1_000_000 + "!") is False
    assert time.perf_counter() - started < 0.2


def test_large_patterns_are_refused_rather_than_slow():
    for pattern in (
        "(?:a|b)*a(?:a|b){12}",
        "[a-z]{1000}[0-9]{1000}[a-z]{1000}[0-9]{1000}",
        "(" * 60 + "a" + ")" * 60,
        "(?:a{500}){100}",
    ):
        started = time.perf_counter()
        with pytest.raises(ValueError):
            build(pattern)
        assert time.perf_counter() - started < 2
