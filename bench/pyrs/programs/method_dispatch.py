"""Methods on instances of several classes: inherited, overridden, through super()."""

GROUP = "object_model"
N = 300_000
EXPECTED = 3825000


class Shape:
    def __init__(self, size):
        self.size = size

    def area(self):
        return 0

    def name(self):
        return "shape"

    def grow(self, by):
        self.size += by
        return self


class Square(Shape):
    def area(self):
        return self.size * self.size

    def name(self):
        return "square"


class Bar(Shape):
    def area(self):
        return self.size * 3


class Thick(Bar):
    def area(self):
        return super().area() + 1

    @property
    def width(self):
        return self.size + 1


def run(n):
    shapes = [Shape(1), Square(2), Bar(3), Thick(4)]
    total = 0
    for i in range(n):
        shape = shapes[i & 3]
        total += shape.area() + len(shape.name())
        if i % 1000 == 0:
            shape.grow(1)
    thick = shapes[3]
    for _ in range(n):
        total += thick.width - thick.size
    return total


if __name__ == "__main__":
    print(run(N))
