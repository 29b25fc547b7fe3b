"""Bad input, kind by kind, through every entry that takes it: never a crash or a hang, and
the error is Django's, json's, or one of ours that names what was wrong."""

import json
import time

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django.test.utils import isolate_apps
from django.utils.functional import lazystr
from forgeapp.models import FIELDS, Rec, as_strings, make_row
from oracle import outcome

import pyforge
from pyforge import _pyforge

RULES = pyforge.RuleSet(Rec, fields=FIELDS)
TEXT_FIELDS = ["name", "email", "url", "slug", "status", "code", "body"]


def row_with(**values):
    return {**as_strings(make_row(1)), **values}


def says(call):
    """A call's value, a ValidationError's codes and messages by field, or any other error."""
    try:
        return repr(call())
    except ValidationError as e:
        return {k: [(x.code, str(x.message)) for x in v] for k, v in e.error_dict.items()}
    except Exception as e:
        return type(e), str(e)


def django_clean(row):
    instance = Rec(**row)
    instance.clean_fields({"id"})
    return tuple(getattr(instance, f) for f in FIELDS)


def agrees(row):
    assert says(lambda: RULES.clean(row)) == says(lambda: django_clean(row))


def agrees_as_json(row):
    agrees(row)
    assert says(lambda: RULES.parse_json(json.dumps(row))) == says(lambda: django_clean(row))


def field_rules(**fields):
    """A rule set of fields that belong to no model."""
    rules = pyforge.RuleSet([])
    for name, field in fields.items():
        field.set_attributes_from_name(name)
    rules._fields = list(fields.values())
    rules._compile()
    return rules


# -- Bytes and texts ---------------------------------------------------------------

BAD_UTF8 = [b"\xff", b"\xc3", b"\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\xed\xa0", b"a\xe2\x82"]


@pytest.mark.parametrize("bad", BAD_UTF8, ids=ascii)
def test_invalid_utf8(bad):
    good = json.dumps(row_with(name="@@")).encode()
    for body in (good.replace(b"@@", bad), good.replace(b'"name"', b'"na' + bad + b'"')):
        for data in (body, b"[" + body + b"]"):
            with pytest.raises(pyforge.JSONDecodeError):
                RULES.parse_json(data)
            with pytest.raises(pyforge.JSONDecodeError):
                pyforge.loads(data)


@pytest.mark.parametrize(
    "text", ["\ud800", "a\udc00b", "\udbff\ud800", "x" * 40 + "\ud800"], ids=ascii
)
@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_lone_surrogates(name, text):
    row = row_with(**{name: text})
    agrees_as_json(row)
    with pytest.raises(json.JSONDecodeError):
        RULES.parse_json(json.dumps(row), dialect="rfc8259")
    assert pyforge.dumps(text) == json.dumps(text).encode()
    with pytest.raises(UnicodeEncodeError):
        pyforge.dumps(text, ensure_ascii=False)


@pytest.mark.parametrize("text", ["\0", "a\0", "\0a", "a\0b" * 20])
@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_nul(name, text):
    agrees_as_json(row_with(**{name: text}))
    assert pyforge.dumps(text) == json.dumps(text).encode()
    assert pyforge.loads(json.dumps({text: text})) == {text: text}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_nan(text):
    value = json.loads(text)
    for name in ("score", "qty", "price", "active", "meta", "name", "created"):
        agrees_as_json(row_with(**{name: value}))
    with pytest.raises(json.JSONDecodeError):
        RULES.parse_json(json.dumps(row_with(score=value)), dialect="rfc8259")
    assert pyforge.dumps(value) == text.encode()
    with pytest.raises(ValueError, match="Out of range float"):
        pyforge.dumps(value, allow_nan=False)


def test_ten_megabytes():
    text = "x" * (10 * 1024 * 1024)
    started = time.monotonic()
    for name in TEXT_FIELDS:
        agrees(row_with(**{name: text}))
    wide = pyforge.Limits(max_bytes=2**26, max_string=2**26)
    body = json.dumps(row_with(body=text))
    assert RULES.parse_json(body, limits=wide)[FIELDS.index("body")] == text
    with pytest.raises(pyforge.LimitError, match="max_bytes"):
        RULES.parse_json(body)
    with pytest.raises(pyforge.LimitError, match="max_string"):
        RULES.parse_json(body, limits=pyforge.Limits(max_bytes=2**26, max_string=1000))
    assert time.monotonic() - started < 120  # a hang, not a slow machine


# -- Structure ---------------------------------------------------------------------


