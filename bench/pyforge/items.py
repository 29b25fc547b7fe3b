"""One bench for each thing that compiling is for: what it replaces, and its gain."""

import json

from django.core.serializers.json import DjangoJSONEncoder
from forgeapp.models import FIELDS, Rec, as_strings, make_row
from harness import best, faster, show

import pyforge

N = 2000


def compiled_rules_against_reread_constraints():
    """A rule set kept, against one made from its descriptors for each batch of 10."""
    descriptors = pyforge.extract_model_fields(Rec, fields=FIELDS)
    rows = [as_strings(make_row(i)) for i in range(N)]
    rules = pyforge.RuleSet(Rec, fields=FIELDS)
    parts = [rows[i : i + 10] for i in range(0, N, 10)]
    times = best({
        "constraints read again for each batch": lambda: [pyforge.validate_field_batch(descriptors, p) for p in parts],
        "compiled rule set": lambda: [pyforge.validate_field_batch(rules, p) for p in parts],
    }, N, 5)  # fmt: skip
    show("rule set", times)
    assert rules.report.punts == rules.report.calls == 0
    faster("compiled rule set x constraints read again", times, *times, 1.3, 1.15, "fallback 0")


def long_text_without_clone():
    """10 KB texts: straight to bytes, against a dict of values and then bytes."""
    rows = [(f"title {i}", "some words " * 930) for i in range(300)]
    enc = pyforge.Encoder(Rec, fields=["name", "body"])
    times = best({
        "dict of values, then json.dumps": lambda: [json.dumps(dict(zip(enc.names, r, strict=True))).encode() for r in rows],
        "serialize_to_bytes": lambda: [pyforge.serialize_to_bytes(enc, r) for r in rows],
    }, 300, 7)  # fmt: skip
    show("10 KB text", times)
    assert enc.fallbacks == 0
    faster("10 KB text to bytes x dict and dumps", times, *times, 1.4, 1.2, "fallback 0")


def value_tuples_against_getattr():
    """values_list tuples by index, against instances by getattr."""
    rows = [make_row(i) for i in range(N)]
    tuples, instances = [tuple(r[f] for f in FIELDS) for r in rows], [Rec(**r) for r in rows]
    enc = pyforge.Encoder(Rec, fields=FIELDS)

    def by_getattr():
        return json.dumps(
            [{f: getattr(i, f) for f in FIELDS} for i in instances], cls=DjangoJSONEncoder
        )

    assert by_getattr().encode() == pyforge.serialize_value_tuples(tuples, enc)
    times = best({
        "getattr for each field": by_getattr,
        "serialize_value_tuples": lambda: pyforge.serialize_value_tuples(tuples, enc),
    }, N, 7)  # fmt: skip
    show("value tuples", times)
    assert enc.fallbacks == 0
    faster("value tuples x getattr for each field", times, *times, 3, 2, "fallback 0")


def one_crossing_an_instance():
    """All fields of an instance in one call, against one call a field."""
    instances = [Rec(**make_row(i)) for i in range(N)]
    for count in (3, 5, 16):
        names = FIELDS[:count]
        enc = pyforge.Encoder(Rec, fields=names)
        single = [pyforge.Encoder(Rec, fields=[n]) for n in names]

        def each(single=single):
            for i in instances:
                out = {}
                for e in single:
                    out.update(pyforge.serialize_instance(i, e))

        def whole(enc=enc):
            for i in instances:
                pyforge.serialize_instance(i, enc)

        times = best({"one call a field": each, "serialize_instance": whole}, N, 7)
        show(f"{count} fields", times)
        assert enc.fallbacks == 0
        faster(f"one crossing x one a field, {count} fields", times, *times, 1.5, 1.3, "fallback 0")


def main():
    compiled_rules_against_reread_constraints()
    long_text_without_clone()
    value_tuples_against_getattr()
    one_crossing_an_instance()
