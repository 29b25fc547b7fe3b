"""Querysets to bytes, end to end, on SQLite and PostgreSQL; memory of streaming."""

import json
import subprocess
import sys
import time

import orjson
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from forgeapp.models import FIELDS, Rec, make_row
from harness import Line, best, faster, record, show, within

import pyforge
from pyforge import queryset as q

N = 5000
WIDE = [
    "name",
    "price",
    "created",
    "day",
    "uid",
    "active",
    "meta",
    "tags",
    "nums",
    "attrs",
    "took",
    "ip",
    "score",
]


def create_tables():
    from django.core.management import call_command

    for alias in settings.DATABASES:
        call_command("migrate", run_syncdb=True, verbosity=0, database=alias)


def django_text(qs, fields):
    return json.dumps(list(qs.values(*fields)), cls=DjangoJSONEncoder)


def raw_path(vendor):
    """What was counted since the last time; fails unless every query took the raw path."""
    note = f"path {vendor}: {q.paths[vendor]} queries, {q.cells['converted']} cells converted"
    assert set(q.paths) == {vendor} and q.cells["converted"] == 0, (q.paths, q.cells)
    q.paths.clear()
    return note


def sqlite():
    Rec.objects.bulk_create([Rec(**make_row(i)) for i in range(N)], batch_size=500)
    qs = Rec.objects.order_by("id")
    sql, params = qs.values_list(*FIELDS).query.sql_with_params()

    def bare():
        with connections["default"].cursor() as c:
            c.execute(sql, params)
            while c.fetchmany(200):
                pass

    q.paths.clear()
    assert pyforge.queryset_to_json(qs, fields=FIELDS).decode() == django_text(qs, FIELDS)
    times = best({
        "values() + DjangoJSONEncoder": lambda: django_text(qs.all(), FIELDS),
        "values() + orjson": lambda: orjson.dumps(list(qs.values(*FIELDS)), default=str),
        "bare fetchmany(200) loop": bare,
        "queryset_to_json": lambda: pyforge.queryset_to_json(qs, fields=FIELDS),
    }, N, 9)  # fmt: skip
    show("SQLite, 16 fields", times)
    note = raw_path("sqlite")
    faster(
        "SQLite queryset to bytes x Django",
        times,
        "values() + DjangoJSONEncoder",
        "queryset_to_json",
        5,
        4,
        note,
    )
    within(
        "SQLite, of a bare fetchmany loop",
        times,
        "queryset_to_json",
        "bare fetchmany(200) loop",
        1.5,
        2.5,
        note,
    )


def postgresql():
    from forgepg.models import Wide

    Wide.objects.all().delete()
    Wide.objects.bulk_create(
        [
            Wide(
                name=r["name"], price=r["price"], created=r["created"], day=r["day"], uid=r["uid"], active=r["active"],
                meta=r["meta"], tags=["a", "b c", r["status"]], nums=[1, 2, r["qty"]], attrs={"k": "v", "n": None},
                took=r["created"] - r["created"].replace(hour=0), ip="10.0.0.1", score=r["score"],
            )
            for r in map(make_row, range(N))
        ],
        batch_size=500,
    )  # fmt: skip
    qs = Wide.objects.order_by("id")
    sql, params = qs.values_list(*WIDE).query.sql_with_params()
    connections["pg"].ensure_connection()
    pgconn = connections["pg"].connection.pgconn
    assert not params
    q.paths.clear()
    assert pyforge.queryset_to_json(qs, fields=WIDE).decode() == django_text(qs, WIDE)
    times = best({
        "values() + DjangoJSONEncoder": lambda: django_text(qs.all(), WIDE),
        "bare libpq": lambda: pgconn.exec_params(sql.encode(), None),
        "queryset_to_json": lambda: pyforge.queryset_to_json(qs, fields=WIDE),
    }, N, 11, clock=time.perf_counter)  # fmt: skip
    show("PostgreSQL, 13 columns", times)
    note = raw_path("postgresql")
    faster(
        "PostgreSQL queryset to bytes x Django",
        times,
        "values() + DjangoJSONEncoder",
        "queryset_to_json",
        7,
        4,
        note,
    )
    within("PostgreSQL, of bare libpq", times, "queryset_to_json", "bare libpq", 1.6, 2.5, note)
    Wide.objects.all().delete()


MEMORY = """
import sys
import django; django.setup()
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0)
from forgeapp.models import Rec
import pyforge
n = int(sys.argv[1])
from django.db import connection
def peak():  # of this process image; ru_maxrss would remember its parent's
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
qs = Rec.objects.order_by("id")
for part in pyforge.iter_json(qs[:200]): pass
open("/proc/self/clear_refs", "w").write("5")  # the peak starts anew
before = peak(); size = 0; first = None
for part in pyforge.iter_json(qs):
    first = first or len(part); size += len(part)
print(peak() - before, size, first)
"""


def memory():
    """Peak growth while streaming 100,000 rows from a file database."""
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        env = {**os.environ, "FORGE_SQLITE": f"{directory}/db.sqlite3", "FORGE_PG": ""}
        fill = (
            "import django; django.setup()\n"
            "from django.core.management import call_command\n"
            "call_command('migrate', run_syncdb=True, verbosity=0)\n"
            "from forgeapp.models import Rec, make_row\n"
            "rows = [Rec(**make_row(i)) for i in range(1000)]\n"
            "for i in range(100):\n"
            "    for r in rows: r.pk = None\n"
            "    Rec.objects.bulk_create(rows)\n"
        )
        subprocess.run([sys.executable, "-c", fill], check=True, env=env)
        out = subprocess.check_output([sys.executable, "-c", MEMORY, "100000"], env=env, text=True)
    kib, size, first = map(int, out.split())
    note = f"{size / 2**20:.0f} MiB of text, first part {first} bytes"
    record(Line("streaming 100,000 rows, peak growth (MiB)", kib / 1024, 8, 16, False, note))


def main():
    create_tables()
    sqlite()
    if "pg" in settings.DATABASES:
        postgresql()
    memory()
