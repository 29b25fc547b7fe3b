"""Every field with every odd value: the same result or the same error as Field.clean."""

import random

import oracle
import pytest
import values
from django.conf import settings
from django.core import validators as v
from django.core.exceptions import ValidationError
from django.db import models
from django.test.utils import isolate_apps
from django.utils import translation
from oracle import outcome
from pyforge._pyforge import Plan

import pyforge


def only_even(value):
    if isinstance(value, int) and value % 2:
        raise v.ValidationError("odd %(value)s", code="odd", params={"value": value})


def explode(value):
    raise RuntimeError("a validator with a bug")


def field_table():
    """name → field, of each class with its options."""
    m, table = models, {}

    def add(name, field):
        table[name] = field
        field.set_attributes_from_name(name)

    for null in (False, True):
        for blank in (False, True):
            for cls, options in (
                (m.CharField, {"max_length": 80}), (m.TextField, {}), (m.IntegerField, {}),
                (m.FloatField, {}), (m.DecimalField, {"max_digits": 10, "decimal_places": 2}),
                (m.BooleanField, {}), (m.DateField, {}), (m.DateTimeField, {}), (m.TimeField, {}),
                (m.DurationField, {}), (m.UUIDField, {}), (m.JSONField, {}),
                (m.GenericIPAddressField, {}), (m.BinaryField, {"editable": True}),
                (m.FileField, {}), (m.EmailField, {}), (m.URLField, {}), (m.SlugField, {}),
                (m.IPAddressField, {}),
            ):  # fmt: skip
                add(f"{cls.__name__}_{null:d}{blank:d}", cls(null=null, blank=blank, **options))
    for cls in (m.BigIntegerField, m.SmallIntegerField, m.PositiveIntegerField, m.AutoField,
                m.PositiveBigIntegerField, m.PositiveSmallIntegerField, m.BigAutoField):  # fmt: skip
        add(cls.__name__, cls(primary_key=True) if "Auto" in cls.__name__ else cls())
    add("char_unlimited", m.CharField())
    add(
        "char_choices",
        m.CharField(max_length=5, choices=[("a", "A"), ("G", [("5", "five"), ("b", "B")])]),
    )
    add("char_int_choices", m.CharField(max_length=5, choices=[(1, "one")]))
    add("int_choices", m.IntegerField(choices=[(1, "one"), (5, "five")], null=True))
    add("bool_choices", m.BooleanField(choices=[(True, "yes")]))
    add("callable_choices", m.CharField(max_length=3, choices=lambda: [("a", "A")]))
    add("enum_choices", m.IntegerField(choices=values.Number))
    add("not_editable", m.CharField(max_length=3, editable=False))
    add("messages", m.CharField(max_length=3, error_messages={"blank": "B!", "max_length": "L!"}))
    add("messages_null", m.IntegerField(error_messages={"null": "N!", "invalid": "I! %(value)s"}))
    add("min_length", m.CharField(max_length=9, validators=[v.MinLengthValidator(3)]))
    add("range", m.IntegerField(validators=[v.MinValueValidator(0), v.MaxValueValidator(9)]))
    add(
        "float_range", m.FloatField(validators=[v.MinValueValidator(0.5), v.MaxValueValidator(9.5)])
    )
    add("float_int_range", m.FloatField(validators=[v.MaxValueValidator(9)]))
    add(
        "decimal_range",
        m.DecimalField(max_digits=9, decimal_places=3, validators=[v.MaxValueValidator(9)]),
    )
    add("date_range", m.DateField(validators=[v.MinValueValidator(values.dt.date(2024, 1, 1))]))
    add("callable_limit", m.IntegerField(validators=[v.MaxValueValidator(lambda: 3)]))
    add("step", m.IntegerField(validators=[v.StepValueValidator(5)]))
    add("float_step", m.FloatField(validators=[v.StepValueValidator(0.1)]))
    add("own_validator", m.IntegerField(validators=[only_even, v.MaxValueValidator(3)]))
    add("two_own", m.IntegerField(validators=[v.MaxValueValidator(3), only_even, only_even]))
    add("explodes", m.IntegerField(validators=[explode]))
    add("decimal_free", m.DecimalField())
    add("decimal_digits", m.DecimalField(max_digits=5, decimal_places=5))
    add("integer_text", m.CharField(validators=[v.validate_integer]))
    add("int_list", m.CharField(validators=[v.validate_comma_separated_integer_list]))
    add("unicode_slug", m.SlugField(allow_unicode=True, max_length=300))
    add("no_nul", m.TextField(validators=[v.ProhibitNullCharactersValidator()]))
    add("ipv4", m.GenericIPAddressField(protocol="ipv4"))
    add("ipv6", m.GenericIPAddressField(protocol="ipv6"))
    add("unpack", m.GenericIPAddressField(unpack_ipv4=True))
    add("url_https", m.CharField(validators=[v.URLValidator(schemes=["https", "gopher"])]))
    add("email_list", m.CharField(validators=[v.EmailValidator(message="no", allowlist=["b"])]))
    add("extension", m.FileField(validators=[v.FileExtensionValidator(["txt"])]))
    if hasattr(v, "DomainNameValidator"):
        add("domain", m.CharField(validators=[v.DomainNameValidator()]))
        add("domain_ascii", m.CharField(validators=[v.DomainNameValidator(accept_idna=False)]))
    for name, pattern, flags in (
        ("re_end", r"^[A-Z]{2}-\d{4,8}$", 0), ("re_Z", r"^\w+\Z", 0), ("re_i", r"^a[b-f]+$", 2),
        ("re_look", r"^(?!x)\w+$", 0), ("re_any", r"\d", 0),
    ):  # fmt: skip
        add(name, m.CharField(validators=[v.RegexValidator(pattern, flags=flags)]))
    add("re_inverse", m.CharField(validators=[v.RegexValidator(r"\d", inverse_match=True)]))
    try:
        from django.contrib.postgres.fields import ArrayField, HStoreField
    except ImportError:
        return table
    add("array", ArrayField(m.IntegerField()))
    add("array_size", ArrayField(m.CharField(max_length=5), size=1, blank=True, null=True))
    add(
        "array_null_items",
        ArrayField(m.IntegerField(null=True, validators=[v.MaxValueValidator(1)])),
    )
    add("array_nested", ArrayField(ArrayField(m.IntegerField(), size=2)))
    add("array_own", ArrayField(m.IntegerField(validators=[only_even])))
    add("array_choices", ArrayField(m.CharField(max_length=5, choices=[("a", "A")])))
    add("hstore", HStoreField())
    add("hstore_null", HStoreField(null=True, blank=True))
    return table


