"""Arrow, DLPack, NumPy: foreign memory in and ours out, and who gives it back."""

import ctypes
import gc
import subprocess
import sys
import threading
from array import array

import pytest
from support.arrays import CODES, numbers

import fastarray as fa


@pytest.fixture
def pa():
    return pytest.importorskip("pyarrow")


@pytest.fixture
def np():
    return pytest.importorskip("numpy")


# -- Arrow in --------------------------------------------------------------------------


def test_arrow_arrays_reduce(pa):
    for kind in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        x = pa.array([1, 2, 3, 100], kind)
        assert fa.sum(x) == 106 and fa.minmax(x) == (1, 100) and fa.mean(x) == 26.5
    for kind in ("float16", "float32", "float64"):
        assert fa.sum(pa.array([0.5, 2.0], kind)) == 2.5
    assert fa.sum(pa.array([], "int32")) == 0


def test_offsets_are_respected(pa):
    x = pa.array(range(100), "int16")[10:20]

    assert fa.sum(x) == sum(range(10, 20))
    assert fa.map(x, lambda v: v + 1) == array("h", range(11, 21))
    assert fa.filter(x, lambda v: v > 15) == array("h", range(16, 20))


@pytest.mark.parametrize("kind", ["int8", "int32", "int64", "float32", "float64", "float16"])
def test_reductions_skip_nulls(pa, kernels, kind):
    values = [None if i % 3 == 0 else i % 50 for i in range(9000)]
    x = pa.array(values, kind)[5:8990]
    present = [v for v in values[5:8990] if v is not None]

    assert fa.sum(x) == sum(present)
    assert fa.mean(x) == sum(present) / len(present)
    assert fa.minmax(x) == (min(present), max(present))
    assert fa.count(x, 7) == present.count(7)
    if kind.startswith("float"):
        assert fa.fsum(x) == sum(present)


def test_only_nulls_is_empty(pa):
    x = pa.array([None, None], "int32")

    assert fa.sum(x) == 0
    with pytest.raises(ValueError, match="empty"):
        fa.min(x)


@pytest.mark.parametrize(
    "use",
    [
        lambda x: fa.map(x, abs),
        lambda x: fa.filter(x, bool),
        lambda x: fa.reduce(x, max),
        lambda x: fa.dot(x, x),
        lambda x: fa.argmin(x),
        lambda x: fa.prod(x),
        lambda x: fa.add(x, 1),
        fa.from_arrow,
    ],
)
def test_what_needs_every_element_refuses_nulls(pa, use):
    with pytest.raises(ValueError, match="nulls"):
        use(pa.array([1, None], "int32"))


def test_arrow_inputs_are_read_only(pa):
    for use in (
        lambda x: fa.scale(x, 2),
        lambda x: fa.clip(x, 0, 1),
        lambda x: fa.map_inplace(x, abs),
    ):
        with pytest.raises(BufferError):
            use(pa.array([1, 2], "int32"))
    with pytest.raises((BufferError, TypeError)):
        fa.from_arrow(pa.array([1, 2], "int32"))[0] = 5


@pytest.mark.parametrize("values", [["a"], [True, False], [[1]], [{"x": 1}]])
def test_other_arrow_types_are_a_type_error(pa, values):
    with pytest.raises(TypeError, match="not a number type"):
        fa.sum(pa.array(values))
    with pytest.raises(TypeError):
        fa.sum(pa.array(["x", "x"]).dictionary_encode())


def test_from_arrow_views_without_a_copy(pa):
    x = pa.array([1.5, 2.5], "float64")

    view = fa.from_arrow(x)
    before = pa.total_allocated_bytes()
    del x
    gc.collect()

    assert view.tolist() == [1.5, 2.5] and view.format == "d" and view.readonly
    del view
    gc.collect()
    assert pa.total_allocated_bytes() < before


