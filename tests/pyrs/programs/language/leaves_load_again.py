"""Small functions that load the same attribute more than once, on ways that part and meet, with stores
between; and calls of them whose ways end in different stores."""


class Node:
    def __init__(self, x, next=None):
        self.x = x
        self.mark = 0
        self.next = next or self

    def squared(self):
        return self.x * self.x + self.x

    def two_ways(self, other):
        if self.x > other.x:
            bigger = self.x - other.x
        else:
            bigger = other.x - self.x
        return bigger, self.x, other.x

    def loaded_in_one(self, other, c):
        if c:
            y = other.x
        else:
            y = self.x
        return y, other.x, self.x

    def walked(self):
        here = self
        if here.x < 3:
            here = here.next
        elif here.x < 5:
            here = here.next.next
        return here.x, self.x, here.next.x

    def through(self, other):
        was = self.next.x
        other.next.x = was + 10
        return self.next.x, was, other.next.x

    def set_or_leave(self, other):
        if self.x == other.x:
            self.next.x = 100 + self.next.x
        else:
            return -1
        other.x = other.next.x
        return other.x

    def mark_or_leave(self, other):
        if self.next.x == other.next.x:
            self.next.mark = 229 + self.next.mark
        else:
            return -1
        other.next.x = other.x
        return other.x

    def marked(self, other):
        return other.mark_or_leave(self)

    def called(self, other):
        return other.set_or_leave(self)

    def called_twice(self, other):
        return other.set_or_leave(self) + self.set_or_leave(other)

    def scaled(self):
        return SCALE * self.x + SCALE * self.next.x + SCALE


SCALE = 3


class Counts(Node):
    """One whose x is computed."""

    asked = 0

    @property
    def x(self):
        Counts.asked += 1
        return Counts.asked

    @x.setter
    def x(self, value):
        pass


def tried(f, *args):
    for _ in range(40):
        try:
            result = f(*args)
        except Exception as e:
            result = repr(e)
    return result


def called_in_loop(n, m):
    """From a site of its own, where one of them is part of the other."""
    for _ in range(40):
        result = n.called(m), n.called_twice(m), n.x, n.marked(m), n.marked(n)
    return result


a = Node(2)
b = Node(4, a)
a.next = c = Node(4, b)
for f in ("squared", "walked", "scaled"):
    print(f, [tried(getattr(n, f)) for n in (a, b, c)])
for f in ("two_ways", "through", "set_or_leave", "called", "called_twice"):
    for n in (a, b, c):
        for m in (a, b, c):
            print(f, tried(getattr(n, f), m), [k.x for k in (a, b, c)])
            a.x, b.x, c.x = 2, 4, 4
for n, m in (b, c), (b, b), (a, b):
    print("in a loop", called_in_loop(n, m), [(k.x, k.mark) for k in (a, b, c)])
    a.x, b.x, c.x = 2, 4, 4
print([tried(a.loaded_in_one, b, i) for i in (0, 1)])
d = Counts(1, a)
print(tried(d.squared), tried(d.two_ways, a), tried(a.two_ways, d), Counts.asked)
SCALE = 2.5
print(tried(a.scaled))
del SCALE
print(tried(a.scaled))
a.next = b.next = c.next = d.next = None
