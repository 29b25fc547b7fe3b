"""Models of the tests. Rec is the 16-field model all figures are about."""

import datetime
import decimal
import random
import uuid

from django.core import validators as v
from django.db import models

STATUS = [("draft", "Draft"), ("review", "In review"), ("live", "Live"), ("gone", "Gone")]


class Rec(models.Model):
    name = models.CharField(max_length=120)
    email = models.EmailField()
    url = models.URLField()
    slug = models.SlugField(max_length=80)
    qty = models.IntegerField(validators=[v.MinValueValidator(0), v.MaxValueValidator(1000000)])
    price = models.DecimalField(max_digits=12, decimal_places=2)
    created = models.DateTimeField()
    day = models.DateField()
    uid = models.UUIDField()
    active = models.BooleanField()
    meta = models.JSONField(blank=True, default=dict)
    body = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=STATUS)
    note = models.CharField(max_length=200, null=True, blank=True)
    code = models.CharField(max_length=12, validators=[v.RegexValidator(r"^[A-Z]{2}-\d{4,8}$")])
    score = models.FloatField(null=True, blank=True)


class ProxyRec(Rec):
    class Meta:
        proxy = True


FIELDS = [f.name for f in Rec._meta.fields if f.name != "id"]
WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor".split()


def make_row(i, body=100):
    """Native values of one valid Rec."""
    r = random.Random(i)
    text = " ".join(r.choice(WORDS) for _ in range(body // 6 + 1))[:body]
    return {
        "name": f"{r.choice(WORDS).title()} {r.choice(WORDS)} {i}",
        "email": f"user{i}.{r.choice(WORDS)}@mail{i % 97}.example.com",
        "url": f"https://www.example{i % 89}.org/path/{i}/?q={r.choice(WORDS)}",
        "slug": f"{r.choice(WORDS)}-{r.choice(WORDS)}-{i}",
        "qty": r.randrange(1000000),
        "price": decimal.Decimal(r.randrange(10**8)) / 100,
        "created": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
        + datetime.timedelta(microseconds=r.randrange(10**15)),
        "day": datetime.date(2000, 1, 1) + datetime.timedelta(days=r.randrange(9000)),
        "uid": uuid.UUID(int=r.getrandbits(128)),
        "active": r.random() < 0.5,
        "meta": {"k": r.randrange(1000), "tags": [r.choice(WORDS), r.choice(WORDS)], "ok": True},
        "body": text,
        "status": r.choice(STATUS)[0],
        "note": None if r.random() < 0.5 else r.choice(WORDS),
        "code": f"{r.choice('ABC')}{r.choice('XYZ')}-{r.randrange(10**4, 10**8)}",
        "score": None if r.random() < 0.2 else r.random() * 100,
    }


def as_strings(row):
    """The same row as a form or a JSON body would bring it."""
    out = {}
    for key, value in row.items():
        if isinstance(value, datetime.datetime):
            value = value.isoformat().replace("+00:00", "Z")
        elif isinstance(value, (datetime.date, decimal.Decimal, uuid.UUID)):
            value = str(value)
        out[key] = value
    return out
