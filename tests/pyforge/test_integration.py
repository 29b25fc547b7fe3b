"""Inside a project: patching, shadow mode, checks, the report, serializers, middleware."""

import contextlib
import importlib
import io
import json
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import values
from django.core import checks as django_checks
from django.core import serializers
from django.core import validators as v
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext, isolate_apps
from forgeapp.models import FIELDS, ProxyRec, Rec, make_row
from oracle import error_facts, outcome
from pyforge.testing import install

import pyforge
from pyforge import _django_internals as internals
from pyforge import _patch, conf, signals
from pyforge import rules as rules_module

# before Django 5.2 the e-mail rule is another one, and stays in Python
all_native = pytest.mark.skipif(not internals.EMAIL_IS_KNOWN, reason="e-mail is kept in Python")


@pytest.fixture(autouse=True)
def unpatched():
    yield
    pyforge.unpatch()
    _patch.mismatches.clear()


def bad_rec(**changes):
    return Rec(**{**make_row(1), "email": "bad", "qty": -1, "status": "x", "name": "", **changes})


# -- Rule sets on models -----------------------------------------------------------


@all_native
def test_the_16_fields_are_native_and_nothing_is_handed_over():
    rules = pyforge.RuleSet(Rec, fields=FIELDS, strict=True)
    rows = [make_row(i) for i in range(200)]

    assert rules.clean_instances([Rec(**r) for r in rows]).ok
    assert rules.clean_many(rows).ok
    assert (rules.report.punts, rules.report.calls, rules.report.native) == (0, 0, 16), rules.fields
    assert all(x.op not in ("CALL", "SEARCH") for d in rules.fields for x in d.validators)


def test_errors_of_instances_are_those_of_clean_fields():
    rules = pyforge.RuleSet.for_model(Rec)
    for changes in (
        {},
        {"uid": "x"},
        {"meta": {1, 2}},
        {"note": "x" * 300},
        {"score": "nan"},
        {"created": None},
    ):
        theirs = outcome(bad_rec(**changes).clean_fields)
        assert outcome(lambda: rules.clean_fields(bad_rec(**changes))) == theirs
        theirs = outcome(lambda: bad_rec(**changes).clean_fields(exclude={"email"}))
        assert outcome(lambda: rules.clean_fields(bad_rec(**changes), {"email"})) == theirs
    assert rules.report.counters["name"][1] > 0


def test_values_are_set_on_the_instance_as_django_sets_them():
    row = {**make_row(1), "qty": "5", "day": "2024-01-02", "uid": str(make_row(1)["uid"])}
    ours, theirs = Rec(**row), Rec(**row)
    pyforge.RuleSet.for_model(Rec).clean_fields(ours)
    theirs.clean_fields()
    assert {k: repr(x) for k, x in ours.__dict__.items() if k != "_state"} == {
        k: repr(x) for k, x in theirs.__dict__.items() if k != "_state"
    }


def test_full_clean_equals_djangos():
    Rec.objects.create(**make_row(1))
    rules = pyforge.RuleSet.for_model(Rec)
    for instance in (Rec(**make_row(1)), bad_rec()):
        assert outcome(lambda: rules.full_clean(instance)) == outcome(instance.full_clean)


def test_batches_collect_raise_skip_and_stop():
    rules = pyforge.RuleSet(Rec, fields=["name", "qty"])
    rows = [{"name": "a", "qty": 1}, {"name": "", "qty": -1}, ("b", 2), {"qty": 5}]

    batch = rules.clean_many(rows)
    assert batch.rows == [("a", 1), None, ("b", 2), None]
    assert sorted(batch.errors) == [1, 3] and batch.valid_count == 2 and not batch.ok
    assert batch.as_dicts()[0] == {"name": "a", "qty": 1}
    with pytest.raises(ValidationError):
        batch.raise_if_invalid()
    assert rules.clean_many(rows, on_error="skip").rows == [("a", 1), ("b", 2)]
    with pytest.raises(ValidationError):
        rules.clean_many(rows, on_error="raise")
    assert rules.clean_many(rows, max_errors=1).truncated
    assert [i.qty for i in rules.to_instances(batch)] == [1, 2]
    for bad in ([(1,)], [(1, 2, 3)], [5], ["ab"]):
        with pytest.raises(pyforge.RowShapeError):
            rules.clean_many(bad)


