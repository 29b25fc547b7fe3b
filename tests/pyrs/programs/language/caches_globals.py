value = 1


def read():
    return value


def loop(n, change):
    out = []
    for i in range(n):
        if i == 2:
            change()
        out.append(value)
    return out


def set_value(v):
    global value
    value = v


def remove():
    global value
    del value


print(loop(4, lambda: set_value(2)), loop(4, lambda: globals().__setitem__("value", 3)))
import builtins

builtins.value = "builtin"
print(loop(4, remove))
value = 4
print(loop(4, remove))
builtins.value = "changed"
print(read())
del builtins.value
try:
    read()
except NameError as e:
    print(e)
value = 5
for i in range(200):
    globals()[f"g{i}"] = i
print(read(), g199)
for i in range(200):
    del globals()[f"g{i}"]
print(read())
real_len = len


def uses_len(n):
    out = []
    for i in range(n):
        if i == 1:
            builtins.len = lambda x: "patched"
        if i == 3:
            builtins.len = real_len
        out.append(len([1, 2]))
    return out


print(uses_len(5))


def f():
    return "f"


def calls(n):
    out = []
    for i in range(n):
        if i == 2:
            globals()["f"] = lambda: "other"
        if i == 4:
            globals()["f"] = str
        out.append(f())
    return out


print(calls(6))


def other_globals():
    import types

    g = types.FunctionType(read.__code__, {"value": "elsewhere"})
    return [g(), read(), g(), read()]


print(other_globals())
same = read.__code__
g1 = type(read)(same, {"value": 1, "__builtins__": {"x": 1}})
print(g1(), [type(read)(same, {"value": i})() for i in range(4)])
exec("value = 'exec'")
print(read())


class Ns(dict):
    def __getitem__(self, k):
        if k == "magic":
            return "from getitem"
        return super().__getitem__(k)


ns = Ns()
exec("a = magic\ndef f():\n    return a\nb = f()", ns)
print(ns["b"])
