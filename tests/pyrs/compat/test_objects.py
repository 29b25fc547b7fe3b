"""Structures read in place answer what the objects themselves answer."""

import sys

import pytest

VERSION = sys.version_info[:2]


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


class Slots:
    __slots__ = ("x",)


class Late:
    pass


class Sub(list):
    pass


def warm():
    return [Point(i, i) for i in range(3)]


# --- dicts -----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 5, 6, 11, 100, 200, 300, 70_000])
def test_index_of_every_key(cpy, n):
    d = {f"key {i}": i for i in range(n)}

    assert [cpy.table(d, f"key {i}")[1:] for i in range(n)] == [
        (i, f"key {i}", i) for i in range(n)
    ]
    assert cpy.table(d, "absent")[1] == -1


def test_equal_but_not_identical_key_is_found(cpy):
    d = {"häuser": 1, "\U0001f600": 2}

    assert cpy.table(d, "".join(["hä", "user"]))[1] == 0
    assert cpy.table(d, chr(0x1F600))[1] == 1


def test_table_with_other_keys_has_no_index(cpy):
    d = {"a": 1, 2: 3}

    assert cpy.table(d, "a")[1] == -1


def test_deleted_key_is_not_found(cpy):
    d = {"a": 1, "b": 2}
    del d["a"]

    assert cpy.table(d, "a")[1] == -1
    assert cpy.table(d, "b")[1:] == (1, "b", 2)


def test_keys_version_changes_with_the_keys_only(cpy):
    d = {"a": 1, "b": 2}
    v = cpy.table(d, "a")[0]

    assert v != 0
    d["a"] = 5
    assert cpy.table(d, "a")[0] == v
    d["c"] = 1
    after = cpy.table(d, "a")[0]
    assert after not in (0, v)
    del d["c"]
    assert cpy.table(d, "a")[0] not in (0, v, after)


def test_empty_dicts_share_their_version(cpy):
    d = {}
    assert cpy.table({}, "a")[0] == (v := cpy.table(d, "a")[0])
    d["a"] = 1
    assert cpy.table(d, "a")[0] not in (0, v)


def test_versions_of_two_dicts_differ(cpy):
    assert cpy.table({"a": 1}, "a")[0] != cpy.table({"a": 1}, "a")[0]


def test_interpreters_own_specialisation_accepts_our_version(cpy):
    ns = {"n": 1}
    exec("def f(k):\n    s = 0\n    for _ in range(k): s += n\n    return s", ns)
    assert cpy.table(ns, "n")[0] != 0

    assert ns["f"](1000) == 1000
    ns["n"] = 2
    assert ns["f"](1000) == 2000
    ns["other"] = 1
    ns["n"] = 3
    assert ns["f"](1000) == 3000


# --- instances ----------------------------------------------------------------------------


def test_instance_values_are_read(cpy):
    p = warm()[-1]

    assert cpy.instance(p, "x") == ("values", 0, 2)
    assert cpy.instance(p, "y") == ("values", 1, 2)
    assert cpy.instance(p, "z") == ("values", -1, None)


def test_instance_with_a_dict_is_read(cpy):
    p = Point(1, 2)
    p.__dict__["z"] = 3

    how, _i, value = cpy.instance(p, "z")
    assert value == 3
    assert how in ("dict", "values")


def test_classic_and_missing_dicts(cpy):
    s = Sub()
    assert cpy.instance(s, "a")[0] in ("no dict yet", "values", "no dict")
    s.a = 4
    assert cpy.instance(s, "a")[2] == 4
    assert cpy.instance(Slots(), "x") == ("no dict", -1, None)
    assert cpy.instance(5, "x") == ("no dict", -1, None)

    def f():
        pass

    f.note = 7
    assert cpy.instance(f, "note") == ("dict", 0, 7)


def test_storing_existing_and_new_values(cpy):
    for _ in range(3):
        o = Late()
        o.a = o.b = o.c = 0
    o = Late()

    cpy.store(o, "c", "third")
    cpy.store(o, "a", "first")
    cpy.store(o, "a", "again")

    assert (o.a, o.c) == ("again", "third")
    assert not hasattr(o, "b")
    assert list(vars(o).items()) == [("c", "third"), ("a", "again")]


