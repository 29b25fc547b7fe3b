"""Values that are hard on a validator or an encoder, used crosswise with every field."""

import datetime as dt
import decimal
import enum
import uuid
import zoneinfo

from django.db import models
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

D = decimal.Decimal
UTC = dt.UTC


class Text(models.TextChoices):
    A = "a", "Aaa"


class Number(models.IntegerChoices):
    THREE = 3, "three"


class FloatKind(float):
    pass


class IntKind(int):
    pass


class StrKind(str):
    pass


class Colour(enum.Enum):
    RED = 1


NUMBERS = [
    0, 1, -1, 5, True, False, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, -(2**63), 2**64,
    10**400, 0.0, -0.0, 1.0, 1.9, -1.5, 1e300, 5e-324, 1e16, 1e-7, 0.1, float("nan"), float("inf"),
    float("-inf"), D("1.10"), D("1.1000"), D("0.001"), D("-0.00"), D("1E+3"), D("1E-10"), D("NaN"),
    D("sNaN"), D("Infinity"), D("99999999.99"), D("123456789012.5"), D("0"), FloatKind(1.5),
    IntKind(7), Number.THREE, 1 + 2j,
]  # fmt: skip

TEXTS = [
    "", " ", "a", "abc", "a" * 81, "a" * 300, "ab\x00c", "\x00", "caf\xe9", "\u0661\u0662", "\U0001f600",
    "\ud800", "\u2028", "\x7f", "\x1f", "</script>", '"quoted"\\', "line\n", "a\nb", "tab\t", "\xa0",
    "true", "True", "t", "f", "False", "false", "1", "0", "on", "None", "null",
    "5", " 5 ", "+5", "-5", "1_0", "0x10", "05", "1.0", "1.5", ".5", "5.", "-.5", "1e5", "1E5", "nan",
    "NaN", "inf", "Infinity", "-Infinity", "1,5", "1.10", "0.001", "12345678901234567890", "9" * 5000,
    "99999999.99", "100000000.00", "00.10", "\u0663", "1e400", "1e-400", "--1", "+-1", "1 2",
    "2024-01-02", "2024-1-2", "20240102", "2024-W01-1", "2024-02-30", "2023-02-29", "0000-01-01",
    "2024-01-02T03:04", "2024-01-02 03:04:05", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05.123Z",
    "2024-01-02T03:04:05.123456+05:30", "2024-01-02T03:04:05,5+0530", "2024-01-02T03:04:05-00:00",
    "2024-01-02T03:04:05+24:00", "2024-01-02T25:04:05Z", "2024-01-02T03:04:05.1234567Z",
    "2024-01-02T03:04:05z", "2024-01-02T03:04:05+05", "2024-01-02t03:04:05", "2024-01-02T03:04:60",
    "03:04", "03:04:05", "03:04:05.5", "3:04", "24:00", "03:04:05+01:00", "0304", "03:04:05.1234567",
    "1 02:03:04", "1 02:03:04.5", "02:03:04.000001", "P1DT2H", "-1 02:03:04", "1 day, 2:03:04",
    "10:00", "99 23:59:59.999999", "1000000000 00:00:00", "15", "-15:30", "3 days 04:05:06",
    "12345678-1234-5678-1234-567812345678", "12345678123456781234567812345678",
    "{12345678-1234-5678-1234-567812345678}", "urn:uuid:12345678-1234-5678-1234-567812345678",
    "12345678-1234-5678-1234-56781234567G", "12345678-12345678-1234-567812345678",
    "12345678-1234-5678-1234-56781234567\u0663", "ABCDEFAB-CDEF-abcd-efab-CDEFabcdefab",
    "1.2.3.4", "01.2.3.4", "1.2.3", "1.2.3.256", "1.2.3.4.5", " 1.2.3.4 ", "1.2.3.04", "\u0661.2.3.4",
    "::1", "::", "2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
    "1::8", ":::", "1::2::3", "12345::", "::ffff:1.2.3.4", "::FFFF:102:304", "fe80::1%eth0", "1:2:3:4:5:6:7",
    "g::1", ":1", "1:", "2001:db8:0:0:1:0:0:1", "0:0:0:0:0:0:0:0", "1:0:0:2:0:0:0:3",
    "a@b.co", "a@b", "a@localhost", "a.b@example.com", ".a@example.com", "a..b@example.com",
    '"a b"@example.com', '"a\\ b"@example.com', "a@[127.0.0.1]", "a@[::1]", "a@[x]", "a@b.c", "a@b.c1",
    "a@-b.co", "a@b-.co", "a@b.co.", "a@xn--4ca9at.xn--p1ai", "\u212a@example.com", "\u0131@example.com",
    "a@ex\u017fample.com", "a@\u0430\u0431.\u0440\u0444", "a@b.co\n", "a b@c.de", "a@b@c.de", "@b.co",
    "a@", "x" * 310 + "@b.co", "a@" + "b" * 64 + ".com", "a@" + "b" * 63 + ".com", "a@exam_ple.com",
    "http://a.co", "https://a.co/", "HTTP://EXAMPLE.COM", "ftp://a.co/x", "ftps://a.co", "gopher://a.co",
    "http://localhost", "http://LOCALHOST:8000/x", "http://a", "http://1.2.3.4:80/", "http://1.2.3.256/",
    "http://01.2.3.4", "http://[::1]:80/", "http://[::1", "http://[1.2.3.4]", "http://[::ffff:1.2.3.4]/",
    "http://u:p@a.co/", "http://u:p:q@a.co/", "http://u@a.co", "http://@a.co", "http://:p@a.co",
    "http://a@b@a.co", "http://a?b@a.co/x", "http://a.co?x@y", "http://a.co#f", "http://a.co/a b",
    "http://a.co/\x00", "http://a.co/\x85", "http://a.co/\x1f", "http://a.co/[x", "http://a.co:123456",
    "http://a.co:", "http://a.co:x/", " http://a.co", "\x1fhttp://a.co", "http://a.co\n", "http://a\tb.co",
    "http://-a.co", "http://a-.co", "http://a.-b.co", "http://a.b-", "http://a.b--c", "http://a..co",
    "http://a.c", "http://a.co.", "http://a.c0", "http://xn--4ca.xn--p1ai", "http://\u0442\u0435\u0441\u0442.\u0440\u0444/",
    "http://\u2100.co", "http://\uff0f.co", "http://a.\u212ao", "http://" + "a." * 126 + "co",
    "http://" + "a." * 127 + "com", "http://a.co/" + "x" * 2040, "//a.co", "http:/a.co", "://a.co",
    "http://example.com:80@foo.co", "http://a.co@", "http://\xe9.co", "http://\U00010400.co", "http://a.xn--",
    "slug-1_A", "sl ug", "slug\n", "sl\xfcg", "file.txt", "FILE.PDF", "file", ".txt", "dir/f.txt", "f.tar.gz",
    "1,2,3", "1,,2", "1, 2", "[1, 2]", '["a", "b"]', '{"a": "b"}', '{"a": 1}', "[[1,2],[3]]", "AB-1234",
]  # fmt: skip

