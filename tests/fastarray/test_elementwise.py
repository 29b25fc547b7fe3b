"""add, sub, mul, truediv, floordiv."""

import math
import operator
from array import array

import pytest
from support.arrays import CODES, FLOATS, INTS, KINDS, SIZES, numbers, same_items

import fastarray as fa

OPERATIONS = ["add", "sub", "mul", "truediv", "floordiv"]
SCALARS = [0, 1, -1, 2, 3, 7, -4, 100, 255, 2**31, 2**63, 2**65, True, 2.0]


def reference(name, x, y, code):
    out = code if name != "truediv" or code == "f" else "d"
    fn = getattr(operator, name)
    return array(out, (fn(a, b) for a, b in zip(x, y)))


def check(name, x, y, code, operand):
    fn = getattr(fa, name)
    a = array(code, x)
    try:
        expected = reference(name, a, y, code)
    except ZeroDivisionError as error:
        with pytest.raises(ZeroDivisionError, match=str(error)):
            fn(a, operand)
    except OverflowError:
        with pytest.raises(OverflowError):
            fn(a, operand)
        out = array(code, a)
        if name != "truediv":
            with pytest.raises(OverflowError):
                fn(a, operand, out=out)
            assert out == a
    else:
        got = fn(a, operand)
        assert got.typecode == expected.typecode
        assert same_items(got.tolist(), expected.tolist())
        out = array(expected.typecode, bytes(expected.itemsize * len(x)))
        assert fn(a, operand, out=out) is out
        assert same_items(out.tolist(), expected.tolist())


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_array_with_array(kernels, name, code):
    for n in SIZES:
        for kind in KINDS:
            x, y = numbers(code, n, kind, 1), numbers(code, n, "small", 2)
            check(name, x, array(code, y), code, array(code, y))
            if name.endswith("div"):
                y = [v or 3 for v in y]
                check(name, x, array(code, y), code, array(code, y))


@pytest.mark.parametrize("code", INTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_integers_with_a_number(kernels, name, code):
    for n in (0, 1, 17, 1000):
        for kind in KINDS:
            x = numbers(code, n, kind)
            for k in SCALARS:
                whole = k if name == "truediv" else int(k)
                check(name, x, [whole] * n, code, k)


@pytest.mark.parametrize("code", FLOATS)
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("k", [0.0, 1, -2.5, 0.1, 1e300, math.inf, math.nan, 3])
def test_floats_with_a_number(kernels, name, code, k):
    for n in (0, 1, 17, 1000):
        check(name, numbers(code, n, "any"), [k] * n, code, k)


def test_the_result_may_be_an_operand():
    a, b = array("i", [1, 2, 3]), array("d", [1, 2, 3])

    fa.add(a, 1, out=a)
    fa.mul(b, b, out=b)
    fa.sub(memoryview(b)[1:], memoryview(b)[:2], out=memoryview(b)[:2])

    assert a.tolist() == [2, 3, 4]
    assert b.tolist() == [3.0, 5.0, 9.0]


def test_what_does_not_match_is_refused():
    a = array("i", [1, 2])
    with pytest.raises(TypeError, match="'i' and 'd'"):
        fa.add(a, array("d", [1, 2]))
    with pytest.raises(ValueError, match="2 and 1"):
        fa.add(a, array("i", [1]))
    with pytest.raises(TypeError, match="not integral"):
        fa.add(a, 1.5)
    with pytest.raises(TypeError, match="real number"):
        fa.mul(a, 1j)
    with pytest.raises(TypeError):
        fa.mul(a, "2")
    with pytest.raises(TypeError, match="out has typecode 'd'"):
        fa.add(a, 1, out=array("d", [0, 0]))
    with pytest.raises(ValueError, match="out has 1"):
        fa.add(a, 1, out=array("i", [0]))
    with pytest.raises(BufferError):
        fa.add(a, 1, out=memoryview(a).toreadonly())
