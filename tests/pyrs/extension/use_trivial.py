import trivial
from trivial import Counter

print(trivial.answer(), trivial.twice(21), trivial.twice("ab"), trivial.add(1), trivial.add(1, 2))
print(trivial.scale(1.5), trivial.scale(value=3, by=0.5), trivial.count(), trivial.count(1, 2, 3))


def square(x):
    return x * x


print(trivial.call(square, 5), trivial.call(lambda x: [x], 2))
print(trivial.call(lambda x: trivial.call(square, x), 4))


class Loud(Counter):
    def step(self):
        value = super().step()
        print("step", value)
        return value * 10


counter = Counter(start=1)
print(counter.step(), counter(), list(counter), list(Counter()))
loud = Loud(5)
print(loud.step(), loud(), isinstance(loud, Counter), trivial.call(lambda _: loud(), 2))


def bad(x):
    if x == 2:
        raise KeyError(x)
    return x


for attempt in (
    lambda: trivial.add("x"),
    lambda: trivial.answer(1),
    lambda: trivial.twice(),
    lambda: trivial.scale(1, to=2),
    lambda: trivial.fail("told so"),
    lambda: trivial.call(bad, 5),
    lambda: Counter("x"),
):
    try:
        print(attempt())
    except Exception as e:
        print(type(e).__name__, e)
trivial.call(bad, 3)
