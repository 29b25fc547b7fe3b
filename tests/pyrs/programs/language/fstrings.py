name, n, pi = "Ann", 42, 3.14159
print(f"{name} {n:5d}|{n:<5}|{n:>5}|{n:^5}|{n:05}|{n:+}|{n:x}|{n:#b}|{n:,}|{10**9:_}")
print(f"{pi:.2f} {pi:10.3f} {pi:e} {pi:g} {0.5:%} {pi!r} {name!s:>6} {name!r} {'é'!a}")
print(f"{{}} {{{n}}} {n}{n} {'nested ' + f'{n:{5}}'} {n:{n // 10}} {pi:>{2 * 4}.{3}}")
width, precision = 10, 3
print(f"{pi:{width}.{precision}f}|{name:*^{width}}|{n!r:>{width}}")
print(f"{n=} {n = } {n + 1=:>5} {name=!s}")
print(f"{[x * 2 for x in range(3)]} {(lambda x: x + 1)(5)} { {'a': 1}['a'] } {n if n > 5 else 0}")
print(f"{'a' 'b'}" f"{n}" "plain" rf"\{n}")
print(
    f"""multi
{name}
  {n}"""
)


class F:
    def __format__(self, spec):
        return f"F({spec})"

    def __str__(self):
        return "str"

    def __repr__(self):
        return "repr"


print(f"{F()} {F():abc} {F()!s} {F()!r:>6} {F():{name}{n}}")
import datetime

print(f"{datetime.date(2024, 1, 2):%Y/%m/%d}")
for bad in ("f'{n:q}'", "f'{name:d}'", "f'{None:5}'", "f'{[]:>3}'"):
    try:
        print(eval(bad))
    except (ValueError, TypeError) as e:
        print(type(e).__name__, e)
print("%s %r %5.2f %d%% %x %-5s|" % ("a", "b", pi, 3.9, 255, "l"))
print("%(a)s-%(b)03d" % {"a": 1, "b": 2}, "%s" % (1,), "%s" % [1], "%c%c" % ("x", 121))
print("{} {1} {0}".replace("{} ", "").format("a", "b"), "{a.real} {b[0]} {b[k]}".format(a=3, b={0: 1, "k": 2}))
print("{:>{w}} {!r:5} {:,}".format("x", "y", 1234567, w=4), format(255, "08b"), format("s", "^5"))
for bad in (lambda: "%d" % "x", lambda: "%s %s" % (1,), lambda: "%s" % (1, 2), lambda: "{} {}".format(1)):
    try:
        bad()
    except (TypeError, IndexError) as e:
        print(type(e).__name__, e)
print(f"{1_000_000:,.2f} {-5:=+6} {True} {None} {...} {1e100:.3g} {10**20} {float('nan'):5} {-0.0}")
print(f"{3 + 4j} {b'x'} {range(3)} {print.__name__}")
