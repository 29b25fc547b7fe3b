def pair():
    value = []

    def push(x):
        value.append(x)

    def get():
        return value

    return push, get


push, get = pair()
push(1)
push(2)
print(get(), push.__closure__[0] is get.__closure__[0])


def loop_cells():
    result = []
    for i in range(3):
        j = i * 10

        def f():
            return i, j

        result.append(f)
    return [f() for f in result]


print(loop_cells())


def argument_cell(a, *rest, k=1, **more):
    def show():
        return a, rest, k, more

    a += 1
    k *= 2
    return show()


print(argument_cell(1, 2, 3, k=4, z=5))


def make_accumulators(n):
    total = 0

    def make(by):
        def add():
            nonlocal total
            total += by
            return total

        return add

    return [make(k) for k in range(n)]


adders = make_accumulators(4)
print([add() for add in adders], [add() for add in adders])


class Holder:
    x = "class"

    def method(self):
        x = "method"

        def inner():
            return x, __class__.__name__

        return inner()


print(Holder().method())
