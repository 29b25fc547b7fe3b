import abc
import typing
from typing import Generic, NamedTuple, Protocol, TypedDict, TypeVar, runtime_checkable


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

    @property
    @abc.abstractmethod
    def name(self): ...

    def describe(self):
        return f"{self.name}: {self.area()}"

    @classmethod
    def __subclasshook__(cls, other):
        if cls is Shape and hasattr(other, "looks_like_shape"):
            return True
        return NotImplemented


class Square(Shape):
    name = "square"

    def __init__(self, s):
        self.s = s

    def area(self):
        return self.s**2


class Fake:
    looks_like_shape = True


try:
    Shape()
except TypeError as e:
    print(type(e).__name__)
print(Square(3).describe(), isinstance(Fake(), Shape), issubclass(int, Shape))
Shape.register(int)
print(isinstance(5, Shape))
T = TypeVar("T")


class Stack(Generic[T]):
    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, x: T) -> "Stack[T]":
        self.items.append(x)
        return self


print(Stack[int]().push(1).push(2).items, Stack[int].__origin__ is Stack, typing.get_type_hints(Stack.push)["return"])


@runtime_checkable
class HasLen(Protocol):
    def __len__(self) -> int: ...


print(isinstance([], HasLen), isinstance(5, HasLen))


class Employee(NamedTuple):
    name: str
    id: int = 3

    def hello(self):
        return f"I am {self.name}"


class Movie(TypedDict, total=False):
    title: str


e = Employee("x")
print(e, e.hello(), e._fields, Movie(title="t"), typing.Optional[int], list[int], dict[str, int].__args__, int | None, (int | str) == (str | int))
print(isinstance(5, int | str), typing.get_args(typing.Union[int, str]), typing.cast(int, "x"), typing.get_origin(list[int]))
import collections.abc as c


class Seq(c.Sequence):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        if not -3 <= i < 3:
            raise IndexError
        return i * 10


s = Seq()
print(list(s), s.index(10), 20 in s, list(reversed(s)), s.count(0), isinstance(s, c.Iterable))


class Map(c.MutableMapping):
    def __init__(self):
        self.d = {}

    def __getitem__(self, k):
        return self.d[k]

    def __setitem__(self, k, v):
        self.d[k] = v

    def __delitem__(self, k):
        del self.d[k]

    def __iter__(self):
        return iter(self.d)

    def __len__(self):
        return len(self.d)


m = Map()
m.update(a=1, b=2)
print(m.setdefault("c", 3), m.pop("a"), dict(m), m.get("z"), "b" in m, list(m.items()), m == {"b": 2, "c": 3}, {**m})
