ns = {}
exec("x = 1\ndef f(y):\n    return x + y\nclass C:\n    z = x\n", ns)
print(ns["f"](5), ns["C"].z, sorted(k for k in ns if k[0] != "_"))
print(eval("a + b", {"a": 1}, {"b": 2}), eval("[x for x in range(3)]"), eval(" 1 + 1 "))
code = compile("result = [i * k for i in range(3)]", "<made>", "exec")
k = 3
exec(code)
print(result)
print(eval(compile("k * 2", "<e>", "eval")), code.co_filename, code.co_names)
exec(compile("1 + 1\nprint('printed')", "<s>", "exec"))
exec(compile("5 + 5", "<s>", "single"))


def with_locals():
    a = 1
    exec("a = 2; b = 3")
    return a, "b" in locals(), eval("a + 10")


print(with_locals())


class Mapping(dict):
    def __missing__(self, key):
        print("missing", key)
        if key.startswith("auto"):
            return len(key)
        raise KeyError(key)


print(eval("autox + 1", {}, Mapping()))
try:
    eval("nothing", {}, Mapping())
except NameError as e:
    print(e)
exec("u = v = 5\ndel v\nfor i in range(2): u += i", m := Mapping())
print(sorted(x for x in m if x[0] != "_"))
for bad in ("1 +", "x = 1", "def", "(", "a b", "'unclosed", "return 5", "break", "f(**k, *a)", "x: int = = 2"):
    try:
        eval(bad)
    except SyntaxError as e:
        print(type(e).__name__, e.lineno)
for bad in (lambda: exec(5), lambda: eval(None), lambda: compile("x", "f", "wrong"), lambda: exec("", 5), lambda: eval("1", {}, 5)):
    try:
        bad()
    except (TypeError, ValueError) as e:
        print(type(e).__name__)
exec("raise_it = lambda: 1/0")
try:
    raise_it()
except ZeroDivisionError as e:
    print(e, e.__traceback__.tb_next.tb_frame.f_code.co_filename)
g = {"__builtins__": {"print": lambda *a: print("restricted", *a)}}
exec("print('x')", g)
try:
    exec("len([])", g)
except NameError as e:
    print(e)
exec("import math as mm\nglobal_made = mm.floor(2.7)")
print(global_made)
f = eval("lambda x, *a, k=1: (x, a, k)")
print(f(1, 2, k=3), f.__code__.co_varnames, f.__name__)


def outer():
    v = "closed"

    def inner():
        return eval("v", globals(), {"v": v})

    return inner()


print(outer())
import types

fn = types.FunctionType(compile("def q(n): return n * w", "<q>", "exec").co_consts[0], {"w": 7})
print(fn(6), types.FunctionType(fn.__code__, {"w": 2})(6))
code2 = (lambda a, b=2: a + b).__code__.replace(co_name="renamed")
h = types.FunctionType(code2, globals(), argdefs=(10,))
print(h(1), h.__name__)


def swap():
    return "old"


def other():
    return "new"


print(swap())
swap.__code__ = other.__code__
print(swap())
for i in range(3):
    exec(f"dyn_{i} = {i} ** 2")
print(dyn_0, dyn_1, dyn_2)
