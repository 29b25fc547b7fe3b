"""Random field configurations with random values: Django's answer each time.

FORGE_EXAMPLES sets how many (2,000 in CI, the same ones each time: a change is judged by
what it does, not by luck). The long run, marked long, is random: FORGE_EXAMPLES_LONG
cases from FORGE_SEED, or from a seed of its own.
"""

import datetime as dt
import json
import os
import random

import oracle
import pytest
from django.core import validators as v
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from test_fields import plan_of

import pyforge

EXAMPLES = int(os.environ.get("FORGE_EXAMPLES", "2000" if os.environ.get("CI") else "200"))
COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
QUICK = settings(max_examples=EXAMPLES, derandomize=bool(os.environ.get("CI")), **COMMON)
LONG = int(os.environ.get("FORGE_EXAMPLES_LONG", "1000000"))
SEED = int(os.environ.get("FORGE_SEED") or random.SystemRandom().getrandbits(64))

texts = st.one_of(
    st.text(max_size=20),
    st.text(alphabet=st.characters(), max_size=6),
    st.text(alphabet="0123456789+-.eE_ :TZ/@a[]", max_size=24),
    st.emails(),
    st.uuids().map(str),
    st.datetimes().map(str),
    st.dates().map(str),
    st.ip_addresses().map(str),
    st.decimals(allow_nan=True).map(str),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.decimals(), st.dates(), st.uuids(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())), st.times(), st.timedeltas(), st.binary(max_size=5),
)  # fmt: skip
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
anything = st.one_of(scalars, json_values, st.lists(scalars, max_size=3))

classes = st.sampled_from([
    models.CharField, models.TextField, models.IntegerField, models.FloatField, models.BooleanField, models.DateField,
    models.DateTimeField, models.TimeField, models.DurationField, models.UUIDField, models.JSONField, models.EmailField,
    models.URLField, models.SlugField, models.GenericIPAddressField, models.BinaryField, models.DecimalField,
    models.SmallIntegerField, models.PositiveIntegerField, models.FileField,
])  # fmt: skip
extra_validators = st.lists(
    st.one_of(
        st.integers(-5, 50).map(v.MaxLengthValidator),
        st.integers(0, 5).map(v.MinLengthValidator),
        st.sampled_from([r"^\w+$", r"\d", "^[a-f0-9-]*$", "(?i)x", "^.{1,5}$", r"^\S+\Z"]).map(
            v.RegexValidator
        ),
        st.just(v.ProhibitNullCharactersValidator()),
    ),
    max_size=2,
)


@st.composite
def fields(draw):
    cls = draw(classes)
    options = {name: draw(st.booleans()) for name in ("null", "blank")}
    options["editable"] = draw(st.booleans()) if draw(st.booleans()) else True
    if issubclass(cls, models.DecimalField):
        options["max_digits"] = draw(st.integers(1, 12))
        options["decimal_places"] = draw(st.integers(0, options["max_digits"]))
    elif issubclass(cls, (models.CharField, models.SlugField)):
        options["max_length"] = draw(st.integers(1, 40))
        options["validators"] = draw(extra_validators)
        if draw(st.integers(0, 5)) == 0:
            options["choices"] = [(c, c) for c in draw(st.lists(texts, min_size=1, max_size=3))]
    elif issubclass(cls, models.IntegerField):
        low, high = sorted([draw(st.integers(-100, 100)), draw(st.integers(-100, 100))])
        options["validators"] = [v.MinValueValidator(low), v.MaxValueValidator(high)]
    field = cls(**options)
    field.set_attributes_from_name("f")
    return field


def agrees(plan, field, value):
    """Field.clean's outcome, and clean_fields' for a row of that value."""
    row = {"f": value}
    for ours, theirs in (
        (lambda: plan.clean_value("f", value, None), lambda: field.clean(value, None)),
        (
            lambda: plan.clean_rows((row,), True, -1)[0][0],
            lambda: oracle.clean_like_django([field], row),
        ),
    ):
        if not oracle.same(oracle.outcome(ours), oracle.outcome(theirs)):
            return False
    return True


def outcome(call):
    try:
        return call()
    except (ValueError, TypeError, OverflowError) as e:
        return type(e), str(e)


@pytest.mark.filterwarnings("ignore")
@QUICK
@given(fields(), anything)
def test_any_field_with_any_value(field, value):
    assert agrees(plan_of([field])[0], field, value)


def drawn(strategy, n):
    """`n` examples of a strategy."""
    found = []

    @seed(SEED)
    @settings(max_examples=n, phases=[Phase.generate], **COMMON)
    @given(strategy)
    def keep(example):
        found.append(example)

    keep()
    return found


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_any_field_with_any_value_for_long():
    """Each random field with fifty random values: most of hypothesis' time is drawing."""
    pick, pool = random.Random(SEED), drawn(anything, 20000)
    for field in drawn(fields(), LONG // 50):
        plan, _ = plan_of([field])
        for value in pick.sample(pool, 50):
            assert agrees(plan, field, value), (SEED, field, vars(field), value)


@QUICK
@given(anything)
def test_any_value_as_json(value):
    expected = outcome(lambda: json.dumps(value, cls=DjangoJSONEncoder).encode())
    assert outcome(lambda: pyforge.dumps(value)) == expected


@QUICK
@given(json_values, st.sampled_from([None, 1]), st.booleans())
def test_any_json_is_read_back(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert repr(pyforge.loads(text)) == repr(json.loads(text))


@QUICK
@given(st.text(alphabet='{}[]",:\\ 0123456789eE+-.truefalsn\n\x00é\ud800', max_size=30))
def test_any_text_is_read_or_refused_as_by_json(text):
    def facts(load):
        try:
            return repr(load(text))
        except json.JSONDecodeError as e:
            return e.msg, e.pos

    assert facts(pyforge.loads) == facts(json.loads)


@QUICK
@given(st.datetimes(timezones=st.timezones()), st.timedeltas(), st.times())
def test_times_as_json(moment, delta, clock):
    for value in (
        moment,
        delta,
        clock,
        moment.replace(tzinfo=dt.timezone(dt.timedelta(microseconds=delta.microseconds - 500000))),
    ):
        assert outcome(lambda: pyforge.dumps(value)) == outcome(
            lambda: json.dumps(value, cls=DjangoJSONEncoder).encode()
        )
