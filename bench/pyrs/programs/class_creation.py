"""Classes made at run time, and many short-lived instances of them."""

GROUP = "object_model"
N = 120_000
EXPECTED = 1198200


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


class Slotted:
    __slots__ = ("value", "next")

    def __init__(self, value, next):
        self.value = value
        self.next = next


def make(k):
    class Local(Point):
        scale = k

        def area(self):
            return self.x * self.y * self.scale

    return Local


def run(n):
    total = 0
    for k in range(n // 200):
        total += make(k)(2, 3).area()
    head = None
    for i in range(n):
        p = Point(i, 1)
        total += p.x + p.y
        head = Slotted(p, head)
    while head is not None:
        total -= head.value.x
        head = head.next
    return total


if __name__ == "__main__":
    print(run(N))
