def read(lines):
    for line in lines:
        yield line.strip()


def parse(lines):
    for line in lines:
        if not line or line.startswith("#"):
            continue
        key, _, value = line.partition("=")
        yield key.strip(), int(value)


def window(items, n):
    last = []
    for item in items:
        last.append(item)
        if len(last) == n:
            yield tuple(last)
            last.pop(0)


def take(n, items):
    for _, item in zip(range(n), items):
        yield item


def primes():
    found = []
    n = 2
    while True:
        if all(n % p for p in found):
            found.append(n)
            yield n
        n += 1


def coroutine(f):
    def start(*args):
        g = f(*args)
        next(g)
        return g

    return start


@coroutine
def grep(word, target):
    while True:
        line = yield
        if word in line:
            target.send(line)


@coroutine
def collect(into):
    while True:
        into.append((yield))


text = ["# c", "a = 1", "", "b=22", " c = 3 "]
print(dict(parse(read(text))))
print(list(window(range(6), 3)))
print(list(take(15, primes())))
found = []
g = grep("x", collect(found))
for word in "axe tree box".split():
    g.send(word)
print(found)


def interleave(*sources):
    sources = [iter(s) for s in sources]
    while sources:
        for s in list(sources):
            try:
                yield next(s)
            except StopIteration:
                sources.remove(s)


print(list(interleave("abc", range(2), take(4, primes()))))
print(list(zip(*[iter(range(6))] * 2)), dict(enumerate(x * x for x in range(3))))
print(sum(1 for _ in take(100, primes())), max(take(50, primes())))
