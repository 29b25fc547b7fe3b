"""JSON text: every odd value in every dialect against the live encoder, and parsing."""

import datetime
import decimal
import json
import math
import random
import struct
import sys

import pytest
import values
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import translation
from forgeapp.models import FIELDS, Rec, as_strings, make_row
from oracle import error_facts

import pyforge
from pyforge import _pyforge


def drf_dumps(value):
    renderers = pytest.importorskip("rest_framework.renderers")
    return renderers.JSONRenderer().render(value)


def ninja_dumps(value):
    responses = pytest.importorskip("ninja.responses")
    return json.dumps(value, cls=responses.NinjaJSONEncoder).encode()


ORACLES = {
    "django": lambda x: json.dumps(x, cls=DjangoJSONEncoder).encode(),
    "compact": lambda x: json.dumps(
        x, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")
    ).encode(),
    "drf": drf_dumps,
    "ninja": ninja_dumps,
}


def outcome(call):
    try:
        return call()
    except (ValueError, TypeError, OverflowError, RecursionError) as e:
        text = str(e)
        if isinstance(e, UnicodeEncodeError):  # positions are within the text we were given
            text = e.reason
        return type(e), text


NESTED = [
    {"a": v, "b": [v, {"c": v}], "d": (v,)} for v in values.ALL if not isinstance(v, float)
] + [
    {1: "a", "1": "b"}, {None: 1, True: 2, 1.5: 3, 2**70: 4}, {(1, 2): 3}, {b"x": 1}, {values.Text.A: 1},
    {values.Number.THREE: 1}, {float("nan"): 1}, {values.StrKind("k"): 1}, [[]], [{}], {"": ""}, {"é": "é"},
    {"\u2028": "\u2029"}, {"\ud800": 1}, ["x" * n + "\u0410" for n in range(40)], ["y" * n + '"' for n in range(70)],
    ["\xe9" * n for n in range(40)], ["\u4e2d" * n + "a" * n for n in range(40)], ["\U0001f600" * 9 + "z"],
]  # fmt: skip


@pytest.mark.parametrize("dialect", ORACLES)
def test_dumps_equals_the_live_encoder(dialect):
    oracle = ORACLES[dialect]
    if dialect in ("drf", "ninja"):
        pytest.importorskip({"drf": "rest_framework", "ninja": "ninja"}[dialect])
    for value in [*values.ALL, *NESTED]:
        if dialect == "drf" and hasattr(value, "__next__"):
            continue
        ours = outcome(lambda: pyforge.dumps([value], dialect=dialect))
        theirs = outcome(lambda: oracle([value]))
        assert ours == theirs, (dialect, value)


def test_a_lazy_text_is_written_in_the_language_active_then():
    lazy = values.OTHERS[-6]
    for language in ("en", "de", "fr"):
        with translation.override(language):
            assert pyforge.dumps([lazy]) == ORACLES["django"]([lazy])


@pytest.mark.parametrize("options", [
    {"sort_keys": True}, {"indent": 2}, {"indent": 0}, {"indent": "\t"}, {"ensure_ascii": False},
    {"allow_nan": False}, {"indent": 1, "sort_keys": True, "ensure_ascii": False},
])  # fmt: skip
def test_options_of_dumps(options):
    samples = [{"b": 1, "a": [1, {}, [], {"x": [None]}], "c": {"é": "日本"}}, [], {}, 1.5, [float("inf")],
               {"a": 1, 2: 3}]  # fmt: skip
    for value in samples:
        ours = outcome(lambda: pyforge.dumps(value, **options))
        theirs = outcome(lambda: json.dumps(value, cls=DjangoJSONEncoder, **options).encode())
        assert ours == theirs, (options, value)


def test_circular_and_deep_values_fail_as_in_json():
    ring = []
    ring.append({"x": ring})
    deep = []
    for _ in range(100000):
        deep = [deep]

    assert outcome(lambda: pyforge.dumps(ring)) == (ValueError, "Circular reference detected")
    assert outcome(lambda: pyforge.dumps(deep))[0] is RecursionError
    while deep:
        deep = deep.pop()


def test_default_may_return_anything_and_fail_in_any_way():
    class Odd:
        pass

    def default(value):
        return {"odd": [1, datetime.date(2024, 1, 2)]}

    assert pyforge.dumps([Odd()], default=default) == b'[{"odd": [1, "2024-01-02"]}]'
    with pytest.raises(ZeroDivisionError):
        pyforge.dumps([Odd()], default=lambda v: 1 / 0)
    with pytest.raises(ValueError, match="Circular"):
        pyforge.dumps([Odd()], default=lambda v: v)


