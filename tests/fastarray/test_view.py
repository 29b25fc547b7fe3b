"""What counts as an array of numbers, and how refusals read."""

import ctypes
import mmap
import sys
from array import array

import pytest

import fastarray as fa


def test_every_exporter_of_numbers_is_an_array():
    m = mmap.mmap(-1, 4096)
    m[:3] = b"\1\2\3"

    assert fa.sum(b"\1\2") == 3
    assert fa.sum(bytearray(b"\1\2")) == 3
    assert fa.sum(memoryview(array("h", [1, -2]))) == -1
    assert fa.sum(m) == 6
    assert fa.sum((ctypes.c_int * 3)(1, 2, 3)) == 6
    assert fa.sum((ctypes.c_double * 2)(1.5, 2)) == 3.5
    m.close()


def test_half_floats_and_bools_are_read():
    numpy = pytest.importorskip("numpy")
    halves = numpy.array([1.5, -2.0, 6e-8, 65504.0], "e")
    many = numpy.arange(2048, dtype="e").repeat(5)

    assert fa.sum(halves) == float(halves.astype("d").sum())
    assert fa.minmax(halves) == (-2.0, 65504.0)
    assert fa.sum(many) == float(many.astype("d").sum())
    flags = memoryview(b"\0\1\2").cast("?")
    assert fa.sum(flags) == 2
    assert fa.max(flags) is True and fa.min(flags) is False
    with pytest.raises(TypeError, match="'e'"):
        fa.scale(halves, 2)


@pytest.mark.parametrize("code", "nN")
def test_sizes_are_numbers_too(code):
    view = memoryview(bytearray(64)).cast(code)
    view[3] = 9

    assert fa.max(view) == 9


def test_subclasses_of_array_work():
    class Mine(array):
        pass

    assert fa.sum(Mine("i", [1, 2])) == 3


def test_many_dimensions_are_flat_when_contiguous():
    numpy = pytest.importorskip("numpy")
    x = numpy.arange(12.0).reshape(3, 4)

    assert fa.sum(x) == 66.0
    assert fa.sum(x.T) == 66.0
    with pytest.raises(BufferError):
        fa.sum(x[:, ::2])


@pytest.mark.parametrize("function", [fa.sum, fa.mean, fa.min, fa.max])
def test_strides_are_a_buffer_error(function):
    with pytest.raises(BufferError):
        function(memoryview(array("i", range(10)))[::2])


def test_unsupported_typecodes_name_the_code_and_the_supported_ones():
    with pytest.raises(TypeError, match=r"'[uw]'.*bBhHiIlLqQfd"):  # exported as 'w'
        fa.sum(array("u", "ab"))
    with pytest.raises(TypeError, match=r"'c'.*bBhHiIlLqQfd"):
        fa.sum(memoryview(b"ab").cast("c"))
    numpy = pytest.importorskip("numpy")
    for dtype in ("c16", "S3", "g", [("x", "i4")]):
        with pytest.raises(TypeError, match="bBhHiIlLqQfd"):
            fa.sum(numpy.zeros(3, dtype))


def test_what_is_no_buffer_is_a_type_error():
    for thing in ([1, 2], None, 3, "abc", {1}):
        with pytest.raises(TypeError, match="buffer protocol"):
            fa.sum(thing)


def test_foreign_byte_order_points_to_frombytes():
    numpy = pytest.importorskip("numpy")

    with pytest.raises(ValueError, match="frombytes"):
        fa.sum(numpy.zeros(3, ">i4"))
    assert fa.sum(numpy.ones(3, "<i4")) == 3
    assert fa.sum(numpy.ones(3, ">i1")) == 3


@pytest.mark.parametrize("target", [b"\1\2", memoryview(array("i", [1])).toreadonly()])
def test_read_only_targets_are_a_buffer_error(target):
    with pytest.raises(BufferError):
        fa.scale(target, 2)
    with pytest.raises(BufferError):
        fa.clip(target, 0, 1)


def test_items_without_their_format_are_no_numbers():
    testbuffer = pytest.importorskip("_testbuffer", reason="needs CPython's _testbuffer")
    typed = testbuffer.ndarray([2**63, 1], shape=[2], format="Q")
    untyped = testbuffer.ndarray(typed, getbuf=testbuffer.PyBUF_STRIDES)

    assert fa.sum(typed) == 2**63 + 1
    with pytest.raises(TypeError, match="items of 8 bytes with format 'B'"):
        fa.sum(untyped)


def test_read_only_ndarray_is_a_buffer_error():
    numpy = pytest.importorskip("numpy")
    x = numpy.zeros(3)
    x.flags.writeable = False

    with pytest.raises(BufferError):
        fa.scale(x, 2)


HUGE = sys.maxsize // 16 * 16


@pytest.fixture
def huge():
    """Almost all of the address space, none of which may be touched."""
    return (ctypes.c_int8 * HUGE).from_address(4096)


@pytest.mark.parametrize(
    "use",
    [
        lambda x: fa.map(x, abs),
        lambda x: fa.map(x, abs, typecode="d"),
        lambda x: fa.map_inplace(x, lambda v: [v][0]),
        lambda x: fa.map(x, abs, out=x),
        lambda x: fa.filter(x, bool),
        lambda x: fa.add(x, 1),
        lambda x: fa.mul(x, x),
        lambda x: fa.truediv(x, 2),
        lambda x: fa.floordiv(x, x, out=x),
    ],
)
def test_no_memory_for_a_huge_result_is_a_memory_error(path, huge, use):
    with pytest.raises(MemoryError):
        use(huge)


def test_huge_sizes_are_counted_right(huge):
    with pytest.raises(ValueError, match=f"{HUGE} and 1 elements"):
        fa.dot(huge, array("b", [1]))
    with pytest.raises(ValueError, match=f"{HUGE} numbers"):
        fa.map(huge, abs, out=array("b", [1]))


def test_a_released_view_is_refused():
    view = memoryview(array("i", [1]))
    view.release()

    with pytest.raises(BufferError):
        fa.sum(view)


def test_exports_are_given_back():
    a = array("i", [1, 2, 3])
    for function in (fa.sum, fa.min, fa.mean):
        function(memoryview(a))
    fa.scale(memoryview(a), 2)

    a.append(4)

    assert a.tolist() == [2, 4, 6, 4]


def test_arguments_are_named_in_messages():
    with pytest.raises(TypeError, match=r"sum\(\) takes exactly 1 positional argument \(0 given\)"):
        fa.sum()
    with pytest.raises(TypeError, match="unexpected keyword argument 'x'"):
        fa.sum(b"", x=1)
    with pytest.raises(TypeError, match="clip"):
        fa.clip(bytearray(1), 1)


def test_cpu_targets_name_the_choice():
    targets = fa.cpu_targets()

    assert targets["chosen"] == targets["available"][-1]
    assert targets["available"][0] == "plain"