def test_the_plain_functions():
    descriptors = pyforge.extract_model_fields(Rec, fields=["name", "qty"])
    result = pyforge.validate_fields(descriptors, ["x" * 200, -1])

    assert descriptors[0]["max_length"] == 120 and descriptors[1]["kind"] == "INT"
    assert (result["is_valid"], result["valid_count"], result["error_count"]) == (False, 0, 2)
    assert [e["code"] for e in result["errors"]] == ["max_length", "min_value"]
    assert "120" in result["errors"][0]["message"]
    assert pyforge.validate_fields(descriptors, ["a", 1])["is_valid"]
    assert pyforge.validate_field_batch(descriptors, [["a", 1], ["", 1]]).error_count == 1
    assert pyforge.serialize_fields(descriptors, {"name": "a", "qty": 1}) == {"name": "a", "qty": 1}
    assert pyforge.estimate_json_size(descriptors, ["abc", 1]) >= len('{"name": "abc", "qty": 1}')
    own = [
        {"name": "n", "django_type": "IntegerField"},
        {"name": "t", "field_type": "CharField", "max_length": 2},
    ]
    assert pyforge.RuleSet(own).clean(["5", "ab"]) == (5, "ab")
    assert pyforge.CompiledValidator is pyforge.RuleSet and pyforge.version() == pyforge.__version__
    with pytest.raises(pyforge.UnsupportedFieldError):
        pyforge.RuleSet([{"name": "x", "django_type": "NoField"}])
    with pytest.raises(pyforge.UnsupportedFieldError):
        pyforge.RuleSet(Rec, fields=["nope"])
    with pytest.raises(pyforge.CompileError):
        pyforge.RuleSet([{}])


def test_changed_fields_make_a_plan_stale():
    field = Rec._meta.get_field("name")
    rules = pyforge.RuleSet(Rec, fields=["name", "qty"])
    extra = v.MinLengthValidator(5)
    field.validators.append(extra)
    try:
        assert rules.stale
        with pytest.raises(ValidationError):
            rules.clean({"name": "abc", "qty": 1})
    finally:
        field.validators.remove(extra)
    assert rules.clean({"name": "abc", "qty": 1}) == ("abc", 1)
    limit = Rec._meta.get_field("qty").validators[0]
    limit.limit_value, before = 3, limit.limit_value
    try:
        with pytest.raises(ValidationError):
            rules.clean({"name": "abc", "qty": 1})
    finally:
        limit.limit_value = before
    with override_settings(USE_TZ=False):
        assert rules.stale
    assert rules.clean({"name": "abc", "qty": 1}) and rules.report.rebuilds >= 3


def test_patterns_that_stay_in_re_are_searched_by_c_and_watched():
    field = models.CharField(validators=[v.RegexValidator(r"(?<=a)b", "no")])
    field.set_attributes_from_name("x")
    rules = pyforge.RuleSet([])
    rules._fields = [field]
    rules._compile()
    assert [d.op for d in rules.fields[0].validators] == ["SEARCH"]
    assert rules.clean(["ab"]) == ("ab",) and rules.report.calls == 0
    with pytest.raises(ValidationError, match="no"):
        rules.clean(["b"])
    field.validators[0].regex = re.compile(r"^b(?=$)")
    assert rules.stale and rules.clean(["b"]) == ("b",)
    field.validators[0].inverse_match = True
    with pytest.raises(ValidationError):
        rules.clean(["b"])


