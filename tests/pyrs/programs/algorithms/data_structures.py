class Tree:
    class Node:
        __slots__ = ("key", "left", "right")

        def __init__(self, key):
            self.key, self.left, self.right = key, None, None

    def __init__(self, items=()):
        self.root, self.size = None, 0
        for x in items:
            self.add(x)

    def add(self, key):
        where, side, node = None, None, self.root
        while node is not None:
            if key == node.key:
                return
            where, side = node, "left" if key < node.key else "right"
            node = getattr(node, side)
        new = self.Node(key)
        if where is None:
            self.root = new
        else:
            setattr(where, side, new)
        self.size += 1

    def __iter__(self):
        def walk(n):
            if n:
                yield from walk(n.left)
                yield n.key
                yield from walk(n.right)

        return walk(self.root)

    def __contains__(self, key):
        n = self.root
        while n and n.key != key:
            n = n.left if key < n.key else n.right
        return n is not None

    def __len__(self):
        return self.size

    def height(self):
        def h(n):
            return 0 if n is None else 1 + max(h(n.left), h(n.right))

        return h(self.root)


t = Tree([50, 30, 70, 20, 40, 60, 80, 30])
print(list(t), len(t), 40 in t, 45 in t, t.height(), bool(Tree()))


class LRU:
    def __init__(self, size):
        self.size, self.data = size, {}

    def get(self, k):
        if k not in self.data:
            return -1
        v = self.data.pop(k)
        self.data[k] = v
        return v

    def put(self, k, v):
        self.data.pop(k, None)
        self.data[k] = v
        if len(self.data) > self.size:
            del self.data[next(iter(self.data))]


c = LRU(2)
c.put(1, 1), c.put(2, 2)
print(c.get(1), c.put(3, 3), c.get(2), list(c.data))


class Linked:
    def __init__(self, *items):
        self.head = None
        for x in reversed(items):
            self.head = (x, self.head)

    def __iter__(self):
        n = self.head
        while n:
            x, n = n
            yield x

    def reversed(self):
        out = Linked()
        for x in self:
            out.head = (x, out.head)
        return out

    def __repr__(self):
        return " -> ".join(map(repr, self))


print(Linked(1, "b", None), Linked(*"abc").reversed(), list(Linked()))


class Trie:
    def __init__(self):
        self.kids, self.end = {}, False

    def add(self, word):
        node = self
        for ch in word:
            node = node.kids.setdefault(ch, Trie())
        node.end = True

    def words(self, prefix=""):
        if self.end:
            yield prefix
        for ch in sorted(self.kids):
            yield from self.kids[ch].words(prefix + ch)


trie = Trie()
for w in "to tea ten inn in i".split():
    trie.add(w)
print(list(trie.words()), list(trie.kids["t"].words("t")))


class Matrix:
    def __init__(self, rows):
        self.rows = [list(r) for r in rows]

    def __matmul__(self, o):
        return Matrix([[sum(a * b for a, b in zip(r, c)) for c in zip(*o.rows)] for r in self.rows])

    def __pow__(self, n):
        if n == 0:
            return Matrix([[int(i == j) for j in range(len(self.rows))] for i in range(len(self.rows))])
        half = self ** (n // 2)
        return half @ half @ self if n % 2 else half @ half

    def __getitem__(self, key):
        i, j = key
        return self.rows[i][j]

    def __eq__(self, o):
        return self.rows == o.rows


print((Matrix([[1, 1], [1, 0]]) ** 200)[0, 1], Matrix([[2]]) ** 10 == Matrix([[1024]]))


class Observable:
    def __init__(self):
        self.handlers = {}

    def on(self, event):
        def register(f):
            self.handlers.setdefault(event, []).append(f)
            return f

        return register

    def emit(self, event, *args):
        return [f(*args) for f in self.handlers.get(event, [])]


o = Observable()


@o.on("x")
@o.on("y")
def handler(*a):
    return sum(a)


o.on("x")(lambda *a: max(a))
print(o.emit("x", 1, 2), o.emit("y", 3), o.emit("z"))


def huffman(text):
    import heapq
    from itertools import count

    ids = count()
    heap = [(text.count(ch), next(ids), ch) for ch in sorted(set(text))]
    heapq.heapify(heap)
    while len(heap) > 1:
        (a, _, x), (b, _, y) = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (a + b, next(ids), (x, y)))
    codes = {}

    def walk(n, code):
        if isinstance(n, tuple):
            walk(n[0], code + "0")
            walk(n[1], code + "1")
        else:
            codes[n] = code or "0"

    walk(heap[0][2], "")
    return codes, "".join(codes[ch] for ch in text)


codes, bits = huffman("abracadabra")
print(sorted(codes.items()), bits, len(bits))


class Fraction2:
    def __init__(self, n, d=1):
        from math import gcd

        g = gcd(n, d) * (-1 if d < 0 else 1)
        self.n, self.d = n // g, d // g

    def __add__(self, o):
        o = o if isinstance(o, Fraction2) else Fraction2(o)
        return Fraction2(self.n * o.d + o.n * self.d, self.d * o.d)

    __radd__ = __add__

    def __repr__(self):
        return f"{self.n}/{self.d}"


print(sum(Fraction2(1, k) for k in range(1, 30)), Fraction2(2, -4) + 1)
