def counter():
    n = 0

    def step(by=1):
        nonlocal n
        n += by
        return n

    def reset():
        nonlocal n
        n = 0

    return step, reset


step, reset = counter()
other, _ = counter()
print(step(), step(5), other(), step())
reset()
print(step(), other())
print(step.__closure__[0].cell_contents, step.__code__.co_freevars)

functions = [lambda: i for i in range(3)]
print([f() for f in functions])
functions = [lambda i=i: i for i in range(3)]
print([f() for f in functions])


def three_levels(a):
    def second(b):
        def third(c):
            return a, b, c, [a + b + c for _ in range(2)]

        return third

    return second


print(three_levels(1)(2)(3))


def late():
    def inner():
        return value

    try:
        inner()
    except NameError as e:
        print(type(e).__name__, e)
    value = "bound later"
    return inner()


print(late())


def deleted():
    x = 1

    def inner():
        return x

    del x
    try:
        inner()
    except NameError as e:
        print(type(e).__name__, e)
    x = 2
    return inner()


print(deleted())
