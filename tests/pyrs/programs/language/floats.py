inf, nan = float("inf"), float("nan")
print(0.1 + 0.2, 1 / 3, 1e308 * 10, -1e308 * 10, 5e-324 / 2, 7.5 // 2, -7.5 // 2, 7.5 % 2, -7.5 % 2, 2.0**0.5, 2.0**-1)
print(nan == nan, nan != nan, nan < 1, nan > 1, nan is nan, nan in [nan], [nan] == [nan], [nan].index(nan), {nan: 1}[nan])
print(0.0 == -0.0, 0.0 is -0.0, str(-0.0), 1 / inf, -1 / inf, inf - inf, inf * 0, inf == inf, -inf < inf, max(1.0, nan), min(nan, 1.0))
print(int(1e18), int(-1.9), round(2.675, 2), round(0.5), round(1.5), round(-0.5), 3.0.is_integer(), (0.5).as_integer_ratio(), (1.5).hex())
print(1.0 == 1, hash(1.0) == hash(1), {1: "int"}[1.0], 1e16 + 1, 2**53 + 1.0, 0.1 * 3, 1e22, 1e21, 123456789.123456789, 1e-5, 0.0001)
print(divmod(7.5, 2), divmod(-7.5, 2), abs(-2.5), -(-2.5), +1.5, 5 / 2.5, 5 - 2.5, 2.5 * 2, 2.5 + True, 1.5**2, (-8.0) ** (1 / 3))
for bad in (lambda: 1.0 / 0, lambda: 1.0 // 0, lambda: 1.0 % 0, lambda: int(nan), lambda: int(inf), lambda: 10.0**400, lambda: 0.0**-1,
            lambda: float("abc"), lambda: 1.0 << 2, lambda: 1.5 + "a", lambda: round(nan), lambda: float(10**400)):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)
total = 0.0
for i in range(1000):
    total += 0.1
print(total, sum([0.5] * 10), sum(x / 3 for x in range(5)))
x = 1.0
for _ in range(60):
    x = x * 2 - 0.5
print(x)


def mean(xs):
    return sum(xs) / len(xs)


def newton(n):
    x = n
    while abs(x * x - n) > 1e-12:
        x = (x + n / x) / 2
    return x


print(mean([1, 2, 3.5]), newton(2.0), newton(2), newton(1e10))
items = [nan, 1.0, nan]
print(items.count(nan), items.count(float("nan")), nan in (1, nan), float("nan") in items, sorted([3.0, 1, 2.5]))
y = nan
print(y is nan, (y,) == (nan,), [y] == [nan], {y} == {nan}, len({nan, y, float("nan")}))
z = inf - inf
w = z
print(z is w, z == w, [z] == [w], z in [w])
print(1.5 < 2 <= 2.0 < inf, 1 < nan < 3, complex(1, -0.0), 1j * 1j, abs(3 + 4j), (1 + 2j).conjugate(), complex("nan+1j"))
a = 1.5
a += 1
a *= 2
a -= 0.5
a /= 3
a //= 1
a **= 2
a %= 2
print(a, 3.7 // 1, -3.7 // 1, 3.7 % -1, 1e300 * 1e10 == inf, 2**0.5 == 2.0**0.5, 4**0.5, 10 // 2.5, 1_0.5)
