"""Querysets to bytes: equal to values() + the live encoder, on the raw path, on SQLite
and on a real PostgreSQL."""

import datetime as dt
import decimal
import json
import random
import uuid

import django
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, connections, models
from django.db.models import Count, F, Value
from django.db.models.functions import Length, Lower
from django.db.models.query import ValuesIterable
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from forgeapp.models import FIELDS, Rec, make_row

import pyforge
from pyforge import queryset as q

HAS_PG = "pg" in settings.DATABASES
needs_pg = pytest.mark.skipif(not HAS_PG, reason="no PostgreSQL server")
DATABASES = ["default", pytest.param("pg", marks=needs_pg)]
UTC = dt.UTC


def django_text(qs, *fields):
    rows = qs if qs._iterable_class is ValuesIterable and not fields else qs.values(*fields)
    return json.dumps(list(rows), cls=DjangoJSONEncoder).encode()


def in_parts(qs, **options):
    return b"".join(pyforge.iter_json(qs, chunk_rows=7, **options))


def check(qs, *fields):
    """Whole and streamed text equal Django's; the path that was taken."""
    expected = django_text(qs, *fields)
    before = dict(q.paths)
    assert pyforge.queryset_to_json(qs, fields=fields) == expected
    assert in_parts(qs, fields=fields) == expected
    return next(iter(k for k in q.paths if q.paths[k] != before.get(k, 0)), None)


def fill(using, n=30):
    Rec.objects.using(using).bulk_create([Rec(**make_row(i)) for i in range(n)])
    return Rec.objects.using(using).order_by("id")


@pytest.mark.parametrize("using", DATABASES)
def test_all_fields_take_the_raw_path_without_a_converted_cell(using):
    qs = fill(using)
    q.cells.clear()

    path = check(qs)

    assert path == connections[using].vendor
    assert q.cells["converted"] == 0
    assert check(qs, *FIELDS) == path
    assert all(c["reason"] is None for c in pyforge.explain(qs)["columns"].values())


@pytest.mark.parametrize("using", DATABASES)
def test_odd_values_come_out_as_django_has_them(using):
    r = random.Random(2)
    texts = [
        "",
        "é",
        "日本",
        "\U0001f600",
        'q"\\',
        "a\nb",
        "\x7f\x1f",
        "\u2028",
        "x" * 3000,
        "NULL",
        "{a,b}",
        "1",
    ]
    for i in range(60):
        row = make_row(i)
        row.update(
            name=r.choice(texts)[:100], body=r.choice(texts), note=r.choice(texts)[:50] if r.random() < 0.5 else None,
            price=decimal.Decimal(r.choice(["0.00", "-0.01", "99999999.99", "0.10", "-5.55", "1234567890.12"])),
            created=r.choice([
                dt.datetime(1, 1, 1, tzinfo=UTC), dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
                dt.datetime(2024, 1, 2, tzinfo=UTC), dt.datetime(2024, 1, 2, 3, 4, 5, 999, tzinfo=UTC),
                dt.datetime(2024, 1, 2, 3, 4, 5, 120000, tzinfo=UTC)]),
            day=r.choice([dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(2024, 2, 29)]),
            uid=uuid.UUID(int=r.getrandbits(128) >> r.randrange(128)),
            meta=r.choice([{}, [], 0, -1.5, "x", True, {"é": [1e100, 1e-7, 1.0, "\U0001f600"]}, {"a": {"b": [None]}},
                           {"n": 10**30, "f": 0.1}, [[], {}], {"k" * 30: True}, {str(j): j for j in range(40)}]),
            score=r.choice([None, 0.0, 1e300, 5e-324, 0.1, -2.5, 1e16, float(2**60)]),
        )  # fmt: skip
        Rec.objects.using(using).create(**row)
    check(Rec.objects.using(using).order_by("id"))


