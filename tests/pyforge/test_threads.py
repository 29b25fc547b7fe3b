"""Threads that share plans and writers, and threads that change what others are reading.

What a reader gets depends on who was first; it is one of the answers that some order gives.
Without the GIL these are races; with it, switches between any two of Python's steps.
"""

import json
import sys
import threading

import pytest
from django.core import validators as v
from django.core.exceptions import ValidationError
from django.db import models
from forgeapp.models import FIELDS, Rec, as_strings, make_row

import pyforge

ROUNDS = 60


@pytest.fixture(autouse=True)
def frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(*works, rounds=ROUNDS):
    """Each work in its own thread, `rounds` times; the first exception is the test's."""
    failed, start = [], threading.Barrier(len(works))

    def run(work):
        start.wait()
        try:
            for i in range(rounds):
                work(i)
        except BaseException as e:
            failed.append(e)

    threads = [threading.Thread(target=run, args=(w,)) for w in works]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def test_plans_and_writers_are_shared():
    rules, encoder = pyforge.RuleSet(Rec, fields=FIELDS), pyforge.Encoder(Rec, fields=FIELDS)
    texts = [as_strings(make_row(i)) for i in range(20)]
    bad = [{**t, "email": "bad", "qty": -1} for t in texts]
    body = json.dumps(texts)
    want = rules.clean_many(texts).rows
    messages = [e.message_dict for e in rules.clean_many(bad).errors.values()]
    text = encoder.encode_many(want)
    rules.reset_counters()

    def work(i):
        assert rules.clean_many(texts).rows == want
        assert rules.parse_json(body).rows == want
        assert [e.message_dict for e in rules.clean_many(bad).errors.values()] == messages
        assert encoder.encode_many(want) == text
        assert pyforge.loads(pyforge.dumps(texts)) == texts

    together(work, work, work, work)
    assert rules.report.values == 4 * ROUNDS * 60 * len(FIELDS)
    assert rules.report.punts == 0


def test_containers_change_while_they_are_read():
    row = as_strings(make_row(1))
    shared = dict(row, meta={"k": [1, {"x": [2]}]})
    rows = [shared] * 8
    numbers = list(range(50))
    rules, encoder = pyforge.RuleSet(Rec, fields=FIELDS), pyforge.Encoder(Rec, fields=FIELDS)
    instance = Rec(**make_row(1))

    def change(i):
        shared["name"] = f"name {i}" * (i % 7)
        shared["meta"] = {str(k): [k] * (i % 5) for k in range(i % 9)}
        inner = shared["meta"]
        for k in range(40):
            inner[f"n{k}"] = [k]
        inner.clear()
        shared.pop("note", None)
        shared[f"extra{i % 50}"] = i
        rows.append(shared)
        del rows[4:]
        rows.extend([shared] * 4)
        numbers.append(i)
        del numbers[10:]
        numbers.extend(range(40))
        instance.name = f"n{i}"
        instance.__dict__[f"extra{i % 50}"] = i

    def read(i):
        batch = rules.clean_many(rows)
        assert all(len(r) == len(FIELDS) for r in batch.rows if r is not None)
        try:
            json.loads(pyforge.dumps([shared, numbers, rows]))
        except RuntimeError as e:  # what json says of a dict that changes under it
            assert "changed" in str(e)
        assert encoder.encode(instance)[:1] == b"{"
        rules.clean_fields(instance)

    together(change, read, read, rounds=200)


def test_arrays_change_while_they_are_cleaned():
    postgres = pytest.importorskip("django.contrib.postgres.fields")
    field = postgres.ArrayField(models.IntegerField())
    field.set_attributes_from_name("x")
    rules = pyforge.RuleSet([])
    rules._fields = [field]
    rules._compile()
    values = list(range(100))

    def change(i):
        values.append(i)
        del values[20:]
        values.extend(range(80))

    def read(i):
        assert rules.clean([values])[0] is values

    together(change, read, read, rounds=300)


def test_a_field_changes_while_its_rules_run():
    field = models.IntegerField()
    field.set_attributes_from_name("x")
    rules = pyforge.RuleSet([])
    rules._fields = [field]
    rules._compile()
    limit = v.MaxValueValidator(5)

    def change(i):
        field.validators.append(limit)
        field.validators.remove(limit)

    def read(i):
        try:
            assert rules.clean([7]) == (7,)
        except ValidationError as e:
            assert [x.code for x in e.error_dict["x"]] == ["max_value"]

    list(field.validators)  # a cached property: made before the threads start
    together(change, read, read, rounds=300)
    assert rules.clean([7]) == (7,)
