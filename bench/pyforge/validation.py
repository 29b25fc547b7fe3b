"""Validation of the 16-field model: instances, strings, JSON, invalid rows, compiling."""

import datetime
import decimal
import json
import time
import uuid
from typing import Annotated, Literal

from django.core.exceptions import ValidationError
from forgeapp.models import FIELDS, Rec, as_strings, make_row
from harness import Line as Figure
from harness import best, faster, record, show, within

import pyforge

N = 1000  # rows of a batch: as many as one bulk_create would take


def msgspec_struct():
    import msgspec

    def text(n, pattern=None):
        return Annotated[str, msgspec.Meta(max_length=n, pattern=pattern)]

    return msgspec.defstruct(
        "Row",
        [
            ("name", text(120)), ("email", text(254, r"^[^@\s]+@[^@\s]+\.[^@\s]+$")),
            ("url", text(200, r"^https?://[^\s/]+(/\S*)?$")), ("slug", text(80, r"^[-a-zA-Z0-9_]+$")),
            ("qty", Annotated[int, msgspec.Meta(ge=0, le=1000000)]), ("price", decimal.Decimal),
            ("created", datetime.datetime), ("day", datetime.date), ("uid", uuid.UUID), ("active", bool),
            ("meta", dict), ("body", str), ("status", Literal["draft", "review", "live", "gone"]),
            ("note", text(200) | None), ("code", text(12, r"^[A-Z]{2}-\d{4,8}$")), ("score", float | None),
        ],
    )  # fmt: skip


def pydantic_adapter():
    import pydantic

    model = pydantic.create_model(
        "Row", name=str, email=str, url=str, slug=str, qty=int, price=decimal.Decimal,
        created=datetime.datetime, day=datetime.date, uid=uuid.UUID, active=bool, meta=dict, body=str,
        status=Literal["draft", "review", "live", "gone"], note=str | None, code=str, score=float | None,
    )  # fmt: skip
    return pydantic.TypeAdapter(list[model])


def counted(rules):
    report = rules.report
    assert report.punts == 0 and report.calls == 0, report.counters
    return f"fallback 0 of {report.values}"


def asked(rules, rows):
    """The same where rows are invalid: what C refuses, the live validators must word."""
    rules.reset_counters()
    bad = len(rules.clean_many(rows).errors)
    report = rules.report
    assert report.punts == 0 and report.calls == 0, report.counters
    return f"fallback 0 of {report.values}, {bad} rows worded by Django"


def native(rules, rows):
    instances = [Rec(**r) for r in rows]
    times = best({
        "Model.clean_fields": lambda: [i.clean_fields({"id"}) for i in instances],
        "RuleSet.clean_instances": lambda: rules.clean_instances(instances),
    }, N, 15)  # fmt: skip
    show("native values", times)
    faster("native validation x clean_fields", times, "Model.clean_fields", "RuleSet.clean_instances",
           80, 20, counted(rules))  # fmt: skip


def strings(rules, texts):
    import msgspec

    fields = [Rec._meta.get_field(f) for f in FIELDS]
    struct = list[msgspec_struct()]

    def loop():
        return [[f.clean(r[f.name], None) for f in fields] for r in texts]

    assert [list(r) for r in rules.clean_many(texts).rows] == loop()
    times = best({
        "Field.clean loop": loop,
        "RuleSet.clean_many": lambda: rules.clean_many(texts),
        "msgspec.convert with patterns": lambda: msgspec.convert(texts, struct),
    }, N, 15)  # fmt: skip
    show("strings to typed rows", times)
    faster(
        "strings to typed x Field.clean",
        times,
        "Field.clean loop",
        "RuleSet.clean_many",
        40,
        20,
        counted(rules),
    )
    faster(
        "strings to typed x msgspec.convert",
        times,
        "msgspec.convert with patterns",
        "RuleSet.clean_many",
        2,
        1,
        counted(rules),
    )


def request_bytes(rules, texts):
    import msgspec
    from rest_framework import serializers

    body = json.dumps(texts).encode()
    decoder = msgspec.json.Decoder(list[msgspec_struct()])
    adapter = pydantic_adapter()
    few = 300
    some = json.dumps(texts[:few]).encode()

    class RecSerializer(serializers.ModelSerializer):
        class Meta:
            model = Rec
            fields = FIELDS

    def drf():
        assert RecSerializer(data=json.loads(some), many=True).is_valid()

    assert rules.parse_json(body).rows == rules.clean_many(texts).rows
    times = best({
        "RuleSet.parse_json": lambda: rules.parse_json(body),
        "msgspec Decoder with patterns": lambda: decoder.decode(body),
        "pydantic validate_json (no patterns)": lambda: adapter.validate_json(body),
        "json.loads": lambda: json.loads(body),
    }, N, 15)  # fmt: skip
    times.update(best({"DRF is_valid": drf}, few, 4))
    show("request bytes to typed rows", times)
    faster(
        "request bytes x DRF", times, "DRF is_valid", "RuleSet.parse_json", 40, 15, counted(rules)
    )
    within(
        "request bytes, of msgspec's time",
        times,
        "RuleSet.parse_json",
        "msgspec Decoder with patterns",
        0.8,
        1.5,
        counted(rules),
    )


def invalid(rules, texts):
    def django(rows):
        for r in rows:
            try:
                Rec(**r).clean_fields({"id"})
            except ValidationError as e:
                e.message_dict

    def ours(rows):
        for e in rules.clean_many(rows).errors.values():
            e.message_dict

    some = texts[:1000]
    all_bad = [{**r, "email": "bad", "qty": -1} for r in some]
    tenth = [
        bad if i % 10 == 0 else r for i, (r, bad) in enumerate(zip(some, all_bad, strict=True))
    ]
    for name, rows, goal, gate in (("10 % invalid", tenth, 10, 5), ("all invalid", all_bad, 3, 1)):
        times = best(
            {
                "Model(**row).clean_fields": lambda: django(rows),
                "RuleSet.clean_many": lambda: ours(rows),
            },
            len(some),
            6,
        )
        show(name, times)
        faster(
            f"{name} x clean_fields",
            times,
            "Model(**row).clean_fields",
            "RuleSet.clean_many",
            goal,
            gate,
            asked(rules, rows),
        )


def compiling():
    """A model whose classes and patterns were seen before; the first one ever is in a child."""
    import subprocess
    import sys

    pyforge.RuleSet(Rec)
    warm = best({"compile, seen before": lambda: pyforge.RuleSet(Rec)}, 1, 60)
    code = (
        "import django; django.setup()\n"
        "import time, pyforge, pyforge.rules\n"
        "from django.db import connection; connection.ops  # Django's own imports\n"
        "from forgeapp.models import Rec\n"
        "t = time.perf_counter(); pyforge.RuleSet(Rec); print((time.perf_counter() - t) * 1e6)"
    )
    cold = min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3))
    show("compile a model of 17 fields", {**warm, "compile, cold": cold})
    record(Figure("compile, seen before (us)", warm["compile, seen before"], 200, 5000, False, ""))
    record(Figure("compile, cold (us)", cold, 5000, 50000, False, ""))


def main():
    rules = pyforge.RuleSet(Rec, fields=FIELDS)
    rows = [make_row(i) for i in range(N)]
    texts = [as_strings(r) for r in rows]
    native(rules, rows)
    strings(rules, texts)
    request_bytes(rules, texts)
    started = time.perf_counter()
    invalid(rules, texts)
    compiling()
    print(f"  (invalid rows and compiling took {time.perf_counter() - started:.1f} s)")
