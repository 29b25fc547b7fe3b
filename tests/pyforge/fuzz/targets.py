"""What a fuzzed input means: data of the target that FUZZ_TARGET names.

Each target compares with Python's own answer; an assertion that fails aborts the run.
"""

import importlib
import json
import os
import re
import sys
import types
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
package = importlib.import_module("pyforge.errors")  # before the instrumented module
core = importlib.import_module("_pyforge")
sys.modules["pyforge._pyforge"] = core

import django  # noqa: E402
from django.conf import settings  # noqa: E402

settings.configure(USE_TZ=True)
django.setup()

from django.core import validators as v  # noqa: E402
from django.core.exceptions import ValidationError  # noqa: E402
from django.core.serializers.json import DjangoJSONEncoder  # noqa: E402
from pyforge.encode import dialect_style  # noqa: E402

import pyforge  # noqa: E402

RULES = pyforge.RuleSet(
    [
        {"name": "a", "django_type": "CharField", "max_length": 5, "blank": True},
        {"name": "b", "django_type": "DateTimeField", "null": True},
        {"name": "c", "django_type": "JSONField", "null": True, "blank": True},
        {"name": "d", "django_type": "DecimalField", "max_digits": 5, "decimal_places": 2},
        {"name": "e", "django_type": "UUIDField", "null": True, "blank": True},
    ]
)
WRITER = core.Writer(dialect_style("django"), (("x", "x", False, None),))
CODES = list(core.CELLS.values())
TEXT_RULES = {
    "email": (v.EmailValidator(), frozenset(["localhost"])),
    "url": (v.URLValidator(), frozenset(["http", "https", "ftp", "ftps"])),
    "domain": (v.DomainNameValidator(), True),
    "ipv6": (v.validate_ipv6_address, None),
    "ipv4": (v.validate_ipv4_address, None),
}


def facts(call):
    try:
        return repr(call())
    except json.JSONDecodeError as e:
        return e.msg, e.pos
    except UnicodeDecodeError:
        return "utf-8"
    except ValidationError as e:
        return repr(e)
    except RecursionError:
        return "deep"
    except (ValueError, TypeError, pyforge.PyForgeError) as e:
        return type(e).__name__


def fuzz_loads(data):
    ours, theirs = facts(lambda: pyforge.loads(data)), facts(lambda: json.loads(data))
    if ours != theirs and "LimitError" not in ours and theirs != "deep":
        assert theirs == "utf-8" and isinstance(ours, tuple), (data, ours, theirs)


def cleaned(rows):
    result = RULES.clean_many(rows, max_errors=1000)
    return result.rows, result.errors


def fuzz_rows(data):
    ours = facts(lambda: (lambda r: (r.rows, r.errors))(RULES.parse_json(data, many=True)))
    facts(lambda: RULES.parse_json(data, extra="collect", dialect="rfc8259"))
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError):
        assert ours[0] != "(", (data, ours)
        return
    if isinstance(rows, list) and all(isinstance(r, dict) for r in rows) and ours != "LimitError":
        assert ours == facts(lambda: cleaned(rows)), (data, ours)


def fuzz_canonical(data):
    text = data.decode("latin-1")
    if core.json_is_canonical(text):
        assert json.dumps(json.loads(text)) == text, text


def fuzz_rules(data):
    text = (
        data.decode("utf-8", "surrogatepass" if data[:1] != b"\xff" else "replace")
        if _utf8(data)
        else data.decode("latin-1")
    )
    for name, (validator, arg) in TEXT_RULES.items():
        ours = core.rule(name, text, arg)
        if ours is not None:
            try:
                validator(text)
                theirs = True
            except (ValidationError, UnicodeError):
                theirs = False
            assert ours == theirs, (name, text)


def _utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def fuzz_automaton(data):
    pattern, _, text = data.decode("latin-1").partition("\x00")
    pattern, text = pattern[:24], text[:10]
    try:
        compiled = re.compile(pattern)
        automaton = core.Automaton(pattern, compiled.flags)
    except (ValueError, re.error, OverflowError, RecursionError):
        return
    if len(re.findall(r"[*+{]", pattern)) <= 4:  # re may take exponential time
        assert automaton.search(text) == bool(compiled.search(text)), (pattern, text)


def fuzz_pg_cells(data):
    cell = data[2:]
    code = CODES[data[0] % len(CODES)]
    item = CODES[data[1] % len(CODES)] if len(data) > 1 else 0
    asked = []

    def convert(raw):
        asked.append(raw)
        return None

    try:
        out, converted = WRITER.pg_rows(
            lambda row, column: cell, 0, 1, bytes([code]), (item,), (convert,), (b"[", b", ", b"]")
        )
    except UnicodeDecodeError:
        return
    assert converted == len(asked)
    json.loads(out)


def fuzz_values(data):
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    assert facts(lambda: pyforge.dumps(value)) == facts(
        lambda: json.dumps(value, cls=DjangoJSONEncoder).encode()
    )


TARGETS = {
    "loads": (fuzz_loads, [b'{"a": [1.5e3, "\\u00e9", null]}', b'[1, -0.0, 12345678901234567.5e-3]', b'"\\ud83d\\ude00"']),
    "rows": (fuzz_rows, [b'[{"a":"x","b":"2024-01-02T03:04:05Z","c":{"k":[1]},"d":"1.5","e":null}]',
                         b'[ { "d" : 1.25 , "a" : "\\n" , "e":"12345678-1234-5678-1234-567812345678"}, {}]']),
    "canonical": (fuzz_canonical, [b'{"a": [1, "b\\n"]}']),
    "rules": (fuzz_rules, [b"user@example.com", b"http://u:p@example.com:80/p?q#f", b"::1", b"1.2.3.4",
                           b"xn--4ca9at.xn--p1ai", b'"a b"@[::ffff:1.2.3.4]', "http://\u0442.\u0440\u0444/".encode()]),
    "automaton": (fuzz_automaton, [b"^[a-f]{2,3}(x|y)*$\x00abxy", b"\\d+\\s?\x00 1", b"(?:a|b)*c\\Z\x00abc"]),
    "pg": (fuzz_pg_cells, [bytes([c, i]) + text for c in range(len(CODES)) for i, text in [
        (0, b"{1,NULL}"), (10, b'{"a","b\\\\"}'), (0, b'"k"=>"v", "n"=>NULL'), (0, b"2024-01-02 03:04:05.123+00"),
        (0, b"1 day 02:03:04"), (0, b"-12.50"), (0, b"t")]]),
    "values": (fuzz_values, [b'[1, "\\ud800", 1e-7, {"\\u00e9": "\\u4e2d\\u6587aaaaaaaa\\n"}]']),
}  # fmt: skip

TARGET, SEEDS = TARGETS[os.environ["FUZZ_TARGET"]]
for number, seed in enumerate(SEEDS):
    Path(os.environ["FUZZ_SEEDS"], f"seed{number}").write_bytes(seed)


def one_input(data):
    if len(data) > 1:
        TARGET(data)


assert isinstance(package, types.ModuleType)