def test_imported_arrays_are_released_once(pa):
    gc.collect()
    before = pa.total_allocated_bytes()
    for _ in range(50):
        x = pa.array(range(1000), "int64")
        fa.sum(x)
        with pytest.raises(ZeroDivisionError):
            fa.map(x, lambda v: 1 // v)
    del x
    gc.collect()

    assert pa.total_allocated_bytes() == before


class Offers:
    def __init__(self, *answer):
        self.answer = answer

    def __arrow_c_array__(self, requested_schema=None):
        return self.answer


def test_bad_answers_are_refused(pa):
    capsules = pa.array([1, 2], "int32").__arrow_c_array__()
    with pytest.raises(TypeError, match="two capsules"):
        fa.sum(Offers(1))
    with pytest.raises(ValueError):
        fa.sum(Offers(1, 2))
    with pytest.raises(ValueError):
        fa.sum(Offers(capsules[1], capsules[0]))
    assert fa.sum(Offers(*capsules)) == 3
    with pytest.raises(ValueError, match="released"):
        fa.sum(Offers(*capsules))

    class Raises:
        def __arrow_c_array__(self):
            raise KeyError("no")

    with pytest.raises(KeyError):
        fa.sum(Raises())
    with pytest.raises(TypeError, match="no __arrow_c_array__"):
        fa.from_arrow(b"abc")
    with pytest.raises(TypeError, match="buffer protocol"):
        fa.sum(Offers)


# -- Arrow out -------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_arrays_go_out_to_arrow(pa, code):
    a = array(code, numbers(code, 50, "small"))

    x = pa.array(fa.to_arrow(a))

    assert x.to_pylist() == a.tolist()
    with pytest.raises(BufferError):
        a.append(1)
    del x
    gc.collect()
    a.append(1)


def test_unconsumed_capsules_give_the_buffer_back():
    a = array("i", [1, 2])
    for _ in range(3):
        capsules = fa.to_arrow(a).__arrow_c_array__()
        with pytest.raises(BufferError):
            a.append(3)
        del capsules
    a.append(3)


def test_a_consumer_may_release_on_another_thread_without_the_gil(pa):
    class Struct(ctypes.Structure):
        pass

    Struct._fields_ = [
        ("numbers", ctypes.c_int64 * 5),
        ("pointers", ctypes.c_void_p * 3),
        ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(Struct))),
        ("private_data", ctypes.c_void_p),
    ]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    a = array("i", [1, 2])
    _schema, capsule = fa.to_arrow(a).__arrow_c_array__()
    struct = Struct.from_address(pointer(capsule, b"arrow_array"))

    # ctypes drops the GIL around a CFUNCTYPE call
    thread = threading.Thread(target=struct.release, args=(ctypes.byref(struct),))
    thread.start()
    thread.join()

    assert not struct.release
    a.append(3)
    del capsule