def test_json_100000_deep():
    deep = "[" * 100_000 + "]" * 100_000
    keys = '{"a":' * 100_000 + "1" + "}" * 100_000
    for text in (deep, keys, deep[:100_000], keys[:300_000]):
        for data in (text, f'{{"meta": {text}}}', f'[{{"unknown": {text}}}]'):
            with pytest.raises(pyforge.LimitError, match="max_depth"):
                RULES.parse_json(data)
            with pytest.raises(pyforge.LimitError, match="max_depth"):
                pyforge.loads(data)
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(RecursionError):  # as Django's own JSONField
        RULES.clean(row_with(meta=value))
    with pytest.raises(RecursionError):
        pyforge.dumps(value)
    while value:
        value = value.pop()


def test_numbers_of_5000_digits():
    digits = "9" * 5000
    for name in ("qty", "price", "score", "name", "active", "created", "uid"):
        agrees_as_json(row_with(**{name: digits}))
    for number in (digits, f"-{digits}", f"0.{digits}", f"{digits}e5"):
        for data in (number, f'{{"qty": {number}}}', f'[{{"price": {number}}}]'):
            with pytest.raises(pyforge.LimitError, match="max_number_digits"):
                pyforge.loads(data)
        with pytest.raises(pyforge.LimitError, match="max_number_digits"):
            RULES.parse_json(f'{{"qty": {number}}}')
    big = 10**5000
    for name in ("qty", "price", "score", "meta"):
        agrees(row_with(**{name: big}))


def test_duplicate_keys():
    first, last = json.dumps(row_with(qty=1)), json.dumps(row_with(qty=2))
    body = first[:-1] + ", " + last[1:]
    assert RULES.parse_json(body) == RULES.clean(json.loads(body))
    assert RULES.parse_json(f"[{body}]").rows == [RULES.clean(row_with(qty=2))]
    assert pyforge.loads('{"a": 1, "a": [2], "a": 3}') == {"a": 3}


@pytest.mark.parametrize("row", [
    (), (1,), [1] * 17, None, 5, "text", b"bytes", {1, 2}, object(),
], ids=lambda row: "object" if type(row) is object else ascii(row))  # fmt: skip
def test_wrong_row_shapes(row):
    with pytest.raises(pyforge.RowShapeError):
        RULES.clean(row)
    with pytest.raises(pyforge.RowShapeError):
        RULES.clean_many([row_with(), row])
    encoder = pyforge.Encoder(Rec, fields=FIELDS)
    with pytest.raises((pyforge.RowShapeError, AttributeError)):
        encoder.encode_many([tuple(make_row(1).values()), row])


@pytest.mark.parametrize("body", ["5", '"x"', "null", "[1]", '[{}, "x"]', "[[{}]]", "[null]"])
def test_wrong_json_shapes(body):
    with pytest.raises(pyforge.RowShapeError):
        RULES.parse_json(body)
    with pytest.raises(pyforge.JSONDecodeError):
        RULES.parse_json(body + "]")


@pytest.mark.parametrize("cell, text", [
    ("HSTORE", b'"a"'), ("HSTORE", b'"a"=>'), ("HSTORE", b'"a"=>"b",'), ("HSTORE", b'"a"=>"b",x'),
    ("HSTORE", b'"a"=>"b", '), ("HSTORE", b'"a"=>NULL, "b"'), ("HSTORE", b'"a"=>"b'), ("HSTORE", b'"a\\'),
    ("HSTORE", b"a=>b"), ("ARRAY", b"{"), ("ARRAY", b"{1,"), ("ARRAY", b"{1}}"), ("ARRAY", b"{1,}"),
    ("ARRAY", b'{"a}'), ("ARRAY", b"[0:1]={1,2}"), ("ARRAY", b"{{1},{2}"), ("ARRAY", b""), ("INT", b"1 "),
    ("INT", b""), ("INT", b"05"), ("INT", b"-0"), ("NUMERIC", b"1."), ("NUMERIC", b"Infinity"), ("FLOAT", b"1e"), ("BOOL", b"true"),
    ("DATETIME_UTC", b"infinity"), ("DATETIME_UTC", b"2024-01-02 03:04:05 BC"), ("DATE", b"10000-01-01"),
    ("DATE", b"2024-02-30"), ("TIME", b"24:00:00"), ("DURATION", b"1 mon"), ("DURATION", b"1 day 2"),
    ("UUID", b"12345678"),
])  # fmt: skip
def test_postgresql_texts_that_c_does_not_read(cell, text):
    """They are given to the column's converter, whatever was written of them is taken back."""
    codes = bytes([_pyforge.CELLS[cell]])
    writer = _pyforge.Writer(pyforge.Encoder(Rec)._style, (("x", "x", False, None),))
    frame, asked = (b"[", b", ", b"]"), []
    rows = writer.pg_rows(
        lambda row, column: text, 0, 1, codes, (_pyforge.CELLS["INT"],), (asked.append,), frame
    )
    assert rows == (b'[{"x": null}]', 1) and asked == [text]


