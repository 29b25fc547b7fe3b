import enum
from dataclasses import asdict, astuple, dataclass, field, fields, replace


@dataclass(order=True)
class Item:
    name: str
    price: float = 1.0
    tags: list = field(default_factory=list, compare=False)
    total: float = field(init=False, repr=False)

    def __post_init__(self):
        self.total = self.price * 2


a, b = Item("a", 2.0), Item("b")
a.tags.append("x")
print(a, b, a < b, a == Item("a", 2.0), a.total, asdict(a), astuple(b), replace(a, name="z"), [f.name for f in fields(a)])


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0

    def __add__(self, o):
        return Point(self.x + o.x, self.y + o.y)


p = Point(1, 2)
print(p + Point(3), hash(p) == hash(Point(1, 2)), {p: 1}[Point(1, 2)])
try:
    p.x = 5
except AttributeError as e:
    print(type(e).__name__, e)


@dataclass
class Base:
    x: int


@dataclass
class Sub(Base):
    y: int = 5


print(Sub(1), Sub(1) == Base(1))
try:
    Item()
except TypeError as e:
    print(e)


class Color(enum.Enum):
    RED = 1
    GREEN = enum.auto()
    ALIAS = 1

    @property
    def lower(self):
        return self.name.lower()

    @classmethod
    def default(cls):
        return cls.GREEN


print(Color.RED, Color(2), Color["RED"], Color.ALIAS is Color.RED, list(Color), Color.RED.lower, Color.default(), Color.RED in Color)
try:
    Color(9)
except ValueError as e:
    print(e)


class Perm(enum.Flag):
    R = 4
    W = 2
    X = 1


rw = Perm.R | Perm.W
print(Perm.R in rw, Perm.X in rw, rw & Perm.R == Perm.R, rw.value, bool(Perm(0)))


class Num(enum.IntEnum):
    ONE = 1
    TWO = 2


print(Num.ONE + 1, Num.TWO > Num.ONE, Num(1).name, sorted([Num.TWO, Num.ONE])[0].name, [10, 20, 30][Num.ONE])


class Planet(enum.Enum):
    EARTH = (5.97, 6.37)
    MARS = (0.642, 3.39)

    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius

    def density(self):
        return round(self.mass / self.radius**3, 4)


print(Planet.EARTH.density(), Planet.MARS.value, len(Planet), Planet.__members__.keys())
