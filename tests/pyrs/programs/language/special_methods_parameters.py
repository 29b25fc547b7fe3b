# Special methods with *args, ** and keyword-only parameters, after such functions were called
# in every other way: each parameter has its value, every time.

class Words:
    def __new__(cls, *words, sep="-", **more):
        return cls.make(words, sep, more)

    @classmethod
    def make(cls, words, sep, more):
        self = object.__new__(cls)
        self.text = sep.join([str(w) for w in words]) + str(sorted(more))
        return self


class Init:
    def __init__(self, *words, start=1, end):
        self.all = words, start, end


class Half:
    def __new__(cls, top=0, bottom=None, *, reduced=True):
        self = object.__new__(cls)
        self.all = top, bottom, reduced
        return self


class Operators:
    def __init__(self, n):
        self.n = n

    def __add__(self, *others):
        return self.n, others

    def __getitem__(self, key, *more, strict=True):
        return key, more, strict

    def __eq__(self, other, *more, strict=True):
        return strict and not more

    def __call__(self, *args, key="k"):
        return args, key

    def __len__(self, *none, length=3):
        return length + len(none)

    def __bool__(self, *none, truth=False):
        return truth or bool(none)

    def __getattr__(self, name, *more, value=5):
        return name, more, value

    def __setitem__(self, *all, done=1):
        self.stored = len(all), done

    def __contains__(self, item, *, found=True):
        return found

    def __iter__(self, *more, items="ab"):
        return iter((items, more))

    def __enter__(self, *more, result="entered"):
        return result, more

    def __exit__(self, *why, swallow=True):
        return swallow

    def __neg__(self, *more, sign=-1):
        return sign * self.n, more

    def __repr__(self, *more, name="Operators"):
        return f"{name}{more}"

    def __hash__(self, *more, value=7):
        return value

    def __format__(self, *spec, name="F"):
        return name + str(spec)

    @property
    def prop(self, *more, value="p"):
        return value, more


def through_c(function, *args):
    """As C code calls it: by then it was called from there, and its code is known."""
    return list(map(function, *[[a] for a in args]))


print(through_c(Words.__new__, Words)[0].text, through_c(Half.__new__, Half)[0].all)
o = Operators(4)
for name in ("__add__", "__getitem__", "__eq__", "__getattr__", "__contains__"):
    print(name, through_c(getattr(Operators, name), o, 1))
for name in ("__call__", "__len__", "__bool__", "__iter__", "__enter__", "__neg__", "__repr__", "__hash__", "__format__"):
    print(name, [x if not hasattr(x, "__next__") else list(x) for x in through_c(getattr(Operators, name), o)])
for turn in range(12):
    row = [
        Words().text, Words("a").text, Words("a", 2, sep="+", x=1).text,
        Init(end=2).all, Init(1, 2, end=3).all, Init(*"ab", start=0, end=4).all,
        Half().all, Half(3).all, Half(3, 4).all, Half(1, reduced=False).all,
        o + 1, o[2], o == 3, o(), o(1), o(1, 2, key=3), len(o), bool(o), not o, o.missing,
        4 in o, list(o), -o, o.prop, repr(o), str(o), hash(o), f"{o}", f"{o!r}", f"{o:>3}", format(o, "x"),
        getattr(o, "gone"), hasattr(o, "gone"), getattr(o, "gone", None),
    ]
    o[1] = 2
    with o as entered:
        raise ValueError
    row += [o.stored, entered, [x for x in o]]
    if turn in (0, 11):
        for cell in row:
            print(cell)
    elif turn == 1:
        second = row
    assert turn < 2 or row == second
try:
    Init(1)
except TypeError as e:
    print(e)