FIELDS = field_table()


def plan_of(fields):
    from django.core.exceptions import ValidationError

    from pyforge import _django_internals as internals

    steps = [internals.compile_field(f) for f in fields]
    return Plan(tuple(s.spec for s in steps), ValidationError, internals.DatabaseDefault), steps


@pytest.mark.parametrize("name", FIELDS)
def test_clean_value_equals_field_clean(name):
    field = FIELDS[name]
    plan, _ = plan_of([field])

    for value in values.ALL:
        ours = oracle.outcome(lambda: plan.clean_value(name, value, None))
        theirs = oracle.outcome(lambda: field.clean(value, None))
        assert oracle.same(ours, theirs), (name, value, ours, theirs)


@pytest.mark.parametrize("name", FIELDS)
def test_row_of_one_field_equals_clean_fields(name):
    field = FIELDS[name]
    plan, _ = plan_of([field])

    for value in values.ALL:
        ours = oracle.outcome(lambda: plan.clean_rows(({name: value},), True, -1)[0][0])
        theirs = oracle.outcome(lambda: oracle.clean_like_django([field], {name: value}))
        assert oracle.same(ours, theirs), (name, value, ours, theirs)


def test_empty_values_are_the_fields_own():
    class Zero(models.IntegerField):
        empty_values = [None, 0]

    binary, zero = models.BinaryField(blank=True, editable=True), Zero(blank=True)
    for name, field in (("b", binary), ("z", zero)):
        field.set_attributes_from_name(name)
    plan, steps = plan_of([binary, zero])

    assert [s.descriptor.fallback_reason for s in steps] == [None, "empty_values differ"]
    for row in ({"b": "", "z": 0}, {"b": b"", "z": ""}, {"b": memoryview(b""), "z": 0.0}):
        ours = oracle.outcome(lambda: plan.clean_rows((row,), True, -1)[0][0])
        assert oracle.same(
            ours, oracle.outcome(lambda: oracle.clean_like_django([binary, zero], row))
        )