@pytest.mark.parametrize("using", DATABASES)
def test_shapes_of_querysets(using):
    qs = fill(using)
    m = models
    for shaped, fields in (
        (qs.none(), ()), (qs.filter(qty__lt=-1), ()), (qs[:5], ("name",)), (qs[3:9], FIELDS),
        (qs.values("name", "qty"), ()), (qs.annotate(n=Length("name")), ("n", "name")),
        (qs.annotate(x=F("qty") * 2, y=Lower("name")).values("x", "y", "price"), ()),
        (qs.order_by("status").values("status").annotate(n=Count("id"), avg=m.Avg("price"), s=m.Sum("qty")), ()),
        (qs.annotate(v=Value(5), d=Value(dt.date(2024, 1, 2), output_field=m.DateField())), ("v", "d")),
        (qs.values("meta__k", "name"), ()), (qs.annotate(k=F("meta__tags")), ("k",)),
        (qs.extra(select={"z": "1+1"}), ("z", "name")), (qs.distinct().order_by("name"), ("qty",)),
        (qs.order_by().values("name").union(qs.order_by().values("name")).order_by("name"), ()),
        (qs.annotate(big=m.Max("created")), ("big",)), (qs.filter(pk__in=[]), ("name",)),
        (qs.annotate(c=m.Case(m.When(qty__gt=10, then=Value("x")), default=Value(None), output_field=m.CharField())), ("c",)),
        (qs.annotate(t=m.functions.TruncDay("created")), ("t",)), (qs.annotate(b=m.Exists(qs.filter(qty=1))), ("b",)),
        (qs.reverse(), ("id", "pk")),
    ):  # fmt: skip
        check(shaped, *fields)


@pytest.mark.parametrize("using", DATABASES)
@pytest.mark.parametrize(
    "tz, use_tz", [("Europe/Paris", True), ("UTC", True), ("America/New_York", True)]
)
def test_time_zones(using, tz, use_tz):
    qs = fill(using, 3)
    with override_settings(TIME_ZONE=tz, USE_TZ=use_tz):
        check(qs)


def test_without_time_zones_on_sqlite():
    with override_settings(USE_TZ=False):
        Rec.objects.create(**{**make_row(1), "created": dt.datetime(2024, 1, 2, 3, 4, 5, 6789)})
        assert check(Rec.objects.all()) == "sqlite"


@pytest.mark.parametrize("using", DATABASES)
def test_ndjson_and_its_trailer(using):
    qs = fill(using, 10)
    lines = in_parts(qs, fields=["name", "qty"], fmt="ndjson", trailer=True).decode().splitlines()

    assert [json.loads(x) for x in lines[:-1]] == list(qs.values("name", "qty"))
    assert json.loads(lines[-1]) == {"count": 10}
    assert in_parts(qs.none(), fmt="ndjson") == b""
    assert in_parts(qs.none(), fmt="ndjson", trailer=True) == b'{"count": 0}\n'


