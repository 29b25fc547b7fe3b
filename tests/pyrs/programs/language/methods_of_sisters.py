"""Methods called on their class: they take objects of that class, not of one that is much like it."""


def told(f, *args):
    try:
        return f(*args)
    except TypeError as error:
        return str(error)


def str_methods(a, b):
    return [
        told(lambda: str.find(a, b)),
        told(lambda: str.count(a, b)),
        told(lambda: str.startswith(a, b)),
        told(lambda: str.endswith(a, b)),
        told(lambda: str.index(a, b)),
        told(lambda: str.isalpha(a)),
        told(lambda: str.isdigit(a)),
        told(lambda: str.upper(a)),
    ]


def bytes_methods(a, b):
    return [
        told(lambda: bytes.find(a, b)),
        told(lambda: bytes.count(a, b)),
        told(lambda: bytes.startswith(a, b)),
        told(lambda: bytes.endswith(a, b)),
        told(lambda: bytes.index(a, b)),
        told(lambda: bytes.isalpha(a)),
        told(lambda: bytes.isdigit(a)),
    ]


def sequence_methods(a, b):
    return [
        told(lambda: list.index(a, b)),
        told(lambda: list.count(a, b)),
        told(lambda: tuple.index(a, b)),
        told(lambda: tuple.count(a, b)),
        told(lambda: list.copy(a)),
    ]


def mapping_methods(a, b):
    return [
        told(lambda: dict.get(a, b)),
        told(lambda: list(dict.keys(a))),
        told(lambda: set.issubset(a, a)),
        told(lambda: frozenset.issubset(a, a)),
    ]


class Text(str):
    pass


class Items(list):
    def __len__(self):
        return 7


class Borrowed(bytes):
    isalpha = str.isalpha


KINDS = [
    (str_methods, [("ab", "b"), (b"ab", b"b"), (Text("ab"), "b"), (["a"], "a")]),
    (bytes_methods, [(b"ab", b"b"), ("ab", "b"), (bytearray(b"ab"), b"b")]),
    (sequence_methods, [([1, 2], 1), ((1, 2), 1), (Items([1, 2]), 1), ({1: 2}, 1)]),
    (mapping_methods, [({1: 2}, 1), ({1, 2}, 1), (frozenset({1, 2}), 1), ([1], 0)]),
]
for methods, pairs in KINDS:
    for pair in pairs:
        for _ in range(3):
            answers = methods(*pair)
        print(methods.__name__, pair, *answers, sep="\n  ")
print([told(lambda o: o.isalpha(), o) for o in (Borrowed(b"ab"), "ab", b"ab") for _ in range(2)])


# indices that are no C ints
def pick(i, w):
    return [w][i]


def far(w):
    return pick(2**32, w)


def farther(w):
    return (w, 7)[2**32 + 1]


def before(w):
    return (w, 7)[-(2**32)]


for item in (far, farther, before):
    answers = []
    for k in range(40):
        try:
            answers.append(item(k))
        except IndexError as error:
            answers.append(str(error))
    print(item.__name__, set(answers))