def test_release_after_the_interpreter_is_gone(pa):
    code = (
        "import pyarrow as pa, fastarray as fa\n"
        "from array import array\n"
        "import sys\n"
        "sys.kept = pa.array(fa.to_arrow(array('d', range(1000))))\n"
        "pa.kept = sys.kept\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_arrow_round_trip_keeps_the_source_alive(pa):
    x = pa.array(fa.to_arrow(array("q", range(1000))))
    gc.collect()

    assert fa.sum(x) == sum(range(1000))


def test_to_arrow_of_what_it_cannot_hold():
    with pytest.raises(TypeError):
        fa.to_arrow([1])
    with pytest.raises(TypeError, match="bits"):
        fa.to_arrow(memoryview(b"\1").cast("?")).__arrow_c_array__()


# -- DLPack ------------------------------------------------------------------------------


class Tensor:
    """Only DLPack, no buffer protocol."""

    def __init__(self, x, old=False):
        self.x, self.old = x, old

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()

    def __dlpack__(self, **kwargs):
        if self.old:
            if kwargs:
                raise TypeError("unexpected keyword argument")
            return self.x.__dlpack__()
        return self.x.__dlpack__(**kwargs)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_tensors_are_arrays(np, code, old):
    x = np.array(numbers(code, 40, "small"), code)

    assert fa.sum(Tensor(x, old)) == x.sum()
    assert fa.from_dlpack(Tensor(x, old)).tolist() == x.tolist()
    assert fa.sum(Tensor(x.reshape(5, 8), old)) == x.sum()


def test_tensors_are_given_back(np):
    x = np.arange(10.0)
    before = sys.getrefcount(x)
    for _ in range(10):
        fa.sum(Tensor(x))
        view = fa.from_dlpack(Tensor(x))
    del view

    assert sys.getrefcount(x) == before


def test_tensors_can_be_written_unless_read_only(np):
    x = np.arange(4.0)
    fa.scale(Tensor(x), 2)
    assert x.tolist() == [0, 2, 4, 6]
    x.flags.writeable = False
    with pytest.raises((BufferError, TypeError)):
        fa.scale(Tensor(x), 2)


def test_bad_tensors_are_refused(np):
    with pytest.raises(BufferError, match="contiguous"):
        fa.sum(Tensor(np.arange(10)[::2]))
    with pytest.raises(TypeError, match="not numeric"):
        fa.sum(Tensor(np.zeros(3, "c16")))
    with pytest.raises(TypeError, match="no __dlpack__"):
        fa.from_dlpack(b"abc")

    class Wrong:
        def __dlpack__(self):
            return 5

    with pytest.raises(ValueError):
        fa.sum(Wrong())


# -- Structures no sane producer makes ----------------------------------------------------

NEW = ctypes.pythonapi.PyCapsule_New
NEW.restype = ctypes.py_object
NEW.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
HUGE = [-1, -(2**63), 2**63 - 1, 2**62, 2**60]


class ArrowSchema(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64), ("n_children", ctypes.c_int64), ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p), ("release", ctypes.c_void_p), ("data", ctypes.c_void_p),
    ]  # fmt: skip


class ArrowArray(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64), ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)), ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p), ("release", ctypes.c_void_p), ("data", ctypes.c_void_p),
    ]  # fmt: skip


class HandMade:
    """An Arrow array of three int32 with some fields wrong; counts its releases."""

    def __init__(self, **wrong):
        self.released = []
        release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

        def done(kind):
            def run(address):
                self.released.append(kind.__name__)
                kind.from_address(address).release = None

            return release(run)

        self.callbacks = done(ArrowSchema), done(ArrowArray)
        addresses = [ctypes.cast(f, ctypes.c_void_p).value for f in self.callbacks]
        self.items = (ctypes.c_int32 * 3)(1, 2, 3)
        self.buffers = (ctypes.c_void_p * 2)(None, ctypes.addressof(self.items))
        if wrong.pop("no_memory", False):
            self.buffers[1] = None
        self.schema = ArrowSchema(format=b"i", release=addresses[0])
        self.array = ArrowArray(length=3, n_buffers=2, buffers=self.buffers, release=addresses[1])
        for name, value in wrong.items():
            setattr(self.array, name, value)

    def __arrow_c_array__(self, requested_schema=None):
        return (
            NEW(ctypes.addressof(self.schema), b"arrow_schema", None),
            NEW(ctypes.addressof(self.array), b"arrow_array", None),
        )


def test_a_hand_made_array_is_read_and_given_back():
    x = HandMade()
    assert fa.sum(x) == 6
    assert x.released.count("ArrowArray") == 1


@pytest.mark.parametrize(
    "wrong",
    [{"length": n} for n in HUGE] + [{"offset": n} for n in HUGE]
    + [{"length": 2**59, "offset": 2**60}, {"n_buffers": 3}, {"n_buffers": -1}]
    + [{"buffers": None}, {"no_memory": True}, {"null_count": 1}, {"n_children": 1}],
)  # fmt: skip
@pytest.mark.parametrize("function", [fa.sum, fa.min, fa.from_arrow, lambda x: fa.map(x, abs)])
def test_impossible_arrays_are_refused_and_given_back(wrong, function):
    x = HandMade(**wrong)
    with pytest.raises(ValueError, match="malformed"):
        function(x)
    assert x.released.count("ArrowArray") == 1


class ManagedTensor(ctypes.Structure):
    """DLManagedTensor, of before version 1.0"""

    _fields_ = [
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64),
        ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
    ]  # fmt: skip