def test_rows_equal_clean_fields_on_random_combinations():
    pick = random.Random(5)
    names = [n for n in FIELDS if n != "explodes"]
    for _ in range(300):
        chosen = [FIELDS[n] for n in pick.sample(names, 6)]
        plan, _ = plan_of(chosen)
        row = {f.name: pick.choice(values.ALL) for f in chosen if pick.random() < 0.95}
        ours = oracle.outcome(lambda: plan.clean_rows((row,), True, -1)[0][0])
        theirs = oracle.outcome(lambda: oracle.clean_like_django(chosen, row))
        assert oracle.same(ours, theirs), (row, ours, theirs)


def test_validators_of_its_own_are_called_once_and_in_order():
    calls = []

    def note(tag, fail=False):
        def validator(value):
            calls.append(tag)
            if fail:
                raise v.ValidationError(tag, code=tag)

        return validator

    field = models.CharField(
        max_length=2, validators=[note("a"), v.MinLengthValidator(9), note("b", True), note("c")]
    )
    field.set_attributes_from_name("x")
    plan, _ = plan_of([field])

    ours = oracle.outcome(lambda: plan.clean_value("x", "abc", None))

    assert calls == ["a", "b", "c"]
    assert ours == oracle.outcome(lambda: field.clean("abc", None))


def first_of_each_message():
    """(field, value) for every error message that Django gives to any of the values."""
    found = {}
    for field in FIELDS.values():
        for value in values.ALL:
            try:
                field.clean(value, None)
            except ValidationError as e:
                for one in e.error_list:
                    found.setdefault((one.code, str(one.message)), (field, value))
            except Exception:
                continue
    return found


@pytest.mark.slow
def test_every_code_in_every_language():
    found = first_of_each_message()
    assert {code for code, _ in found} >= {
        "invalid", "null", "blank", "invalid_choice", "max_length", "min_length", "max_value", "min_value",
        "step_size", "max_digits", "max_decimal_places", "max_whole_digits", "invalid_date", "invalid_datetime",
        "invalid_time", "invalid_extension", "null_characters_not_allowed",
    }  # fmt: skip
    plans = {name: plan_of([field])[0] for name, field in FIELDS.items()}
    languages = [code for code, _ in settings.LANGUAGES]
    assert len(languages) > 90
    for field, value in found.values():
        assert outcome(lambda f=field, x=value: f.clean(x, None))[0] == "invalid"
        for language in languages:
            with translation.override(language):
                ours = outcome(lambda f=field, x=value: plans[f.name].clean_value(f.name, x, None))
                theirs = outcome(lambda f=field, x=value: f.clean(x, None))
                assert ours == theirs, (language, field.name, value)


@pytest.mark.skipif(not hasattr(models, "GeneratedField"), reason="needs Django 5.0")
@isolate_apps("forgeapp")
def test_generated_fields_are_left_alone():
    class Made(models.Model):
        a = models.IntegerField()
        twice = models.GeneratedField(
            expression=models.F("a") * 2, output_field=models.IntegerField(), db_persist=True
        )

        class Meta:
            app_label = "forgeapp"

    rules = pyforge.RuleSet(Made, fields=["a", "twice"])
    assert [d.kind for d in rules.fields] == ["INT", "SKIP"]
    assert rules.clean(("5", "anything")) == (5, "anything")
    made = Made(a="5")
    made.clean_fields({"id"})
    rules.clean_fields(made)
    assert made.a == 5 and rules.report.punts == 0
    made.__dict__["twice"] = 10
    assert pyforge.Encoder(Made, fields=["twice"]).encode(made) == b'{"twice": 10}'


def test_classes_that_override_a_method_are_not_compiled():
    class Shout(models.CharField):
        def to_python(self, value):
            return str(value).upper()

    class Plain(models.CharField):
        pass

    shout, plain = Shout(), Plain()
    shout.set_attributes_from_name("s")
    plain.set_attributes_from_name("p")
    plan, steps = plan_of([shout, plain])

    assert [s.descriptor.fallback_reason for s in steps] == ["Shout overrides to_python", None]
    assert plan.clean_value("s", "abc", None) == "ABC"
    assert pyforge.FieldDescriptor is type(steps[0].descriptor)
