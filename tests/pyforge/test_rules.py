"""E-mail, URL, domain and IP rules against the live validators: never a wrong answer,
and few that C leaves open."""

import inspect
import ipaddress
import os
import random
import re
from pathlib import Path

import pytest
import values
from django.core import validators as v
from django.core.exceptions import ValidationError
from pyforge._pyforge import rule

from pyforge import _django_internals as internals


def accepts(validator, text):
    try:
        validator(text)
    except (ValidationError, UnicodeError):
        return False
    return True


RULES = {
    "email": (v.EmailValidator(), frozenset(["localhost"])),
    "url": (v.URLValidator(), frozenset(["http", "https", "ftp", "ftps"])),
    "ipv4": (v.validate_ipv4_address, None),
    "ipv6": (v.validate_ipv6_address, None),
}
if internals.DOMAIN_IS_KNOWN:
    RULES["domain"] = (v.DomainNameValidator(), True)


def skip_unknown(name):
    if (name == "email" and not internals.EMAIL_IS_KNOWN) or (
        name == "url" and not internals.URL_IS_KNOWN
    ):
        pytest.skip("this Django's rule is kept in Python")


# Before 5.0 a URL the regular expression refuses is tried again as punycode. C's "no" is
# then only the reason to ask the live validator, as it always does.
ASKS_AGAIN = {"url"} if "punycode" in inspect.getsource(v.URLValidator.__call__) else set()


def compare(name, texts):
    """(how many C left open, all); fails on a wrong answer."""
    validator, arg = RULES[name]
    left_open = 0
    for text in texts:
        ours = rule(name, text, arg)
        if ours is None:
            left_open += 1
        else:
            theirs = accepts(validator, text)
            assert ours == theirs or (not ours and name in ASKS_AGAIN), (name, text)
    return left_open, len(texts)


def test_the_rules_are_this_djangos():
    import django

    if django.VERSION[:2] >= (5, 2):
        assert internals.EMAIL_IS_KNOWN and internals.URL_IS_KNOWN and internals.DOMAIN_IS_KNOWN


@pytest.mark.parametrize("name", RULES)
def test_odd_texts(name):
    skip_unknown(name)
    left_open, total = compare(name, values.TEXTS)
    assert left_open <= total * 0.05 or name.startswith("ip")


PARTS = {
    "email": ["a", "b.c", "user", "@", "@", ".", "-", "_", '"', "\\", "example", ".com", ".co", "1", " ", "[127.0.0.1]",
              "[::1]", "xn--", "é", "\u212a", "+", "!", "localhost", "A" * 60, "\n", "\t", "..", "-.", "тест"],
    "url": ["http://", "https://", "ftp://", "HTTP://", "://", "example", ".com", ".co.uk", "a", "-", ".", ":80", ":", "/", "/path",
            "?q=1", "#f", "@", "user", "user:pw@", "[::1]", "[1::2]", "1.2.3.4", "256.1.1.1", "localhost", "é", "xn--", " ", "\n", "%20",
            "1", "\u0130", "тест", "_", "\x1f", "[", "]", "//", "b" * 62, "\u2100", "０"],
    "domain": ["example", ".com", "a", "-", ".", "xn--", "é", "1", "b" * 62, "_", "\u212a", "."],
    "ipv4": list("0123456789") + [".", ".", ".", "255", "1.2", " ", "٣"],
    "ipv6": list("0123456789abcdefF") + [":", ":", "::", "1:2:3", "1.2.3.4", "%", "ffff"],
}  # fmt: skip


def random_texts(name, seed, count):
    r = random.Random(seed)
    for _ in range(count):
        text = "".join(r.choice(PARTS[name]) for _ in range(r.randrange(1, 12)))
        if r.random() < 0.4:
            text = {"email": "ab@cd.", "url": "http://ab.", "domain": "ab."}.get(name, "") + text
        yield text


@pytest.mark.parametrize("name", RULES)
def test_random_texts(name):
    skip_unknown(name)
    compare(name, list(random_texts(name, 7, 8000)))


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_many_random_texts(name):
    skip_unknown(name)
    compare(name, list(random_texts(name, 8, 400_000)))


def test_hosts_with_every_character():
    skip_unknown("url")
    compare("url", [f"http://ex{chr(c)}mple.com/" for c in [*range(0x10000), 0x10400, 0x1F600]])


def test_the_path_takes_every_character_django_takes():
    skip_unknown("url")
    compare("url", [f"http://example.com/a{chr(c)}b" for c in range(0x3100)])


def test_every_ascii_character_in_an_address():
    skip_unknown("email")
    texts = [
        t
        for c in range(256)
        for t in (
            f"a{chr(c)}b@c.de",
            f'"a{chr(c)}b"@c.de',
            f'"a\\{chr(c)}b"@c.de',
            f"a@c{chr(c)}d.de",
            f"a@c.d{chr(c)}e",
        )
    ]
    compare("email", texts)


def test_ipv6_is_spelled_as_ipaddress_spells_it():
    from django.db import models

    import pyforge

    r = random.Random(2)
    field = models.GenericIPAddressField()
    field.set_attributes_from_name("ip")
    rules = pyforge.RuleSet([{"name": "ip", "django_type": "GenericIPAddressField"}])
    for _ in range(3000):
        groups = [r.choice([0, 0, 0, 1, 0xFFFF, r.randrange(65536)]) for _ in range(8)]
        text = ":".join(f"{g:{r.choice(['x', 'X', '04x'])}}" for g in groups)
        assert rules.clean([text]) == (field.clean(text, None),)
        assert rules.clean([text])[0] == str(ipaddress.ip_address(text)) or groups[:5] == [0] * 5


# -- Django's own tables -----------------------------------------------------------

SOURCE = os.environ.get("DJANGO_SOURCE", "")  # an unpacked sdist, for the tables in tests/


@pytest.mark.network  # the sdist comes from the package index
@pytest.mark.skipif(not SOURCE, reason="DJANGO_SOURCE names no Django sdist")
def test_djangos_own_validator_tables():
    tables = load_tables(Path(SOURCE) / "tests/validators/tests.py")
    opened = total = 0
    for validator, text in tables:
        name = {v.EmailValidator: "email", v.URLValidator: "url"}.get(type(validator))
        if name is None or not isinstance(text, str):
            continue
        op, _, _ = internals.compile_validator(validator)
        if op[4] is None or not isinstance(op[4], frozenset):
            continue
        ours = rule(name, text, op[4])
        total += 1
        opened += ours is None
        theirs = accepts(validator, text)
        assert ours in (None, theirs) or (not ours and name in ASKS_AGAIN), (name, text)
    print(f"left open: {opened} of {total}")
    assert total > 200 and opened <= total * 0.05


def load_tables(path):
    """TEST_DATA of Django's validator tests: (validator, value) pairs."""
    space = {"__name__": "tables", "__file__": str(path)}
    source = path.read_text(encoding="utf-8")
    exec(
        compile(
            re.split(r"\nclass TestValidatorEquality|\nclass TestSimpleValidators", source)[0],
            str(path),
            "exec",
        ),
        space,
    )
    return [(row[0], row[1]) for row in space["TEST_DATA"]]
