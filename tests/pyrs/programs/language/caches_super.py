"""Zero-argument super() at sites that see many classes, and classes that change under them."""


class Base:
    def who(self):
        return "Base"

    def __init__(self, *args):
        self.args = args


class Left(Base):
    def who(self):
        return "Left>" + super().who()

    def kept(self):
        above = super()
        return above.who(), above.who(), type(above).__name__, above.__thisclass__.__name__


class Right(Base):
    def who(self):
        return "Right>" + super().who()


class Both(Left, Right):
    def who(self):
        return "Both>" + super().who()

    @classmethod
    def made(cls):
        return super().__name__ if hasattr(super(), "__name__") else "no name"

    def rebound(self, other):
        self = other
        return super().who()

    def cell(self):
        def inner():
            return self
        return super().who(), inner() is self

    def other_type(self):
        self = 5
        try:
            return super().who()
        except TypeError as e:
            return str(e)

    def gone(self):
        del self
        try:
            return super().who()
        except RuntimeError as e:
            return str(e)


for turn in range(3):
    for o in (Left(), Right(), Both(), Both(1, 2)):
        print(turn, o.who(), end="; ")
    print()
b = Both()
print(b.kept(), b.cell(), b.rebound(Both()), b.other_type(), b.gone(), Both.made())

Base.who = lambda self: "changed"
print(b.who(), Left().who())
Right.who = lambda self: "right"
print(b.who(), Left().who())
del Right.who
print(b.who())
Left.__bases__ = (Right,)
print(b.who(), Left().who(), [c.__name__ for c in Both.__mro__])


class Error(Exception):
    def __init__(self, text, code):
        super().__init__(text)
        self.code = code

    def __str__(self):
        return f"{super().__str__()} ({self.code})"


class Worse(Error):
    def __init__(self, text):
        super().__init__(text.upper(), 7)


for i in range(3):
    try:
        raise Worse("oh") if i else Error("hm", i)
    except Error as e:
        print(repr(e), str(e), e.args, e.code)


class Attribute(Base):
    def who(self):
        try:
            return super().nothing()
        except AttributeError as e:
            return str(e)

    def static(self):
        return super().helper(3)


Base.helper = staticmethod(lambda x: x * 2)
print([Attribute().who() for _ in range(2)], [Attribute().static() for _ in range(2)])
Base.helper = classmethod(lambda cls, x: (cls.__name__, x))
print(Attribute().static())


class Counting(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, value + 1)

    def get(self, key):
        return super().get(key, "none")


c = Counting()
for i in range(3):
    c[i] = i
print(c, c.get(1), c.get(9), len(c))
try:
    super().who()
except RuntimeError as e:
    print(e)


def free(self):
    return super().who()


Base.free = free
try:
    print(b.free())
except RuntimeError as e:
    print(e)
