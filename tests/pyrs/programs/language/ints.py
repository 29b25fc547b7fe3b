print(7 // 2, -7 // 2, 7 // -2, -7 // -2, 7 % 3, -7 % 3, 7 % -3, -7 % -3, divmod(-7, 3), 2**10, 2**-1, (-2) ** 3, 0**0)
print(6 & 3, 6 | 3, 6 ^ 3, ~6, 1 << 70, (1 << 70) >> 68, -1 >> 5, -5 & 0xFF, 5 & -2)
print(10**30, 10**30 // 7, -(10**30) % 7, 10**30 * 10**30 // 10**59, (10**30).bit_length(), pow(3, 1000, 10**9 + 7))
for base in (46, 47, 48, 49, 61, 62, 63, 64):
    b = 2**base
    print(base, b - 1, b, b + 1, -b, -b - 1, b * 2, b * b, b - b + 1, (b - 1) * (b + 1) == b * b - 1, b // 3, -b // 3, b % 1000)
n = 2**47
for _ in range(4):
    n += n
    print(n, -n, n - 1, n ^ (n - 1))
i = 140737488355327
for _ in range(3):
    i += 1
    print(i, -i)
i = 281474976710655
for _ in range(3):
    i += 1
    print(i, -i, i * i)
f = 1
for k in range(1, 30):
    f *= k
print(f, f // (f - 1), f % 10**9)
print(int(2.9), int(-2.9), int("ff", 16), int(True), round(2.5), round(3.5), round(-2.5), round(1234, -2), abs(-(2**70)))
print(1 == 1.0, 2**53 == 2.0**53, 2**53 + 1 == 2.0**53, 10**400 > 1e308, 1 < 2.5, True == 1, True + True, -True, hash(2**61 - 1))
for bad in (lambda: 1 // 0, lambda: 1 % 0, lambda: 1 / 0, lambda: divmod(1, 0), lambda: 0**-1, lambda: 1 << -1, lambda: 10**400 / 3,
            lambda: 1 + None, lambda: "a" - 1, lambda: -"a", lambda: ~1.5, lambda: 1 & 1.0, lambda: int("0x"), lambda: pow(2, -1, 4)):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)
print((5).bit_count(), (255).to_bytes(2, "big"), (5).__add__(6), (5).real, (5).__class__.__name__, 1_000, 0b101, 0o17, 0xFF)


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


print([collatz(n) for n in (1, 7, 27, 97, 871)], sum(i * i for i in range(1000)), sum(range(-5, 100, 7)))
a = b = 5
a += 3
a -= 1
a *= 4
a //= 3
a %= 7
a **= 3
a <<= 2
a >>= 1
a |= 8
a &= 29
a ^= 3
print(a, b)
a = 7
a /= 2
print(a, 7 / 2, 4 / 2, -(2**63) // -1, (2**63) * -1, 3 * -(2**62))