def test_rule_sets_are_shared_pickled_and_used_by_threads():
    rules = pyforge.RuleSet.for_model(Rec)
    assert pyforge.RuleSet.for_model(Rec) is rules
    again = pickle.loads(pickle.dumps(pyforge.RuleSet(Rec, fields=["name"])))
    assert again.clean({"name": "a"}) == ("a",)
    rows, results = [make_row(i) for i in range(200)], []
    threads = [
        threading.Thread(
            target=lambda: results.append(pyforge.RuleSet(Rec, fields=FIELDS).clean_many(rows).ok)
        )
        for _ in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [True] * 4


def test_validators_that_misbehave():
    seen = []

    def mutate(value):
        rows.clear()
        row.clear()
        seen.append(value)

    def recurse(value):
        if len(seen) < 5:
            seen.append(value)
            rules.clean({"x": value})

    field = models.CharField(validators=[mutate, recurse], null=True)
    field.set_attributes_from_name("x")
    rules = pyforge.RuleSet.__new__(pyforge.RuleSet)
    rules.model, rules._fields, rules._related, rules._rebuilds = None, [field], "python", 0
    rules._made_from, rules._past, rules._lock = None, {}, threading.Lock()
    rules._compile()
    row = {"x": "a"}
    rows = [row, {"x": "b"}, {"x": "c"}]
    assert rules.clean_many(rows).rows == [("a",)]
    assert len(seen) >= 5


class Hostile:
    def __eq__(self, other):
        raise RuntimeError("eq")

    __hash__ = None

    def __str__(self):
        raise RuntimeError("str")


def test_hostile_values_do_what_they_do_in_django():
    for name in FIELDS:
        field = Rec._meta.get_field(name)
        rules = pyforge.RuleSet(Rec, fields=[name])
        bad = Hostile()
        assert outcome(lambda: rules.clean_value(name, bad)) == outcome(
            lambda: field.clean(bad, None)
        )


# -- Patching ----------------------------------------------------------------------


def test_patch_puts_in_place_and_takes_out():
    before = (models.Model.clean_fields, models.Field.clean, DjangoJSONEncoder.encode)
    pyforge.patch()
    assert models.Model.clean_fields is not before[0]
    theirs = outcome(lambda: _patch.original_clean_fields(bad_rec()))
    assert outcome(bad_rec().clean_fields) == theirs
    assert outcome(bad_rec().full_clean)[1].keys() == theirs[1].keys()
    pyforge.unpatch()
    assert (models.Model.clean_fields, models.Field.clean, DjangoJSONEncoder.encode) == before

    with pyforge.patch("encoder") as patched:
        assert patched.names == ("encoder",) and models.Field.clean is before[1]
        assert JsonResponse({"d": values.TIMES[0]}).content == b'{"d": "2024-01-02T03:04:05.123Z"}'
    assert DjangoJSONEncoder.encode is before[2]
    with pytest.raises(pyforge.CompileError):
        pyforge.patch("nothing")


def test_patched_field_clean_equals_djangos():
    with pyforge.patch("field_clean"):
        for name in FIELDS:
            field = Rec._meta.get_field(name)
            for value in values.ALL[::3]:
                theirs = outcome(lambda: _patch.original_clean(field, value, None))
                ours = outcome(lambda: field.clean(value, None))
                assert repr(ours) == repr(theirs) or "memory at" in repr(ours)


class Base64Encoder(DjangoJSONEncoder):
    def default(self, o):
        if isinstance(o, bytes):
            return o.hex()
        return super().default(o)


def test_patched_encoder_equals_the_live_one():
    samples = [
        values.TIMES,
        {"a": b"x", "b": values.TIMES[:3]},
        "\ud800",
        [1, {"é": [None]}],
        {(1,): 2},
    ]
    for cls in (DjangoJSONEncoder, Base64Encoder):
        for options in (
            {},
            {"indent": 2},
            {"ensure_ascii": False},
            {"sort_keys": True},
            {"separators": (",", ":")},
            {"skipkeys": True},
        ):
            for value in samples:
                theirs = outcome(lambda: json.dumps(value, cls=cls, **options))
                with pyforge.patch("encoder"):
                    assert outcome(lambda: json.dumps(value, cls=cls, **options)) == theirs
                    stream = io.StringIO()
                    if theirs[0] == "ok":
                        json.dump(value, stream, cls=cls, **options)
                        assert stream.getvalue() == theirs[1]


def test_shadow_finds_nothing_on_good_and_bad_records():
    with pyforge.shadow() as found:
        assert outcome(bad_rec().clean_fields)[0] == "invalid"
        Rec(**make_row(3)).clean_fields()
        json.dumps(make_row(3), cls=DjangoJSONEncoder)
    assert found == [] and _patch.calls["clean_fields:compared"] > 20


def test_limits_of_the_setting_are_the_default():
    from pyforge.drf import JSONParser

    rules = pyforge.RuleSet(Rec, fields=["name", "qty"])
    deep, rows = "[[[[1]]]]", b'[{"name": "", "qty": -1}, {"name": "", "qty": -1}]'
    with override_settings(PYFORGE={"LIMITS": {"max_depth": 3, "max_errors": 1}}):
        assert rules.parse_json(rows).truncated
        for call in (
            lambda: pyforge.loads(deep),
            lambda: rules.parse_json(b'[{"name": [[1]]}]'),
            lambda: JSONParser().parse(io.BytesIO(deep.encode())),
        ):
            with pytest.raises(Exception, match="max_depth"):
                call()
        assert pyforge.loads(deep, limits=pyforge.Limits()) == [[[[1]]]]
    assert pyforge.loads(deep) == [[[[1]]]] and not rules.parse_json(rows).truncated


def test_shadow_compares_what_is_dumped_in_parts():
    before = _patch.calls["encoder:compared"]
    with pyforge.shadow("encoder") as found:
        json.dump([make_row(1), {"é": 1}], io.StringIO(), cls=DjangoJSONEncoder)
        assert outcome(lambda: json.dump([object()], io.StringIO(), cls=DjangoJSONEncoder))[0] == (
            "raised"
        )
    assert found == [] and _patch.calls["encoder:compared"] == before + 2


@pytest.mark.parametrize("fmt", ["json", "jsonl"])
def test_shadow_compares_serialized_records(fmt, monkeypatch, django_queries):
    Rec.objects.bulk_create([Rec(**make_row(i)) for i in range(3)])
    qs, stream = Rec.objects.order_by("id"), io.StringIO()
    theirs = serializers.serialize(fmt, qs.all())
    with pyforge.shadow("serializers") as found, django_queries(2):
        assert serializers.serialize(fmt, qs.all()) == theirs
        serializers.serialize(fmt, qs.all(), stream=stream)
    assert found == [] and stream.getvalue() == theirs
    assert _patch.calls["serializers:compared"] >= 2

    wrong = serializer_class(fmt)
    monkeypatch.setattr(wrong, "between", "?")
    with pyforge.shadow("serializers") as found:
        assert serializers.serialize(fmt, qs.all()) == theirs
    assert len(found) == 1


def serializer_class(fmt):
    return importlib.import_module(f"pyforge.serializers.{fmt}").Serializer


@pytest.fixture
def django_queries():
    @contextlib.contextmanager
    def exactly(n):
        with CaptureQueriesContext(connection) as log:
            yield
        assert len(log) == n

    return exactly


def test_shadow_counts_what_it_does_not_compare():
    def own(value):
        pass

    field = models.CharField(max_length=5, validators=[own])
    field.set_attributes_from_name("x")
    _patch.skipped.clear()
    with pyforge.shadow():
        field.clean("a", None)
        json.dumps([1], cls=Base64Encoder)
        serializers.serialize("json", Rec.objects.all(), fields=["name"])
        with override_settings(PYFORGE={"SHADOW_SAMPLE": 0.0}):
            Rec(**make_row(1)).clean_fields()
    assert set(_patch.skipped) == {
        "field_clean: a validator of its own would run twice",
        "encoder: a subclass's code would run twice",
        "serializers: options that Django's serializer knows",
        "clean_fields: not sampled",
        "field_clean: not sampled",
    }


def test_shadow_reports_a_difference(monkeypatch):
    got = []

    def listener(**kwargs):
        got.append(kwargs["mismatch"])

    signals.shadow_mismatch.connect(listener)
    monkeypatch.setattr(_patch, "_text", lambda *a: "wrong")
    with pyforge.shadow("encoder") as found:
        assert json.dumps([1], cls=DjangoJSONEncoder) == "[1]"
    signals.shadow_mismatch.disconnect(listener)
    assert len(found) == len(got) == 1 and "wrong" in found[0]["pyforge"]
    with override_settings(PYFORGE={"ON_MISMATCH": "raise"}), pyforge.shadow("encoder"):
        with pytest.raises(pyforge.ShadowMismatch):
            json.dumps([1], cls=DjangoJSONEncoder)


@pytest.mark.parametrize("fmt", ["json", "jsonl"])
def test_serializers_write_djangos_bytes(fmt):
    Rec.objects.bulk_create([Rec(**make_row(i)) for i in range(5)])
    qs = Rec.objects.order_by("id")
    for options in (
        {},
        {"indent": 2},
        {"fields": ["name", "price"]},
        {"use_natural_primary_keys": True},
    ):
        theirs = serializers.serialize(fmt, qs, **options)
        with pyforge.patch("serializers"):
            ours = serializers.serialize(fmt, qs, **options)
            assert ours == theirs
            back = [d.object for d in serializers.deserialize(fmt, ours)]
        assert len(back) == 5
    theirs = serializers.serialize(fmt, ProxyRec.objects.order_by("id"))
    nothing = serializers.serialize(fmt, qs.none())
    with pyforge.patch("serializers"):
        assert serializers.serialize(fmt, ProxyRec.objects.order_by("id")) == theirs
        stream = io.StringIO()
        serializers.serialize(fmt, qs.none(), stream=stream)
    assert stream.getvalue() == nothing


def test_serialization_modules_are_djangos_own_hook():
    Rec.objects.bulk_create([Rec(**make_row(i)) for i in range(3)])
    qs = Rec.objects.order_by("id")
    modules = {f: f"pyforge.serializers.{f}" for f in ("json", "jsonl")}
    theirs = {f: serializers.serialize(f, qs) for f in modules}
    before = _patch.calls["serializers"]
    with override_settings(SERIALIZATION_MODULES=modules):
        serializers._serializers = {}
        try:
            ours = {f: serializers.serialize(f, qs) for f in modules}
            back = [d.object.qty for d in serializers.deserialize("json", ours["json"])]
        finally:
            serializers._serializers = {}
    assert ours == theirs and _patch.calls["serializers"] == before + 2
    assert back == [make_row(i)["qty"] for i in range(3)]


def test_install_patches_when_django_is_set_up(monkeypatch):
    import django

    monkeypatch.setattr(django, "setup", lambda: None)
    install("shadow", "encoder")
    django.setup()
    assert _patch._active == {"encoder": "shadow"}


# -- Settings, checks, report, middleware ------------------------------------------


def test_settings_are_checked():
    def ids(**setting):
        with override_settings(PYFORGE=setting):
            return {m.id for m in django_checks.run_checks() if m.id.startswith("pyforge")}

    assert ids() == set() == ids(MODE="shadow", PATCH=["encoder"], MODELS=["forgeapp.Rec"])
    assert ids(MODELS=["nope.Nope"]) == {"pyforge.E001"}
    for wrong in (
        {"MODE": "x"},
        {"PATCH": ["x"]},
        {"NEW": 1},
        {"LIMITS": {"x": 1}},
        {"COMPILE": "x"},
    ):
        assert ids(**wrong) == {"pyforge.E002"}
    assert conf.read() == conf.Config()


def test_what_falls_back_is_a_warning_of_the_deployment_check():
    with isolate_apps("forgeapp"):

        class Odd(models.Model):
            own = models.CharField(max_length=3, validators=[v.RegexValidator(r"(?<=a)b")])
            made = models.CharField(max_length=3, choices=lambda: [("a", "A")])

            class Meta:
                app_label = "forgeapp"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyforge.checks.models_of", lambda labels: ([Odd], []))
        found = django_checks.run_checks(tags=["compile"], include_deployment_checks=True)
    ids = {m.id: m.msg for m in found if m.id.startswith("pyforge.W")}
    assert "Odd.own" in ids["pyforge.W002"] and "linear" in ids["pyforge.W002"]
    assert ids.get("pyforge.W001", "Odd.made").find("Odd.made") >= 0


def test_models_are_compiled_when_the_app_is_ready_if_asked():
    from django.apps import apps

    sent = []

    def heard(sender, rules, **kwargs):
        sent.append((sender, rules))

    pyforge.RuleSet.for_model(Rec)
    rules_module._cache.clear()
    signals.ruleset_compiled.connect(heard)
    try:
        with override_settings(PYFORGE={"COMPILE": "ready", "MODELS": ["forgeapp.Rec"]}):
            apps.get_app_config("pyforge").ready()
    finally:
        signals.ruleset_compiled.disconnect(heard)
    assert [s for s, _ in sent] == [Rec] and sent[0][1] is pyforge.RuleSet.for_model(Rec)


@all_native
def test_the_report_command():
    out = io.StringIO()
    call_command("pyforge_report", "forgeapp.Rec", stdout=out)
    assert "17 of 17 fields native" in out.getvalue(), out.getvalue()

    out = io.StringIO()
    Rec.objects.create(**make_row(1))
    call_command("pyforge_report", "forgeapp", "--json", "--bench", "10", stdout=out)
    entry = next(e for e in json.loads(out.getvalue()) if e["model"] == "forgeapp.Rec")
    assert entry["percent"] == 100.0 and entry["bench"]["rows"] == 1
    with pytest.raises(CommandError, match="below"):
        call_command("pyforge_report", "auth", "--threshold", "99", "--fallback-only", stdout=out)
    with pytest.raises(CommandError):
        call_command("pyforge_report", "nope.Nope", stdout=out)


@all_native
def test_the_middleware_counts_native_and_python_values():
    from django.core.exceptions import MiddlewareNotUsed
    from pyforge.middleware import ServerTiming

    def view(request):
        pyforge.RuleSet.for_model(Rec).clean_fields(Rec(**make_row(1)))
        return HttpResponse("ok")

    with pytest.raises(MiddlewareNotUsed):
        ServerTiming(view)
    with override_settings(PYFORGE={"METRICS": True}):
        response = ServerTiming(view)(RequestFactory().get("/"))
    assert response["Server-Timing"] == 'pyforge;desc="native=17 python=0"'


def test_every_language_says_what_django_says():
    from django.conf import settings
    from django.utils import translation

    rules = pyforge.RuleSet.for_model(Rec)
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            theirs = outcome(
                bad_rec(uid="x", day="x", note="n" * 300, code="?", price="1.234").clean_fields
            )
            bad = bad_rec(uid="x", day="x", note="n" * 300, code="?", price="1.234")
            assert outcome(lambda: rules.clean_fields(bad)) == theirs
    try:
        rules.clean_fields(bad_rec())
    except ValidationError as e:
        with translation.override("de"):
            german = error_facts(e)
        assert german != error_facts(e)  # the messages are still lazy


def test_compiling_a_model_compiles_no_regular_expression():
    code = (
        "import django; django.setup()\n"
        "import re._compiler, pyforge.rules\n"
        "from forgeapp.models import Rec\n"
        "def refuse(pattern, flags=0): raise AssertionError(pattern)\n"
        "re._compiler.compile = refuse\n"
        "rules = pyforge.RuleSet(Rec)\n"
        "print({s.reason for s in rules._steps})"
    )
    here = Path(__file__).parent
    out = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=here)
    assert out.strip() == "{None}"