TIMES = [
    dt.datetime(2024, 1, 2, 3, 4, 5, 123999, tzinfo=UTC), dt.datetime(2024, 1, 2, 3, 4, 5, 999, tzinfo=UTC),
    dt.datetime(2024, 1, 2, 3, 4, 5), dt.datetime(1, 1, 1), dt.datetime.max,
    dt.datetime(2024, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
    dt.datetime(2024, 1, 2, 3, 4, 5, 1, tzinfo=dt.timezone(-dt.timedelta(seconds=30))),
    dt.datetime(2024, 1, 2, 3, 4, 5, 7, tzinfo=dt.timezone(dt.timedelta(microseconds=5))),
    dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.timezone(-dt.timedelta(microseconds=5))),
    dt.datetime(2024, 7, 2, 3, 4, 5, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")),
    dt.date(2024, 1, 2), dt.date(9, 1, 1), dt.time(1, 2, 3, 4), dt.time(1, 2), dt.time(1, 2, tzinfo=UTC),
    dt.timedelta(days=1, seconds=2, microseconds=3), dt.timedelta(microseconds=-1), dt.timedelta(0),
    dt.timedelta(days=-3, seconds=5), dt.timedelta.max, dt.timedelta.min,
]  # fmt: skip

OTHERS = [
    None, [], (), {}, set(), {1}, b"", b"ab", b"x" * 300, bytearray(b"a"), memoryview(b"ab"), object,
    [1, 2], [1, None], ["a", "b"], ["a" * 60], [[1, 2], [3, 4]], [[1], [2, 3]], [[]], [""], ["a", 5],
    (1, 2), {"a": "b"}, {"a": None}, {"a": 1}, {1: "b"}, {"a": {"b": [1, {"c": None}]}}, {"x": float("nan")},
    {"x": D("1")}, {"x": dt.date(2024, 1, 2)}, {"x": {1}}, [D("1.5")], [float("inf")],
    uuid.UUID(int=5), uuid.UUID(int=2**128 - 1), Text.A, Colour.RED, StrKind("abc"), mark_safe("<a>"),
    gettext_lazy("This field cannot be null."), range(3), Ellipsis, 2**70, [2**70], {"k": 10**30},
]  # fmt: skip

ALL = [*NUMBERS, *TEXTS, *TIMES, *OTHERS]


def label(value):
    return ascii(value)[:40]
