from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, getcontext, localcontext
from fractions import Fraction

d = date(2024, 2, 28)
print(d + timedelta(days=2), (date(2025, 1, 1) - d).days, d.strftime("%A %d %B"), d.isocalendar()[:2], d.replace(day=1), d < date(2024, 3, 1))
t = datetime(2024, 1, 31, 23, 59, 59, tzinfo=timezone.utc)
print(t + timedelta(seconds=1), t.isoformat(), t.timestamp(), datetime.fromisoformat("2024-05-06T07:08:09"), t.astimezone(timezone(timedelta(hours=2))))
print(datetime.strptime("2024-12-25", "%Y-%m-%d"), timedelta(days=1, hours=-5), timedelta(1) / 3, sum([timedelta(1), timedelta(2)], timedelta()))
try:
    date(2024, 2, 30)
except ValueError as e:
    print(type(e).__name__)
print(Decimal("0.1") + Decimal("0.2"), Decimal(1) / Decimal(3), Decimal("2.675").quantize(Decimal("0.01"), ROUND_HALF_UP), Decimal("1e3"), -Decimal("5") // 2)
with localcontext() as ctx:
    ctx.prec = 5
    print(Decimal(2).sqrt(), Decimal(1) / 7)
print(getcontext().prec, sum(map(Decimal, ["1.1", "2.2"])), Decimal("NaN") == Decimal("NaN"), Decimal(3) == 3, max(Decimal("1.5"), 1))
try:
    Decimal(1) / 0
except ArithmeticError as e:
    print(type(e).__name__)
print(Fraction(1, 3) + Fraction(1, 6), Fraction("0.125"), Fraction(3, 4) ** 2, float(Fraction(1, 8)), Fraction(7, 3) // 1, Fraction(1.5), sum(Fraction(1, n) for n in range(1, 8)), Fraction(1, 2) < 0.6)
import statistics

print(statistics.mean([1, 2, 3, 4]), statistics.median([3, 1, 2]), statistics.pstdev([1, 2, 3, 4]), statistics.mode("aab"), statistics.fmean([1, 2.5]))
import math

print(math.factorial(20), math.gcd(12, 18), math.comb(10, 3), math.isclose(0.1 + 0.2, 0.3), math.floor(-1.5), math.hypot(3, 4), math.fsum([0.1] * 10), math.isqrt(99))
import calendar

print(calendar.month(2024, 2), calendar.isleap(1900))