class HandMadeTensor:
    def __init__(self, shape=(3,), **wrong):
        self.items = (ctypes.c_int32 * 3)(1, 2, 3)
        self.shape = (ctypes.c_int64 * max(1, len(shape)))(*shape)
        self.tensor = ManagedTensor(
            data=ctypes.addressof(self.items), device_type=1, ndim=len(shape), code=0, bits=32,
            lanes=1, shape=self.shape,
        )  # fmt: skip
        for name, value in wrong.items():
            setattr(self.tensor, name, value)

    def __dlpack__(self):
        return NEW(ctypes.addressof(self.tensor), b"dltensor", None)


def test_a_hand_made_tensor_is_read():
    assert fa.sum(HandMadeTensor()) == 6
    assert fa.sum(HandMadeTensor((3, 1))) == 6
    assert fa.sum(HandMadeTensor((0, 2**40))) == 0
    assert fa.sum(HandMadeTensor((0,), data=None)) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"shape": (n,)} for n in HUGE] + [{"shape": (2**31, 2**31, 2)}, {"shape": (-1, -1)}]
    + [{"ndim": -1}, {"shape": (1,), "ndim": 1, "data": None}, {"device_type": 2}, {"lanes": 4}],
)  # fmt: skip
@pytest.mark.parametrize("function", [fa.sum, fa.min, fa.from_dlpack, lambda x: fa.map(x, abs)])
def test_impossible_tensors_are_refused(wrong, function):
    with pytest.raises((BufferError, TypeError)):
        function(HandMadeTensor(**wrong))


class VersionedTensor(ctypes.Structure):
    """DLManagedTensorVersioned, of version 1.0"""

    _fields_ = [
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64),
        *ManagedTensor._fields_[:-2],
    ]  # fmt: skip


class HandMadeVersioned(HandMadeTensor):
    def __init__(self, major=1, minor=0, flags=0):
        super().__init__()
        self.released = []
        self.deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.released.append)
        plain = {name: getattr(self.tensor, name) for name, _ in ManagedTensor._fields_[:-2]}
        self.tensor = VersionedTensor(
            major=major, minor=minor, flags=flags, **plain,
            deleter=ctypes.cast(self.deleter, ctypes.c_void_p).value,
        )  # fmt: skip

    def __dlpack__(self, *, max_version):
        assert max_version >= (1, 0)
        return NEW(ctypes.addressof(self.tensor), b"dltensor_versioned", None)


@pytest.mark.parametrize("minor", [0, 7])
def test_a_tensor_of_version_1_is_read_and_given_back_once(minor):
    x = HandMadeVersioned(minor=minor)
    assert fa.sum(x) == 6
    assert x.released == [ctypes.addressof(x.tensor)]
    view = fa.from_dlpack(x)
    assert view.tolist() == [1, 2, 3] and len(x.released) == 1
    del view
    gc.collect()
    assert len(x.released) == 2


def test_a_tensor_says_whether_it_may_be_written():
    x = HandMadeVersioned()
    fa.scale(x, 2)
    assert list(x.items) == [2, 4, 6]
    x = HandMadeVersioned(flags=1)
    with pytest.raises(BufferError, match="read-only"):
        fa.scale(x, 2)
    assert (list(x.items), x.released) == ([1, 2, 3], [])
    assert fa.sum(x) == 6


def test_a_tensor_of_a_later_version_is_left_to_its_capsule():
    x = HandMadeVersioned(major=2)
    with pytest.raises(BufferError, match="version 2"):
        fa.sum(x)
    assert x.released == []


# -- NumPy -------------------------------------------------------------------------------


def test_numpy_goes_through_the_buffer_protocol_only(np):
    class Lies:
        __array_interface__ = {"data": (1, False), "shape": (9,), "typestr": "<i4", "version": 3}

    with pytest.raises(TypeError, match="buffer protocol"):
        fa.sum(Lies())
    assert fa.sum(np.arange(5)) == 10
    assert fa.map(np.arange(3), lambda x: x * 2).tolist() == [0, 2, 4]
    out = np.zeros(3)
    fa.map(np.arange(3.0), lambda x: x + 0.5, out=out)
    assert out.tolist() == [0.5, 1.5, 2.5]
