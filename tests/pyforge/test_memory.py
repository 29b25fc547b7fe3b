"""Every C entry point: nothing is kept, and any allocation may fail.

The table is run in a child, where memory can be made to fail without hurting pytest.
"""

import gc
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
MAY_PUNT = {"rule"}  # without memory C may be unsure, and Django is asked


def entries():
    """name → a call without arguments, of each entry point with good and bad input."""
    import django
    from django.conf import settings

    if not settings.configured:
        django.setup()
    import values
    from forgeapp.models import FIELDS, Rec, as_strings, make_row
    from test_fields import FIELDS as TABLE
    from test_fields import plan_of

    from pyforge import Encoder, Limits, RuleSet
    from pyforge import _pyforge as c

    words = c.Automaton(r"^\w+$")
    limits, frame = Limits()._tuple(), (b"[", b", ", b"]")
    plan = RuleSet(Rec, fields=FIELDS)._plan
    rows = [make_row(i) for i in range(3)]
    texts = [as_strings(r) for r in rows]
    bad = {**texts[0], "email": "bad", "qty": -1, "uid": "?", "day": "x"}
    body = Encoder(Rec, fields=FIELDS).encode_many(tuple(r.values()) for r in rows)
    instances = [Rec(**r) for r in rows]
    specs = tuple(step.spec for step in plan_of([TABLE["array"], TABLE["hstore"]])[1])
    odd = c.Plan(specs, ValueError, None)
    columns = tuple((n, n, False, str if n == "name" else None) for n in FIELDS)
    style = Encoder(Rec, fields=FIELDS)._style
    writer = c.Writer(style, columns, Rec)
    nested = {
        "a": [1, 2.5, None, {"é": "\U0001f600" * 99}],
        "t": values.TIMES[0],
        "b": (True, 2**90),
    }
    cells = bytes(c.CELLS[n] for n in ("TEXT", "INT", "NUMERIC", "HSTORE", "ARRAY", "CONVERT"))
    wire = [b"a\xc3\xa9", b"5", b"1.50", b'"a"=>"b", "c"=>NULL', b"{1,NULL}", b"x"]
    params = (0, 0, 0, 0, c.CELLS["INT"], 0)
    converts = (str, str, str, str, str, bytes)
    sqlite = bytes(c.CELLS[n] for n in ("ANY", "DECIMAL", "DATETIME_UTC", "UUID", "JSON", "BOOL"))
    row = (
        "é" * 99,
        1.25,
        rows[0]["created"].replace(tzinfo=None),
        rows[0]["uid"].hex,
        '{"a": [1]}',
        1,
    )
    six = c.Writer(style, tuple((n, n, False, None) for n in "abcdef"))

    def parse(text, many=-1, extra=None, forbid=False, first=False):
        return lambda: plan.parse_json(text, many, extra, forbid, True, limits, first, -1)

    table = {
        "Automaton": lambda: c.Automaton(r"^[a-f]{2,9}(x|yz)*\d+$", 2).search("abxyz5"),
        "search": lambda: (words.search("é" * 99), words.search("-"), words.states),
        "Automaton refuses": lambda: c.Automaton(r"(?=a)b"),
        "Plan": lambda: c.Plan(specs, ValueError, None).counters,
        "Plan refuses": lambda: c.Plan((1,), ValueError),
        "stale": lambda: plan.stale,
        "counters": lambda: odd.counters,
        "reset_counters": plan.reset_counters,
        "clean_rows": lambda: plan.clean_rows(texts, False, -1),
        "clean_rows, tuples": lambda: plan.clean_rows([tuple(r.values()) for r in rows], False, -1),
        "clean_rows, invalid": lambda: plan.clean_rows([bad, bad], False, 1),
        "clean_rows raises": lambda: plan.clean_rows([bad], True, -1),
        "clean_rows, shape": lambda: plan.clean_rows([(1,)], True, -1),
        "clean_rows, arrays": lambda: odd.clean_rows([([1, 2], {"a": "b"})], False, -1),
        "clean_instances": lambda: plan.clean_instances(instances, {"name"}, False, -1),
        "clean_value": lambda: [plan.clean_value(n, texts[0][n]) for n in FIELDS],
        "clean_value raises": lambda: plan.clean_value("uid", "?"),
        "clean_value, no field": lambda: plan.clean_value("nope", 1),
        "parse_json": parse(body),
        "parse_json, extra": lambda: parse(b'[{"z": [1, {"y": 2}], "qty": 1}]', extra={})(),
        "parse_json, forbidden": lambda: parse(b'[{"z": 1}]', extra={}, forbid=True)(),
        "parse_json, malformed": parse(b'[{"name": "a", "meta": {"x": [1, {]'),
        "parse_json raises": parse(b'{"name": ""}', first=True),
        "loads": lambda: c.loads(b'{"a": [1, 2.5, "\\u00e9", {"b": null}], "\\ud83d\\ude00": 1e400}', limits, True),
        "loads, malformed": lambda: c.loads(b'{"a": [1, "x', limits, True),
        "loads, limit": lambda: c.loads(b"[[[1]]]", (9, 2, 9, 9, 9), True),
        "rule": lambda: (c.rule("email", "a@b.example", frozenset()), c.rule("ipv6", "::1"),
                         c.rule("url", "http://é.example/", frozenset(["http"]))),
        "json_is_canonical": lambda: (c.json_is_canonical('{"a": 1.0}'), c.json_is_canonical("{")),
        "float_repr": lambda: c.float_repr(0.1),
        "bump_epoch": c.bump_epoch,
        "Writer": lambda: c.Writer(style, columns, Rec),
        "Writer refuses": lambda: c.Writer(style, ((1, 2),)),
        "fallbacks": lambda: c.Writer(style, (), Rec).fallbacks,
        "dumps": lambda: writer.dumps(nested),
        "dumps refuses": lambda: writer.dumps([{"a": object()}]),
        "dumps, circular": lambda: writer.dumps(circular()),
        "tuple": lambda: writer.tuple(tuple(rows[0].values())),
        "dict": lambda: writer.dict(rows[0]),
        "tuples": lambda: writer.tuples([tuple(r.values()) for r in rows], frame),
        "tuples, shape": lambda: writer.tuples([(1,)], frame),
        "dicts": lambda: writer.dicts(rows, frame),
        "instance": lambda: writer.instance(instances[0]),
        "instances": lambda: writer.instances(instances, frame),
        "instance_dict": lambda: writer.instance_dict(instances[0]),
        "mapping_dict": lambda: writer.mapping_dict(rows[0]),
        "sqlite_rows": lambda: six.sqlite_rows([row, row], sqlite, (0, 1002, 0, 0, 0, 0), (str,) * 6, frame),
        "pg_rows": lambda: six.pg_rows(lambda r, i: wire[i], 0, 2, cells, params, converts, frame),
        "pg_rows, bad text": lambda: six.pg_rows(lambda r, i: b"\xff", 0, 1, cells, params, converts, frame),
    }  # fmt: skip
    return table