@pytest.mark.skipif(VERSION < (3, 13), reason="needs CPython 3.13: dicts that share the values")
def test_storing_while_a_dict_shares_the_values(cpy):
    for _ in range(3):
        o = Late()
        o.a = o.b = o.c = 0
    o = Late()
    d = vars(o)

    cpy.store(o, "b", 1)
    cpy.store(o, "b", 2)

    assert d == {"b": 2}
    assert len(d) == 1
    assert o.b == 2


def test_storing_releases_the_old_value_last(cpy):
    seen = []

    class Old:
        def __del__(self):
            seen.append(p.x)

    warm()
    p = Point(0, 0)
    p.x = Old()
    cpy.store(p, "x", "new")

    assert seen == ["new"]


def test_stores_keep_reference_counts(cpy):
    warm()
    p, value = Point(0, 0), object()
    before = sys.getrefcount(value)

    cpy.store(p, "x", value)
    assert sys.getrefcount(value) == before + 1
    cpy.store(p, "x", None)
    assert sys.getrefcount(value) == before


# --- versions -----------------------------------------------------------------------------


def test_type_version_changes_with_the_type_and_its_bases(cpy):
    class Base:
        pass

    class Derived(Base):
        pass

    v = cpy.type_version(Derived)
    assert v != 0
    assert cpy.type_version(Derived) == v
    Derived.a = 1
    after = cpy.type_version(Derived)
    assert after not in (0, v)
    Base.b = 1
    assert cpy.type_version(Derived) not in (0, v, after)


def test_static_types_have_versions(cpy):
    assert cpy.type_version(int) != 0
    assert cpy.type_version(type) != 0


def test_function_version_is_lost_when_the_code_changes(cpy):
    def f():
        return 1

    def g():
        return 2

    _, v = cpy.func_version(f)
    assert v != 0
    assert cpy.func_version(f) == (v, v)
    f.__code__ = g.__code__
    assert cpy.func_version(f)[0] == 0


# --- ints and iterators ------------------------------------------------------------------

EDGES = sorted(
    {
        s * (2**k + d)
        for k in (0, 8, 29, 30, 31, 32, 47, 48, 59, 60, 61, 62, 63, 64)
        for d in (-1, 0, 1)
        for s in (1, -1)
    }
)


@pytest.mark.parametrize("value", EDGES)
def test_ints_up_to_two_digits_are_read(cpy, value):
    assert cpy.int(value) == (value if abs(value) < 2**60 else None)


def test_huge_int_is_not(cpy):
    assert cpy.int(10**400) is None
    assert cpy.int(-(10**400)) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: range(0),
        lambda: range(5),
        lambda: range(7, -7, -3),
        lambda: range(-(2**62), 2**62, 2**61),
        lambda: range(2**63 - 3, 2**63 - 1),
        list,
        lambda: [1, "two", None],
        lambda: (),
        lambda: ("a", "b", "c"),
    ],
)
def test_iterators_step_like_next(cpy, make):
    want = list(make())
    for taken in range(len(want) + 2):
        it = iter(make())
        head = cpy.steps(it, taken)
        assert head == want[:taken]
        assert list(it) == want[taken:]
        assert cpy.steps(it, 1) == []
        it = iter(make())
        assert [next(it, "end") for _ in range(taken)][: len(want)] == want[:taken]
        assert cpy.steps(it, 100) == want[taken:]
        assert next(it, "end") == "end"


def test_list_that_changes_under_its_iterator(cpy):
    items = [1, 2, 3]
    it = iter(items)
    assert cpy.steps(it, 2) == [1, 2]
    items.append(4)
    assert cpy.steps(it, 1) == [3]
    items.clear()
    assert cpy.steps(it, 1) == []
    items.extend(range(10))
    assert list(it) == [], "once exhausted, always exhausted"
    assert it.__length_hint__() == 0


def test_exhausted_iterator_lets_go(cpy):
    items = [object()]
    before = sys.getrefcount(items)
    it = iter(items)
    cpy.steps(it, 2)

    assert sys.getrefcount(items) == before