def test_floats_are_written_as_repr():
    r = random.Random(1)
    samples = [struct.unpack("d", r.randbytes(8))[0] for _ in range(50000)]
    samples += [r.random() * 10 ** r.randrange(-20, 20) for _ in range(20000)]
    samples += [10.0**e for e in range(-323, 309)] + [2.0**e for e in range(-1074, 1024)]
    for x in samples:
        if math.isfinite(x):
            assert _pyforge.float_repr(x) == repr(x)


def float_texts(count):
    """Decimal spellings of all lengths, and some exactly between two doubles."""
    r = random.Random(3)
    for _ in range(count):
        digits, places = r.randrange(1, 22), r.randrange(0, 30)
        text = str(r.randrange(10**digits)).zfill(places + 1)
        yield text[: len(text) - places] + "." + (text[len(text) - places :] or "0")
    for _ in range(count // 4):
        m, k = r.randrange(2**53, 2**54) | 1, r.randrange(0, 12)  # 54 bits: a tie
        yield str(decimal.Decimal(m) / 2**k)
        yield str(m << r.randrange(9)) + ".0"


def test_floats_are_read_as_float_reads_them():
    texts = [sign + t for t in float_texts(30000) for sign in ("", "-")]
    limits = pyforge.Limits()._tuple()
    array = f"[{','.join(texts)}]"
    ours = _pyforge.loads(array.encode(), limits, True)
    for text, x, theirs in zip(texts, ours, json.loads(array), strict=True):
        assert repr(x) == repr(theirs), text


def test_text_of_every_width_is_escaped_as_by_json():
    r = random.Random(5)
    kinds = ["a", '"', "\n", "\x7f", "\xe9", "\u0416", "\u4e2d", "\u2028", "\ud800", "\U0001f600"]
    for _ in range(6000):
        few = r.sample(kinds, r.randrange(1, 5))
        text = "".join(r.choice(few) * r.choice([1, 1, 2, 9]) for _ in range(r.randrange(1, 60)))
        for dialect in ("django", "compact"):
            ours = outcome(lambda d=dialect, t=text: pyforge.dumps([t], dialect=d))
            assert ours == outcome(lambda d=dialect, t=text: ORACLES[d]([t])), (dialect, text)


def test_encoder_rows_instances_and_dicts_give_the_same_text():
    rows = [make_row(i) for i in range(50)]
    for dialect in ORACLES:
        if dialect == "drf":
            continue  # its serializer fields, not its encoder, decide about decimals
        enc = pyforge.Encoder(Rec, fields=FIELDS, dialect=dialect)
        expected = ORACLES[dialect](rows)
        tuples = [tuple(r[f] for f in FIELDS) for r in rows]
        instances = [Rec(**r) for r in rows]
        assert enc.encode_many(rows) == enc.encode_many(tuples) == expected
        assert pyforge.serialize_batch(instances, enc) == expected
        assert enc.fallbacks == 0
        one = pyforge.serialize_instance_bytes(instances[0], enc)
        assert json.loads(one) == pyforge.serialize_instance(instances[0], enc)
        assert pyforge.serialize_to_bytes(enc, tuples[0]) == enc.encode(rows[0]) == one


def test_value_tuples_must_come_in_the_descriptors_order():
    descriptors = pyforge.extract_model_fields(Rec, fields=["name", "qty"])
    rows = [("a", 1), ("b", 2)]

    assert pyforge.serialize_value_tuples(rows, descriptors) == (
        b'[{"name": "a", "qty": 1}, {"name": "b", "qty": 2}]'
    )
    with pytest.raises(pyforge.DescriptorOrderError, match="qty, name"):
        pyforge.serialize_value_tuples(rows, descriptors, names=["qty", "name"])
    with pytest.raises(pyforge.DescriptorOrderError):
        pyforge.serialize_value_tuples(Rec.objects.values_list("qty", "name"), descriptors)
    for bad in ([("a",)], [("a", 1, 2)], ["ab"], [None]):
        with pytest.raises(pyforge.RowShapeError):
            pyforge.serialize_value_tuples(bad, descriptors)


def test_renamed_keys_and_an_envelope():
    enc = pyforge.Encoder(
        Rec, fields=["name", "qty"], rename={"qty": 'n"'}, envelope=(b'{"rows": ', b"}")
    )
    assert json.loads(enc.encode_many([("a", 1)])) == {"rows": [{"name": "a", 'n"': 1}]}


# -- Parsing -----------------------------------------------------------------------

TEXTS = [
    "", " ", "1", "-1", "-0", "0", "00", "01", "-", "--1", "+1", "1.", ".5", "1.5", "1e5", "1E+5", "1e", "1e+",
    "-0.0", "1e400", "-1e400", "1e-400", "123456789012345678901234567890", "NaN", "Infinity", "-Infinity",
    "-Inf", "nan", "true", "false", "null", "tru", "nulll", "True", '"', '"a"', '"a', '"\\"', '"\\u00e9"',
    '"\\ud83d\\ude00"', '"\\ud800"', '"\\ud800x"', '"\\ude00\\ud83d"', '"\\ud83d\\u0041"', '"\\u12"', '"\\u12g4"',
    '"\\x"', '"\\/\\b\\f\\n\\r\\t"', '"a\nb"', '"a\tb"', '"\x00"', '"\x7f"', '"é"', '"日本"', '"\U0001f600"',
    "[]", "[ ]", "[1]", "[1,]", "[,1]", "[1 2]", "[1", "[", "]", "{}", "{ }", '{"a":1}', '{"a" : 1 , "b":2}',
    '{"a":1,}', '{"a"}', '{"a":}', "{a:1}", "{1:2}", '{"a":1 "b":2}', '{"a":1,"a":2}', "{", "}", "[{]}",
    '[[[[]]]]', '{"a":{"b":[{"c":null}]}}', " [ 1 , 2 ] ", "[1] x", "1 2", "\ufeff1", "\xa01", "[1,\n2]\r\n\t",
    "[" * 50 + "]" * 50, "'a'", "/* */1", "0x10", "1_000", "\u0661", "[NaN,Infinity,-Infinity]", "- 1", "1.5e3.2",
]  # fmt: skip


def parse_outcome(load, data):
    try:
        return repr(load(data))
    except json.JSONDecodeError as e:
        return e.msg, e.pos, e.lineno, e.colno
    except UnicodeDecodeError as e:
        return e.reason, e.start
    except ValueError as e:
        return str(e)


@pytest.mark.parametrize("text", TEXTS, ids=values.label)
def test_loads_equals_json_loads(text):
    assert parse_outcome(pyforge.loads, text) == parse_outcome(json.loads, text)
    if not text.startswith("\ufeff"):
        data = text.encode("utf-8", "surrogatepass")
        assert parse_outcome(pyforge.loads, data) == parse_outcome(json.loads, data)


def test_loads_equals_json_loads_on_damaged_text():
    r = random.Random(3)
    good = json.dumps([make_row(1)["meta"], {"a": [1.5, -2, "x\u00e9\\n"], "b": None}] * 2)
    for _ in range(3000):
        chars = list(good)
        for _ in range(r.randrange(1, 4)):
            at = r.randrange(len(chars))
            chars[at] = r.choice(
                ['"', "\\", "{", "}", "[", "]", ",", ":", "0", "e", ".", "-", " ", "\n", "", "é"]
            )
        text = "".join(chars)
        assert parse_outcome(pyforge.loads, text) == parse_outcome(json.loads, text), text


def test_other_encodings_are_read_and_bad_bytes_refused():
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig"):
        assert pyforge.loads('{"a": "é"}'.encode(encoding)) == {"a": "é"}
    for bad in (b'"\xff"', b'"\xc3"', b'["a", "\x80"]', b"\xfe", b'"\xed\xa0"'):
        with pytest.raises(pyforge.JSONDecodeError):
            pyforge.loads(bad)
    assert pyforge.loads(b'"\xed\xa0\x80"') == json.loads(b'"\xed\xa0\x80"') == "\ud800"
    assert issubclass(pyforge.JSONDecodeError, json.JSONDecodeError)


def test_rfc8259_is_strict():
    assert pyforge.loads('{"a": [1, "é"]}', dialect="rfc8259") == {"a": [1, "é"]}
    for text in ("NaN", "[Infinity]", '"\\ud800"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf1"):
        with pytest.raises(pyforge.JSONDecodeError):
            pyforge.loads(text, dialect="rfc8259")


@pytest.mark.parametrize("limit, text", [
    ({"max_depth": 5}, "[" * 6 + "]" * 6), ({"max_items": 3}, "[1,2,3,4]"), ({"max_string": 3}, '"abcd"'),
    ({"max_items": 3}, '{"a":1,"b":2,"c":3,"d":4}'), ({"max_bytes": 3}, "[1,2]"),
    ({"max_number_digits": 30}, "1" * 31), ({}, "1" * 4301), ({}, "[" * 100000), ({}, '{"a":' * 100000),
])  # fmt: skip
def test_limits_name_the_setting(limit, text):
    name = next(iter(limit), "max_")
    with pytest.raises(pyforge.LimitError, match=name):
        pyforge.loads(text, limits=pyforge.Limits(**limit))


def test_rows_from_json_equal_loads_and_clean():
    rules = pyforge.RuleSet(Rec, fields=FIELDS)
    r = random.Random(9)
    for _ in range(400):
        row = {
            k: r.choice(values.TEXTS + [None, 1, 2.5, True, [], {}, {"a": 1}])
            for k in FIELDS
            if r.random() < 0.9
        }
        text = json.dumps([row, {"unknown": [1, {"x": 2}], **row}])
        ours = outcome(lambda: batch_facts(rules.parse_json(text)))
        theirs = outcome(lambda: batch_facts(rules.clean_many(json.loads(text))))
        assert ours == theirs, text


def batch_facts(result):
    return repr(result.rows), {k: error_facts(e) for k, e in result.errors.items()}


def test_keys_are_found_in_any_order_and_spelling():
    r = random.Random(9)
    rules, row = pyforge.RuleSet(Rec, fields=FIELDS), as_strings(make_row(3))
    encoder = pyforge.Encoder(Rec, fields=FIELDS)
    want = rules.clean(row)
    for _ in range(300):
        names = r.sample(FIELDS, len(FIELDS))
        shuffled = {n: row[n] for n in names}
        plain = json.dumps(shuffled)
        escaped = plain.replace('"slug"', '"s\\u006cug"').replace('"day"', ' "d\\u0061y" ')
        assert rules.clean(shuffled) == want
        assert rules.parse_json(plain) == rules.parse_json(escaped) == want
        instance = Rec()
        instance.__dict__.clear()
        instance.__dict__.update({n: want[FIELDS.index(n)] for n in names})
        assert encoder.encode(instance) == encoder.encode(want)


@pytest.mark.parametrize("name", ['a"b', "a\\", "a\n", "é", "a" * 40])
def test_keys_that_json_escapes_are_not_compared_as_they_stand(name):
    rules = pyforge.RuleSet([{"name": name, "django_type": "TextField", "kind": "TEXT"}])
    assert rules.parse_json(json.dumps({name: "x"})) == ("x",)
    raw = f'{{"{name}": "x"}}'
    ours = outcome(lambda: rules.parse_json(raw))
    theirs = outcome(lambda: (json.loads(raw)[name],))
    assert ours == theirs or (theirs[0] is json.JSONDecodeError and ours[1] == theirs[1])


def test_what_is_no_json_is_said_before_what_is_invalid():
    rules = pyforge.RuleSet(Rec, fields=["name", "qty"])
    for text, many in (('{"name": "a", "qty": -1} x', None), ('[{"name": "", "qty": 1}, {?', True)):
        with pytest.raises(pyforge.JSONDecodeError):
            rules.parse_json(text, many=many, on_error="raise")


def some_rules(validators):
    fields = {
        "n": models.IntegerField(validators=validators),
        "t": models.CharField(max_length=3, blank=True, default="zz"),
        "at": models.DateTimeField(null=True, blank=True),
    }
    for name, field in fields.items():
        field.set_attributes_from_name(name)
    rules = pyforge.RuleSet([])
    rules._fields = list(fields.values())
    rules._compile()
    return rules


@pytest.mark.parametrize("validators", [[], [lambda v: None]], ids=["native", "called"])
def test_rows_after_the_last_error_are_read_and_dropped(validators):
    rules = some_rules(validators)
    body = [{"n": "x"}, {"n": 1}, {"n": "y"}, {"n": 5}]
    for most in (1, 2, 3):
        ours = rules.parse_json(json.dumps(body), limits=pyforge.Limits(max_errors=most))
        theirs = rules.clean_many(body, max_errors=most)
        assert ours.rows == theirs.rows and ours.truncated == theirs.truncated
        assert repr(ours.errors) == repr(theirs.errors)
    with pytest.raises(pyforge.JSONDecodeError):  # what json.loads says comes first
        rules.parse_json(json.dumps(body)[:-1] + ",]", limits=pyforge.Limits(max_errors=1))


@pytest.mark.parametrize("validators", [[], [lambda v: None]], ids=["native", "called"])
def test_no_json_is_said_before_an_exception_of_clean(validators):
    rules = some_rules(validators)
    body = '[{"n": 1, "at": [1]}, {"n": 2}]'  # DateTimeField.clean([1]) is a TypeError
    with pytest.raises(TypeError):
        rules.parse_json(body)
    with pytest.raises(pyforge.JSONDecodeError):
        rules.parse_json(body[:-1])


def test_parse_json_shapes_and_extras():
    rules = pyforge.RuleSet(Rec, fields=["name", "qty"])
    row = '{"name": "a", "qty": 1}'

    assert rules.parse_json(row) == ("a", 1)
    assert rules.parse_json(f"[{row}]").rows == [("a", 1)]
    assert rules.parse_json("[]").rows == []
    assert rules.parse_json(f" [ {row} , {row}\n] ", many=True).rows == [("a", 1)] * 2
    assert rules.parse_json('{"name": "a", "qty": 1, "qty": 2}') == ("a", 2)
    assert rules.parse_json('{"n\\u0061me": "a", "qty": 1}') == ("a", 1)
    for text, many in ((row, True), (f"[{row}]", False), ("[1]", None), ('["a"]', None)):
        with pytest.raises(pyforge.RowShapeError):
            rules.parse_json(text, many=many)
    extra = rules.parse_json('[{"name": "a", "qty": 1, "z": [2]}]', extra="collect").extra
    assert extra == {0: {"z": [2]}}
    with pytest.raises(pyforge.UnsupportedFieldError, match="z"):
        rules.parse_json('[{"name": "a", "qty": 1, "z": [2]}]', extra="forbid")
    with pytest.raises(pyforge.JSONDecodeError):
        rules.parse_json('[{"name": "a", "qty": 1}, {"name"]')
    for bad in ("", "[", '{"name": "a"', "1", "null", '[{"name": "a" "qty": 1}]'):
        with pytest.raises((pyforge.JSONDecodeError, pyforge.RowShapeError)):
            rules.parse_json(bad)


def test_canonical_json_is_only_what_dumps_prints():
    r = random.Random(4)

    def value(depth):
        kind = r.randrange(9 if depth else 6)
        if kind == 0:
            return r.choice([None, True, False])
        if kind == 1:
            return r.randrange(-(10 ** r.randrange(1, 25)), 10**20)
        if kind == 2:
            return r.choice([r.random(), 1e16, 1e-7, 5e-324, -0.0, 1.5, 100.0])
        if kind in (3, 4, 5):
            return "".join(
                r.choice('ab"\\\n\t\x01\x7f é日\U0001f600/') for _ in range(r.randrange(8))
            )
        if kind in (6, 7):
            return {
                value(0) if r.random() < 0.1 else str(i): value(depth - 1)
                for i in range(r.randrange(5))
            }
        return [value(depth - 1) for _ in range(r.randrange(5))]

    said_yes = 0
    for _ in range(5000):
        kwargs = r.choice(
            [{}, {}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"indent": 1}]
        )
        text = json.dumps(value(3), **kwargs)
        if r.random() < 0.3:
            at = r.randrange(len(text))
            text = text[:at] + r.choice('0"e., {}[]:\\') + text[at + r.randrange(2) :]
        if _pyforge.json_is_canonical(text):
            said_yes += 1
            assert json.dumps(json.loads(text)) == text
    assert said_yes > 500


def test_ten_megabytes_of_text_pass_through():
    text = "x" * (10 * 1024 * 1024 - 100) + '"\u4e2d'
    assert pyforge.dumps(text) == json.dumps(text).encode()
    assert (
        pyforge.loads(pyforge.dumps(text), limits=pyforge.Limits(2**40, max_string=2**40)) == text
    )


def test_huge_integers_follow_pythons_limit():
    big = 10**5000
    ours, theirs = outcome(lambda: pyforge.dumps(big)), outcome(lambda: json.dumps(big).encode())
    assert ours == theirs
    assert decimal.Decimal(1) and sys.get_int_max_str_digits() == 4300