@pytest.mark.parametrize("using", DATABASES)
def test_queries_are_seen_by_wrappers_and_the_log(using):
    qs = fill(using, 3)
    seen = []

    def wrapper(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    with connections[using].execute_wrapper(wrapper):
        with CaptureQueriesContext(connections[using]) as log:
            pyforge.queryset_to_json(qs)
    with CaptureQueriesContext(connections[using]) as plain:
        list(qs.values())

    assert len(seen) == 1
    assert [x["sql"] for x in log.captured_queries] == [x["sql"] for x in plain.captured_queries]


def test_the_rows_are_those_of_the_transaction():
    from django.db import transaction

    with transaction.atomic():
        Rec.objects.create(**make_row(1))
        assert len(json.loads(pyforge.queryset_to_json(Rec.objects.all()))) == 1
        transaction.set_rollback(True)
    assert pyforge.queryset_to_json(Rec.objects.all()) == b"[]"


def test_sqlite_decimals_are_rounded_as_django_rounds_them():
    r = random.Random(6)
    Rec.objects.create(**make_row(0))
    with connection.cursor() as c:
        for i in range(1, 400):
            v = r.choice([r.random() * 10 ** r.randrange(-3, 9), r.randrange(10**6) / 1000, r.randrange(10**9) + 0.005,
                          r.randrange(10**5), 2.675, 1.005, 0.125, -0.375, 0.0, -0.0])  # fmt: skip
            c.execute("insert into forgeapp_rec select %s, name, email, url, slug, qty, %s, created, day, uid, active, "
                      "meta, body, status, note, code, score from forgeapp_rec where id = (select min(id) from "
                      "forgeapp_rec)", [i + 10**6, v])  # fmt: skip
    assert check(Rec.objects.order_by("id"), "price") == "sqlite"


def test_sqlite_cells_of_the_wrong_type_go_through_the_converters():
    Rec.objects.create(**make_row(0))
    for column, value in (("active", 7), ("uid", "ABCDEF" * 5 + "12"), ("created", "2024-01-02 03:04"),
                          ("day", "2024-01-02"), ("meta", '{"a":1}'), ("price", "12.5"), ("qty", "x"), ("meta", '"\\u00e9"')):  # fmt: skip
        with connection.cursor() as c:
            c.execute(f"update forgeapp_rec set {column} = %s", [value])
        ours = _outcome(lambda: pyforge.queryset_to_json(Rec.objects.all()))
        theirs = _outcome(lambda: django_text(Rec.objects.all()))
        assert ours == theirs, (column, value)


def _outcome(call):
    try:
        return call()
    except Exception as e:
        return type(e), str(e)


@pytest.mark.parametrize("using", DATABASES)
def test_async_streaming(using):
    async def collect():
        return [part async for part in pyforge.aiter_json(qs, chunk_rows=4)]

    qs = fill(using, 10)
    assert b"".join(async_to_sync(collect)()) == django_text(qs)


def test_responses_stream():
    qs = fill("default", 5)
    response = pyforge.json_response(qs, chunk_rows=2)
    parts = list(response.streaming_content)

    assert response["Content-Type"] == "application/json" and len(parts) == 4
    assert b"".join(parts) == django_text(qs)
    assert pyforge.ajson_response(qs, fmt="ndjson")["Content-Type"] == "application/x-ndjson"


def test_a_failure_after_the_first_part_leaves_the_array_open():
    fill("default", 5)
    with connection.cursor() as c:
        c.execute(
            "update forgeapp_rec set uid = 'broken' where id = (select max(id) from forgeapp_rec)"
        )
    parts = pyforge.iter_json(Rec.objects.order_by("id"), chunk_rows=2)
    got = [next(parts), next(parts)]

    with pytest.raises(ValueError):
        next(parts)
    assert not b"".join(got).endswith(b"]")


def test_raw_querysets_and_wrong_arguments():
    fill("default", 3)
    rows = Rec.objects.raw("select * from forgeapp_rec order by id")
    assert json.loads(pyforge.queryset_to_json(rows))[0]["qty"] == make_row(0)["qty"]
    with pytest.raises(pyforge.UnsupportedFieldError):
        pyforge.queryset_to_json(Rec.objects.values_list("name"))
    with pytest.raises(pyforge.CompileError):
        pyforge.queryset_to_json([1, 2])
    with pytest.raises(pyforge.CompileError):
        pyforge.iter_json(Rec.objects.all(), fmt="csv")


def test_an_encoder_names_and_writes_the_columns():
    qs = fill("default", 3)
    enc = pyforge.Encoder(Rec, fields=["name", "price"], rename=str.upper, dialect="compact")
    expected = [{"NAME": r["name"], "PRICE": str(r["price"])} for r in qs.values("name", "price")]
    assert (
        pyforge.queryset_to_json(qs, encoder=enc)
        == json.dumps(expected, separators=(",", ":")).encode()
    )


# -- PostgreSQL --------------------------------------------------------------------


def wide_rows(n, r):
    from forgepg.models import Wide

    texts = [
        "",
        "a",
        "é",
        "日本",
        "\U0001f600",
        'q"u\\ote',
        "a,b",
        "{x}",
        "NULL",
        "null",
        " sp ",
        "a\nb\tc",
        "\x7f",
        "'",
    ]
    for _i in range(n):
        yield Wide(
            name=r.choice(texts), price=decimal.Decimal(r.choice(["0", "0.00000001", "-1.5", "123456789012.12345678", "0.1"])),
            created=dt.datetime(2024, 1, 1, tzinfo=UTC) + dt.timedelta(microseconds=r.randrange(10**15) * r.choice([1, 1000, 10**6]) % 10**15),
            day=dt.date(2000, 1, 1) + dt.timedelta(days=r.randrange(9000)),
            clock=r.choice([None, dt.time(1, 2), dt.time(23, 59, 59, 999999), dt.time(1, 2, 3, 400000)]),
            uid=uuid.UUID(int=r.getrandbits(128)), active=r.random() < 0.5,
            meta=r.choice([{}, [1, 2.5, None], {"é": "日本"}, "x", 1.0, 1e30, {"b": 1, "a": [True, {"c": "\U0001f600"}]}]),
            tags=[r.choice(texts) for _ in range(r.randrange(4))],
            nums=r.choice([None, [], [1, None, -3]]), grid=r.choice([None, [], [[1, 2], [3, 4]]]),
            days=r.choice([None, [dt.date(2024, 1, 2)]]),
            attrs={r.choice(texts) + str(j): r.choice([None, *texts]) for j in range(r.randrange(4))},
            took=r.choice([dt.timedelta(0), dt.timedelta(days=1, seconds=2, microseconds=3), -dt.timedelta(microseconds=1),
                           dt.timedelta(days=-3, seconds=5), dt.timedelta(hours=200), dt.timedelta(days=400)]),
            ip=r.choice([None, "1.2.3.4", "::1"]), score=r.choice([None, 0.1, 1e300, float("nan"), float("inf"), -0.0, 1.0]),
            count=r.choice([0, 2**63 - 1, -(2**63)]),
        )  # fmt: skip


WIDE = (
    "name price created day clock uid active meta tags nums grid days attrs took ip score count"
).split()


@needs_pg
def test_postgresql_types_on_the_raw_path():
    from forgepg.models import Wide

    Wide.objects.bulk_create(wide_rows(300, random.Random(1)))
    assert check(Wide.objects.order_by("id"), *WIDE) == "postgresql"
    reasons = {
        n: c["reason"] for n, c in pyforge.explain(Wide.objects.values(*WIDE))["columns"].items()
    }
    assert set(reasons.values()) == {None}


@needs_pg
def test_postgresql_ranges_go_through_their_loader():
    from forgepg.models import Wide

    Wide.objects.bulk_create(wide_rows(2, random.Random(1)))
    qs = Wide.objects.order_by("id").values("span", "name")
    check(qs)
    assert pyforge.explain(qs)["columns"]["span"]["code"] == "CONVERT"


@needs_pg
@pytest.mark.parametrize("sql", [
    "'infinity'::timestamptz", "'0044-03-15 BC'::date", "'infinity'::date", "'12345-01-01'::date", "'[2:3]={1,2}'::int[]",
    "'1 year 2 mons'::interval", "'-1 days +02:03:04'::interval", "'1000:00:00'::interval", "'-00:00:01.5'::interval",
    "'NaN'::numeric", "'Infinity'::numeric", "'NaN'::float8", "'1e-300'::float8", "1.1::float4", "'0.0000001'::numeric", "'x'::citext",
    "'a=>1, b=>NULL'::hstore", "array['a\"b', NULL, '']::text[]", "array[[1,2],[3,4]]", "array['2024-01-02'::date]", "'{}'::int[]",
    "array[1.5::numeric]", "array[true,false]", "'1.2.3.4/24'::inet", "'a'::char(3)", "1::smallint", "'(1,2)'::point", "B'101'",
    "'{\"a\": 1}'::json", "'{\"a\":1.50}'::jsonb", "E'\\\\x6162'::bytea", "'05:06:07+02'::timetz", "row(1,'a')", "null::text", "'2024-01-02 03:04:05'::timestamp",
    "'2024-01-02 03:04:05.5+03'::timestamptz", "array['2024-01-02 03:04:05+00'::timestamptz]", "array[array['a']]::text[]", "12345678901234567890123456789::numeric",
    "'24:00:00'::time", "interval '1 day'", "array[interval '1 day']", "array['{\"a\": 1}'::jsonb]", "array[gen_random_uuid()]::text[] is null",
])  # fmt: skip
def test_postgresql_expressions(sql):
    fill("pg", 1)
    field = models.Field()
    field.get_internal_type = lambda: "Raw"
    qs = (
        Rec.objects.using("pg")
        .annotate(x=models.expressions.RawSQL(sql, [], output_field=field))
        .values("x", "id")
    )
    ours = _outcome(lambda: pyforge.queryset_to_json(qs))
    theirs = _outcome(lambda: django_text(qs))
    assert ours == theirs


@needs_pg
@pytest.mark.parametrize(
    "setting", ["IntervalStyle = iso_8601", "DateStyle = 'German'", "TimeZone = 'Asia/Kolkata'"]
)
def test_postgresql_session_settings_downgrade(setting):
    from forgepg.models import Wide

    Wide.objects.bulk_create(wide_rows(5, random.Random(1)))
    with connections["pg"].cursor() as c:
        c.execute(f"set local {setting}")
    qs = Wide.objects.order_by("id")
    ours, theirs = (_outcome(lambda: f(qs)) for f in (
        lambda x: pyforge.queryset_to_json(x, fields=WIDE), lambda x: django_text(x, *WIDE)))  # fmt: skip
    assert ours == theirs


@needs_pg
def test_postgresql_a_loader_of_its_own_is_used():
    from psycopg.adapt import Loader

    class Shout(Loader):
        def load(self, data):
            return bytes(data).decode().upper() + "!"

    qs = fill("pg", 2)
    raw = connections["pg"].connection
    try:
        raw.adapters.register_loader("varchar", Shout)
        text = pyforge.queryset_to_json(qs, fields=["name"])
        assert text == django_text(qs, "name") and b"!" in text
        assert pyforge.explain(qs.values("name"))["columns"]["name"]["code"] == "CONVERT"
    finally:
        connections["pg"].close()


@needs_pg
@pytest.mark.parametrize("disabled", [False, True])
def test_postgresql_server_side_cursors_are_honoured(disabled):
    qs = fill("pg", 30)
    seen = []

    def wrapper(execute, sql, params, many, context):
        seen.append(type(context["cursor"].cursor).__name__)
        return execute(sql, params, many, context)

    settings_dict = connections["pg"].settings_dict
    settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = disabled
    try:
        with connections["pg"].execute_wrapper(wrapper):
            text = in_parts(qs)
    finally:
        settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = False

    assert text == django_text(qs)
    assert ("ServerSideCursor" in seen[0] or "ServerCursor" in seen[0]) is not disabled


@needs_pg
@pytest.mark.committed
@pytest.mark.skipif(django.VERSION < (5, 1), reason="needs Django 5.1: connection pools")
def test_postgresql_connections_of_a_pool():
    """The raw path is taken on each pooled connection, by that one's own loaders."""
    settings_dict = connections["pg"].settings_dict
    connections["pg"].close()
    settings_dict["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 1}}
    pooled = connections["pg"].copy("pooled")
    settings_dict["OPTIONS"] = {}
    try:
        connections["pooled"] = pooled
        qs = Rec.objects.using("pooled").order_by("id")
        Rec.objects.using("pooled").bulk_create([Rec(**make_row(i)) for i in range(5)])
        for _ in range(3):  # taken, used in parts, given back
            parts = pyforge.iter_json(qs, chunk_rows=2)
            first = next(parts)
            assert pooled.pool is not None
            assert first + b"".join(parts) == django_text(qs)
            assert check(qs) == "postgresql"
            pooled.close()  # one that is kept would be missing in the next round
    finally:
        Rec.objects.using("pg").all().delete()
        pooled.close_pool()
        del connections["pooled"]


@needs_pg
@pytest.mark.committed
def test_postgresql_streams_outside_of_a_transaction():
    Rec.objects.using("pg").all().delete()
    qs = fill("pg", 20)
    try:
        parts = pyforge.iter_json(qs, chunk_rows=3)
        first = next(parts)
        assert Rec.objects.using("pg").count() == 20
        assert first + b"".join(parts) == django_text(qs)
        half = pyforge.iter_json(qs, chunk_rows=3)
        next(half)
        half.close()
        assert Rec.objects.using("pg").count() == 20
    finally:
        Rec.objects.using("pg").all().delete()
