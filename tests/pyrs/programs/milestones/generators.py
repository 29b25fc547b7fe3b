def count(n):
    i = 0
    while i < n:
        yield i
        i += 1


def squares(numbers):
    for x in numbers:
        yield x * x


def chain(*parts):
    for part in parts:
        yield from part


def averages():
    total = count = 0
    average = None
    while True:
        x = yield average
        total += x
        count += 1
        average = total / count


def cleanup():
    try:
        yield 1
        yield 2
    finally:
        print("closed")


def answer():
    x = yield from count(2)
    print("inner returned", x)
    return "done"


def walk(tree):
    if tree:
        left, value, right = tree
        yield from walk(left)
        yield value
        yield from walk(right)


print(list(squares(count(5))), sum(x for x in count(10) if x % 2))
print(list(chain(count(2), "ab", squares([7]))))
a = averages()
next(a)
print(a.send(10), a.send(20), a.send(60))
g = cleanup()
print(next(g))
g.close()
for x in cleanup():
    print(x)
    break
del g
a = answer()
print(next(a), next(a))
try:
    next(a)
except StopIteration as stop:
    print("value:", stop.value)
g = averages()
next(g)
try:
    g.throw(KeyError("k"))
except KeyError as e:
    print("thrown", e)
print(list(walk((((None, 1, None), 2, (None, 3, None)), 4, (None, 5, None)))))
print(next(count(0), "default"))