def circular():
    value = []
    value.append(value)
    return value


def outcome(call):
    try:
        return "ok", call()
    except Exception as e:
        return type(e).__name__, e


def text_of(result):
    """An object's address is no part of the answer."""
    return result[0], re.sub(r" at 0x[0-9a-f]+", "", repr(result[1]))


# what CPython itself says when there is no memory left for a traceback
NO_TRACEBACK = re.compile("error return without exception set|<function .* returned NULL")


def names(table):
    """The C names of a class or module that the table must cover."""
    from pyforge import _pyforge as c

    found = {"Automaton", "Plan", "Writer"}
    for holder in (c, c.Automaton, c.Plan, c.Writer):
        found |= {n for n in vars(holder) if not n.startswith("_") and not n.isupper()}
    return found - {re.match(r"\w+", key)[0] for key in table} - {"states"}


def fail_each_allocation(call, sure, most=400):
    """Each allocation of the call fails once; what came of it that may not."""
    from _testcapi import remove_mem_hooks, set_nomemory

    expected, quiet = text_of(outcome(call)), 0
    for k in range(1, most):
        set_nomemory(k, k + 1)
        try:
            got = outcome(call)
        except MemoryError as e:  # of the outcome's own pair
            got = ("MemoryError", e)
        finally:
            remove_mem_hooks()
        got = text_of(got)
        failed = got[0] == "MemoryError" or (
            got[0] == "SystemError" and NO_TRACEBACK.search(got[1]) is not None
        )
        # an exception may have lost its text
        right = got == expected or (got[0] == expected[0] != "ok")
        if not (failed or right) and sure:
            return f"allocation {k}: {got} instead of {expected}"
        if text_of(outcome(call)) != expected:
            return f"after allocation {k} failed: not {expected} any more"
        quiet = 0 if failed else quiet + 1
        if quiet > 40:
            break
    return None


def child(what):
    from support.leaks import growth

    table = entries()
    if what == "names":
        print(*names(table))
        return
    gc.collect()
    gc.freeze()  # what is there already is not looked at again and again
    for name, call in table.items():
        if what == "nomemory":
            found = fail_each_allocation(call, name not in MAY_PUNT)
        else:
            found = growth(lambda call=call: outcome(call)).per_round()
        if found:
            print(f"{name}: {found}", flush=True)


def run_child(what):
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", __file__, what],
        cwd=HERE, capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr[-3000:]


def test_the_table_has_every_entry_point():
    run_child("names")


@pytest.mark.skipif(sys.getallocatedblocks() == 0, reason="needs an allocator that counts")
def test_nothing_is_kept():
    run_child("leaks")


def test_any_allocation_may_fail():
    pytest.importorskip("_testcapi", reason="needs CPython's _testcapi")
    run_child("nomemory")


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    os.environ.pop("FORGE_PG", None)
    child(sys.argv[1])
