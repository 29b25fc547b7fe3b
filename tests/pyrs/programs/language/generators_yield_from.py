def inner():
    try:
        x = yield "a"
        print("inner got", x)
        y = yield "b"
        print("inner got", y)
    except KeyError as e:
        print("inner caught", e)
        return "from except"
    finally:
        print("inner done")
    return "inner result"


def outer():
    result = yield from inner()
    print("outer got", result)
    result = yield from [1, 2]
    print("list gives", result)
    return "outer result"


def run(g):
    result = yield from g
    print("run:", result)


g = run(outer())
print(next(g), g.send(1), g.send(2), next(g), next(g, "end"))
g = run(outer())
print(next(g), g.throw(KeyError("k")))
g.close()
g = run(outer())
next(g)
g.close()


class Custom:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n > 2:
            raise StopIteration("custom end")
        return self.n

    def send(self, value):
        print("custom send", value)
        return self.__next__()

    def throw(self, *args):
        print("custom throw", args[0] if isinstance(args[0], type) else type(args[0]))
        raise StopIteration("thrown end")


g = run(Custom())
print(next(g), g.send("s"))
print(next(g, "end"))
g = run(Custom())
next(g)
try:
    g.throw(ValueError("v"))
except StopIteration:
    print("ended by throw")


def chain(n):
    if n:
        yield from chain(n - 1)
    yield n


print(list(chain(20)), sum(chain(100)))


def flatten(x):
    if isinstance(x, list):
        for item in x:
            yield from flatten(item)
    else:
        yield x


print(list(flatten([1, [2, [3, [4]], 5], [[[6]]]])))
try:
    next(run(5))
except TypeError as e:
    print(e)
