"""Encoding the 16-field model and long texts; one instance."""

import json
import random

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from forgeapp.models import FIELDS, Rec, make_row
from harness import Line, best, best_fresh, faster, record, show, within

import pyforge

N = 1000
FEW = 200  # instances that are in the processor's cache, as one just fetched is


def rows_of_16():
    rows = [make_row(i) for i in range(N)]
    tuples = [tuple(r[f] for f in FIELDS) for r in rows]
    django, compact = (
        pyforge.Encoder(Rec, fields=FIELDS, dialect=d) for d in ("django", "compact")
    )
    assert django.encode_many(tuples) == json.dumps(rows, cls=DjangoJSONEncoder).encode()
    times = best({
        "json.dumps DjangoJSONEncoder": lambda: json.dumps(rows, cls=DjangoJSONEncoder),
        "orjson.dumps(default=str)": lambda: orjson.dumps(rows, default=str),
        "Encoder django": lambda: django.encode_many(tuples),
        "Encoder compact": lambda: compact.encode_many(tuples),
    }, N, 25)  # fmt: skip
    show("encode 16 fields", times)
    without_fallback(django, compact)
    orj = "orjson.dumps(default=str)"
    within("parity text, of orjson's time", times, "Encoder django", orj, 1.15, 1.5, "fallback 0")
    within("compact, of orjson's time", times, "Encoder compact", orj, 1.0, 1.4, "fallback 0")
    faster("parity text x json.dumps", times, "json.dumps DjangoJSONEncoder", "Encoder django",
           8, 5, "fallback 0")  # fmt: skip


def without_fallback(*encoders):
    assert all(e.fallbacks == 0 for e in encoders)
    return "fallback 0"


def ten_kilobytes():
    r = random.Random(1)
    kinds = {
        "plain ASCII": ("abcdefgh xyzw", 1.1),
        "ASCII with escapes": ('abcdefgh \n"xyzw', 1.1),
        "mixed Latin-1 and CJK": ("abcdefgh éüñ日本語中文 ", 1.3),
    }
    for name, (alphabet, goal) in kinds.items():
        texts = [("".join(r.choice(alphabet) for _ in range(10240)),) for _ in range(100)]
        for dialect in ("django", "compact"):
            enc = pyforge.Encoder(Rec, fields=["body"], dialect=dialect)

            # new str objects for each call: orjson leaves its UTF-8 in the ones it has seen
            def fresh(texts=texts, form=lambda t: {"body": t}):
                return [form(t[0][:1] + t[0][1:]) for t in texts]

            sources = {
                "json.dumps": (lambda rows: json.dumps(rows), fresh),
                "orjson": (lambda rows: orjson.dumps(rows), fresh),
                "ours": (
                    lambda rows, e=enc: e.encode_many(rows),
                    lambda f=fresh: f(form=lambda t: (t,)),
                ),
            }
            times = best_fresh(sources, 100, 25)
            show(f"10 KB {name}, {dialect}", times)
            within(
                f"10 KB {name}, {dialect}, of orjson's time",
                times,
                "ours",
                "orjson",
                goal,
                goal * 2,
                without_fallback(enc),
            )


def one_instance():
    instances = [Rec(**make_row(i)) for i in range(FEW)]
    enc = pyforge.Encoder(Rec, fields=FIELDS)

    def to_bytes():
        one = pyforge.serialize_instance_bytes
        for i in instances:
            one(i, enc)

    def to_dict():
        one = pyforge.serialize_instance
        for i in instances:
            one(i, enc)

    times = best({"serialize_instance_bytes": to_bytes, "serialize_instance": to_dict}, FEW, 40)
    show("one instance a call", times)
    note = without_fallback(enc)
    for name, call, goal in (
        ("bytes", "serialize_instance_bytes", 1.0),
        ("dict", "serialize_instance", 2.0),
    ):
        record(Line(f"one instance to {name} (us)", times[call], goal, goal * 3, False, note))


def main():
    rows_of_16()
    ten_kilobytes()
    one_instance()
