log = []


def t(name, value=None):
    log.append(name)
    return value


def flush(title):
    print(title, " ".join(map(str, log)))
    log.clear()


d = {}
d[t("key", 1)] = t("value", 2)
flush("item store")
t("a", 1) + t("b", 2) * t("c", 3)
flush("arith")
t("x", [0, 1, 2])[t("i", 1)]
flush("index")
t("f", print)
(t("callee", lambda *a, **k: None))(t("1"), *t("star", []), t("2"), k=t("kw"), **t("dstar", {}))
flush("call")
{t("k1"): t("v1"), t("k2", 2): t("v2")}
flush("dict")
[t(1), t(2)], (t(3), t(4)), {t(5, 5)}
flush("displays")
t("lo", 1) < t("mid", 0) < t("never", 5)
flush("chain")
t("yes", 1) if t("cond", 0) else t("no", 2)
flush("ifexp")
a, b = t("r1", 1), t("r2", 2)
flush("tuple")


class C:
    def __setattr__(self, n, v):
        log.append(f"set {n}")

    def __getattr__(self, n):
        log.append(f"get {n}")
        return 1

    def __getitem__(self, i):
        log.append(f"get[{i}]")
        return 1

    def __setitem__(self, i, v):
        log.append(f"set[{i}]={v}")


c = C()
t("obj", c).attr = t("value")
flush("attr store")
t("obj", c).attr += t("aug", 2)
flush("aug attr")
t("obj", c)[t("idx", 5)] += t("aug", 2)
flush("aug item")
c.x, c[t("i1")], c.y = t("v", (1, 2, 3))
flush("targets")
c.p = c.q = t("chain")
flush("chained assign")
del d[t("del", 1)]
flush("del")
x = [t(i) for i in t("iter", range(3)) if t("cond", True)]
flush("comp")
f"{t('f1')}{t('f2'):{t('spec', 5) or 3}}" if 0 else t("no f")
flush("f")


def deco(name):
    t("eval " + name)
    return lambda f: t("apply " + name, f)


@deco("outer")
@deco("inner")
def fn(a=t("default", 1), *, b=t("kwdefault", 2)) -> t("ret ann"):
    pass


flush("def")


@deco("cls")
class K(t("base", object), metaclass=t("meta", type)):
    attr = t("body")


flush("class")
try:
    t("before", 1) / t("zero", 0) + t("after")
except ZeroDivisionError:
    flush("error stops")
print(t("p1", 1), t("p2", 2), end=t("end", "\n"))
flush("print")
assert t("assert", True), t("never")
flush("assert")
for t_ in t("for", ()):
    pass
with t("ctx", open(__file__)) as f:
    t("in")
flush("with")
lambda: t("not run")
flush("lambda")
s = t("slice obj", "abc")[t("start", 0) : t("stop", 2) : t("step", 1)]
flush("slice")
t("m", "x").join(t("arg", ["a"]))
flush("method")
