"""Methods of C that need no frame: what they raise has one all the same."""

import sys
import traceback


class Index:
    def __index__(self):
        print("index, asked at", sys._getframe(1).f_lineno - sys._getframe(1).f_code.co_firstlineno)
        return 0


class Text(str):
    def __eq__(self, other):
        print("compared")
        return True

    __hash__ = str.__hash__


class Loud:
    def __del__(self):
        print("gone in", sys._getframe(1).f_code.co_name)


def popping(a):
    return a.pop()


def nested(a, i):
    a.append(i)
    return [popping(a), a.pop(), a.pop(i)]


def finding(text, part):
    return text.index(part)


def shown(f, *args):
    try:
        return f(*args)
    except Exception:
        return "".join(traceback.format_exc().splitlines(keepends=True)[1:]).replace(__file__, "FILE")


for turn in range(3):
    print(shown(popping, []), shown(nested, [1, 2, 3], 0), shown(nested, [], 5))
    print(shown(finding, "abc", "z"), shown(finding, "abc", 5), shown(finding, "abc", Text("c")))
    print(shown([1, 2, 3].pop, Index()), shown([1].pop, "x"), shown([1].insert, Index(), 5))
    print(shown("a".upper, 1), shown("a".ljust, 5, "--"), shown("a".center, 10**30), shown("x".replace, "x"))


def lost():
    [Loud()].append(1)
    [1, Loud()].pop(0)
    [Loud()].reverse()


lost()


def indices(rows):
    class Cell:
        def __init__(self, at):
            self.at = at

    c = Cell(1)
    out = []
    for big in (0, 1, 2, -1, -3, 300, -300, 2**40, 2**70, True, None, 1.0, "x", Index()):
        c.at = big
        try:
            out.append((rows[c.at], ("a", "b", "c")[c.at], "abc"[c.at]))
        except (IndexError, TypeError) as e:
            out.append(str(e))
        try:
            rows[c.at] = rows[c.at]
        except (IndexError, TypeError) as e:
            out.append(str(e))
    return out


print(indices([10, 20, 30]))