# -- Objects that do not behave ----------------------------------------------------


class Hostile:
    """Raises wherever it is asked."""

    __hash__ = None

    def __eq__(self, other):
        raise RuntimeError("eq")

    def __str__(self):
        raise RuntimeError("str")

    def __bool__(self):
        raise RuntimeError("bool")


@pytest.mark.parametrize("name", FIELDS)
def test_hostile_eq_and_str(name):
    field, bad = Rec._meta.get_field(name), Hostile()
    assert outcome(lambda: RULES.clean_value(name, bad)) == outcome(lambda: field.clean(bad, None))
    agrees(row_with(**{name: bad}))


def test_validators_that_mutate_the_row():
    """Values are the ones the row held when the field's turn came."""

    def mutate(value):
        row["b"] = "changed"
        row.pop("c", None)
        rows.clear()

    fields = {n: models.CharField(null=True, blank=True) for n in "bc"}
    rules = field_rules(a=models.CharField(validators=[mutate]), **fields)
    row = {"a": "x" * 50, "b": "y" * 50, "c": "z" * 50}
    rows = [row, dict(row)]
    assert rules.clean_many(rows).rows == [("x" * 50, "changed", None)]


@isolate_apps("forgeapp")
def test_validators_that_mutate_the_instance():
    seen = []

    class Mutated(models.Model):
        a = models.CharField(max_length=99, validators=[lambda v: mutate()])
        b = models.CharField(max_length=99, validators=[seen.append])

        class Meta:
            app_label = "forgeapp"

    def mutate():
        instance.__dict__["b"] = "changed " * 5
        others.clear()

    instance = Mutated(a="x" * 50, b="y" * 50)
    others = [instance, Mutated(a="x", b="y")]
    pyforge.RuleSet(Mutated).clean_instances(others)
    assert seen[0] == "changed " * 5


def test_recursion_into_the_same_rule_set():
    depth = []

    def again(value):
        depth.append(value)
        if len(depth) < 50:
            assert rules.clean({"a": f"{value}+"}) == (f"{value}+",)

    rules = field_rules(a=models.CharField(validators=[again]))
    assert rules.clean({"a": "x"}) == ("x",) and len(depth) == 50

    def forever(value):
        rules.clean({"a": value})

    rules = field_rules(a=models.CharField(validators=[forever]))
    with pytest.raises(RecursionError):
        rules.clean({"a": "x"})


def test_exceptions_in_lazies():
    class Broken(str):
        __slots__ = ()

        def __str__(self):
            raise LookupError("lazy")

    lazy = lazystr(Broken("x"))
    with pytest.raises(LookupError, match="lazy"):
        pyforge.dumps([lazy])
    for name in TEXT_FIELDS:
        field = Rec._meta.get_field(name)
        ours = outcome(lambda n=name: RULES.clean_value(n, lazy))
        assert ours == outcome(lambda f=field: f.clean(lazy, None)), name
    field = models.CharField(max_length=3, error_messages={"max_length": lazy})
    with pytest.raises(ValidationError) as caught:
        field_rules(a=field).clean({"a": "12345"})
    with pytest.raises(LookupError):  # when the message is wanted, not before
        list(caught.value.message_dict)


# -- Errors ------------------------------------------------------------------------


def test_errors_are_of_the_documented_classes():
    assert issubclass(pyforge.JSONDecodeError, json.JSONDecodeError)
    for name in ("LimitError", "RowShapeError", "DescriptorOrderError"):
        assert issubclass(getattr(pyforge, name), (pyforge.PyForgeError, ValueError))
    with pytest.raises(pyforge.UnsupportedFieldError):
        pyforge.RuleSet(Rec, fields=["nothing"])
    with pytest.raises(pyforge.UnsupportedFieldError):
        RULES.parse_json(json.dumps({**row_with(), "more": 1}), extra="forbid")
    with pytest.raises(pyforge.CompileError):
        pyforge.RuleSet([{"django_type": "CharField"}])
    with pytest.raises(pyforge.CompileError):
        pyforge.Encoder(Rec, dialect="yaml")
    with pytest.raises(ValidationError):
        RULES.clean({})
