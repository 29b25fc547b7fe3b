def say(x):
    print("say", x.__name__ if callable(x) else x)
    return x


def take(*args, **kwargs):
    return args, kwargs


print(take(say(1), *say([2, 3]), say(4), k=say(5), **say({"m": 6})))


class Source:
    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        print("iter")
        return iter(self.items)

    def keys(self):
        print("keys")
        return [str(i) for i in self.items]

    def __getitem__(self, key):
        print("get", key)
        return key * 2


print(take(*Source(1, 2), **Source(3, 4)))
say(take)(say(1), b=say(2))
say([10, 20, 30])[say(1)] = say(5)
d = {say("a"): say(1), say("b"): say(2)}
x = [say(1) + say(2) * say(3), say(4) if say(0) else say(5)]
print(say(1) < say(2) < say(3), say(3) < say(2) < say(1))
print(say(0) or say("") or say("last"), say(1) and say(0) and say(2))


@say
def decorated(a=say("default")) -> say("annotation"):
    pass


a, *b = say((1, 2, 3))
(c, d), e = say(((1, 2), 3))
print(a, b, c, d, e)
i = 0
values = [0, 0, 0]
i, values[i] = 1, 9
print(i, values)