def test_plans_and_writers_of_a_model_are_made_once():
    from pyforge import encode, rules

    assert encode.as_encoder(Rec) is encode.as_encoder(Rec)
    assert rules._rule_set(Rec) is rules._rule_set(Rec)


def test_no_django_in_the_plain_modules():
    code = (
        "import sys; sys.modules['django'] = None\n"
        "import pyforge, pyforge._plan, pyforge.errors, pyforge._pyforge\n"
        "assert pyforge.version() and pyforge.features()['simd']\n"
        "assert not any(m.startswith('django.') for m in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- Frameworks --------------------------------------------------------------------


def test_drf_renderer_and_parser():
    pytest.importorskip("rest_framework")
    from rest_framework.exceptions import ParseError
    from rest_framework.parsers import JSONParser
    from rest_framework.renderers import JSONRenderer

    from pyforge import drf

    data = {"a": [1.5, "é\u2028", values.TIMES[0], None], "b": {"c": values.D("1.10")}}
    for media in (None, "application/json; indent=2"):
        assert drf.JSONRenderer().render(data, media) == JSONRenderer().render(data, media)
    assert drf.JSONRenderer().render(None) == b""
    body = b'{"a": [1, "\\u00e9"]}'
    assert drf.JSONParser().parse(io.BytesIO(body)) == JSONParser().parse(io.BytesIO(body))
    for bad in (b"{", b"[NaN]", b'"\xff"'):
        with pytest.raises(ParseError):
            drf.JSONParser().parse(io.BytesIO(bad))


def test_ninja_renderer():
    pytest.importorskip("ninja")
    from ninja.renderers import JSONRenderer

    from pyforge import ninja

    data = {"a": [1.5, "é", values.TIMES[0]], "b": values.Text.A}
    ours = ninja.Renderer().render(None, data, response_status=200)
    assert ours == JSONRenderer().render(None, data, response_status=200)
