"""Numbers written in every base and format, around each power: no digit too many, none too few."""

import zlib


def texts(i):
    return (
        str(i),
        repr(i),
        hex(i),
        f"{i}",
        f"{i}:{i}",
        f"{i:d}",
        f"{i:x}",
        f"{i:X}",
        f"{i:o}",
        f"{i:b}",
        f"{i:,}",
        f"{i:8}",
        f"{i:<8}|",
        f"{i:^30}|",
        f"{i:05}",
        f"{i:3x}",
        f"{i:012b}",
        f"{i!r:>4}",
        "%d" % i,
    )


def around(base, exponent):
    for distance in (-2, -1, 0, 1, 2):
        yield base**exponent + distance
        yield -(base**exponent + distance)


def every_power(base):
    for exponent in range(66):
        lines = [" ".join(texts(i)) for i in around(base, exponent)]
        yield zlib.crc32("\n".join(lines).encode())
        if exponent in (0, 1, 15):
            print(base, exponent, *lines[:4], sep="\n  ")


def lengths(n):
    """Strings of all lengths made from parts, also those with no or one character."""
    made = []
    text = ""
    for i in range(n):
        text += "ab"[i % 2]
        made.append(f"{text}{i}")
        made.append(f"{text[:i % 3]}{'' if i % 2 else i % 10}")
    return zlib.crc32("|".join(made).encode()), [s for s in made if len(s) < 2][:8]


def two_grow(n):
    """Two strings that grow in turn, each forgotten once it is long."""
    left, right, sizes = "", "", []
    for i in range(n):
        left += f"{i},"
        right += str(i * 7919)
        if len(left) > 3000:
            sizes.append((len(left), zlib.crc32(left.encode())))
            left = ""
        if len(right) > 5000:
            sizes.append((len(right), zlib.crc32(right.encode())))
            right = right[:7]
    return sizes, len(left), len(right)


for base in (2, 8, 10, 16):
    print(base, list(every_power(base)))
print(lengths(40))
print(two_grow(4000))
