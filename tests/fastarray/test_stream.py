"""Accumulator, stats, chunks, mmap_array, frombytes, ascontiguous."""

import builtins
import concurrent.futures
import io
import math
import os
import pickle
import random
import statistics
import struct
import subprocess
import sys
import tracemalloc
from array import array
from fractions import Fraction

import pytest

import fastarray as fa


def pieces(a, sizes):
    at = 0
    for size in sizes:
        yield a[at : at + size]
        at += size


def test_accumulated_ints_are_exact():
    values = [random.Random(3).randint(-(2**63), 2**63 - 1) for _ in range(1000)]
    a = array("q", values)

    acc = fa.stats(pieces(a, [1, 0, 99, 900]))

    assert (acc.count, acc.sum, acc.min, acc.max) == (1000, sum(values), min(values), max(values))
    assert acc.mean == sum(values) / 1000
    assert acc.var() == fa.var(a)
    assert acc.std(correction=1) == math.sqrt(fa.var(a, correction=1))


def test_merge_order_does_not_show():
    rng = random.Random(5)
    a = array("d", [rng.uniform(-1, 1) * 10.0 ** rng.randint(-9, 9) for _ in range(5000)])
    parts = [fa.stats([p]) for p in pieces(a, [700] * 8)]
    forward, backward = fa.Accumulator(), fa.Accumulator()
    for p in parts:
        forward.merge(p)
    for p in reversed(parts):
        backward.merge(pickle.loads(pickle.dumps(p)))

    assert forward.sum == backward.sum
    assert forward.mean == backward.mean
    assert forward.var() == backward.var()
    assert math.isclose(forward.sum, math.fsum(a), rel_tol=1e-15)
    assert math.isclose(forward.var(), statistics.pvariance(a), rel_tol=1e-12)


def test_variance_survives_a_large_mean():
    a = array("d", [1e9 + x for x in (4, 7, 13, 16)])

    assert fa.stats([a]).var(correction=1) == 30.0


def test_special_values():
    acc = fa.stats([array("d", [1, math.inf])])
    assert acc.sum == acc.mean == acc.max == math.inf
    acc.update(array("d", [math.nan]))
    assert math.isnan(acc.min) and math.isnan(acc.sum) and math.isnan(acc.var())


def test_kinds_do_not_mix_and_nothing_has_no_mean():
    acc = fa.stats([array("i", [1])])
    with pytest.raises(TypeError, match="mix"):
        acc.update(array("d", [1]))
    acc.update(array("B", [2]))
    assert acc.sum == 3
    with pytest.raises(ValueError, match="empty"):
        fa.Accumulator().mean
    with pytest.raises(ValueError, match="more than 1"):
        fa.stats([array("i", [1])]).var(correction=1)


def test_threads_and_processes_share_the_work():
    a = array("d", range(10_000))
    parts = list(pieces(a, [2500] * 4))
    for pool in (concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor):
        total = fa.Accumulator()
        with pool(2) as workers:
            for acc in workers.map(fa.stats, [[p] for p in parts]):
                total.merge(acc)
        assert total.sum == sum(a) and total.count == 10_000


def test_chunks_of_a_file(tmp_path):
    path = tmp_path / "numbers"
    a = array("h", range(-1000, 1000))
    path.write_bytes(a.tobytes())

    for source in (path, str(path)):
        assert b"".join(bytes(c) for c in fa.chunks(source, "h", 64)) == a.tobytes()
    with path.open("rb") as file:
        assert fa.stats(fa.chunks(file, "h", 7)).sum == sum(a)
    assert list(fa.chunks(io.BytesIO(b""), "d")) == []


class Dribbles(io.RawIOBase):
    """A pipe-like file: three bytes at a time."""

    def __init__(self, data):
        self.data = data

    def readable(self):
        return True

    def readinto(self, buffer):
        part, self.data = self.data[: min(3, len(buffer))], self.data[min(3, len(buffer)) :]
        buffer[: len(part)] = part
        return len(part)


def test_short_reads_are_joined():
    a = array("d", range(50))

    assert fa.stats(fa.chunks(Dribbles(a.tobytes()), "d", 80)).sum == sum(a)


def test_a_file_that_ends_inside_an_element():
    with pytest.raises(ValueError, match="ends inside"):
        list(fa.chunks(io.BytesIO(b"\0" * 9), "d"))
    with pytest.raises(ValueError, match="at least 8"):
        fa.chunks(io.BytesIO(), "d", 4)
    for size in (0, -1, -(2**63)):
        with pytest.raises(ValueError, match="at least 8"):
            fa.chunks(io.BytesIO(), "d", size)
    with pytest.raises(TypeError, match="'u'"):
        fa.chunks(io.BytesIO(), "u")


@pytest.mark.parametrize("gigabytes", [0.05, pytest.param(3, marks=pytest.mark.slow)])
def test_a_large_sparse_file_takes_constant_memory(tmp_path, gigabytes):
    path = tmp_path / "sparse"
    size = int(gigabytes * 2**30) // 8 * 8
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size - 8)
        file.write(struct.pack("d", 2.5))
    tracemalloc.start()
    acc = fa.stats(fa.chunks(path, "d"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (acc.count, acc.sum, acc.max) == (size // 8, 2.5, 2.5)
    assert peak < 2 * 2**20
    assert Fraction(acc.mean) == Fraction(2.5 / (size // 8))


def test_mapped_files(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(array("i", range(100)).tobytes())

    assert fa.sum(fa.mmap_array(path, "i")) == sum(range(100))
    with pytest.raises(BufferError):
        fa.scale(fa.mmap_array(path, "i"), 2)
    private = fa.mmap_array(path, "i", "c")
    fa.scale(private, 2)
    assert fa.sum(fa.mmap_array(path, "i")) == sum(range(100))
    shared = fa.mmap_array(path, "i", "r+")
    fa.scale(shared, 2)
    assert fa.sum(fa.mmap_array(path, "i")) == 2 * sum(range(100))
    (tmp_path / "empty").touch()
    assert fa.sum(fa.mmap_array(tmp_path / "empty", "d")) == 0
    os.truncate(path, 5)
    with pytest.raises(ValueError, match="ends inside"):
        fa.mmap_array(path, "i")
    with pytest.raises(ValueError, match="mode"):
        fa.mmap_array(path, "i", "w")


def test_byte_orders():
    data = struct.pack(">3i", 1, -2, 3)

    assert fa.frombytes(data, "i", byteorder=">").tolist() == [1, -2, 3]
    assert fa.frombytes(data, "i", byteorder="big") == fa.frombytes(data, "i", byteorder=">")
    assert fa.frombytes(struct.pack("<2d", 1.5, 2), "d", byteorder="<").tolist() == [1.5, 2.0]
    assert fa.frombytes(b"\1\2", "B").tolist() == [1, 2]
    with pytest.raises(ValueError, match="byteorder"):
        fa.frombytes(data, "i", byteorder="middle")
    with pytest.raises(ValueError):
        fa.frombytes(b"\0\0\0", "i")


def test_strided_views_become_contiguous():
    a = array("i", range(10))

    assert fa.ascontiguous(a) is a
    assert fa.ascontiguous(memoryview(a)[::3]) == array("i", [0, 3, 6, 9])
    numpy = pytest.importorskip("numpy")
    assert fa.ascontiguous(numpy.arange(6, dtype=">i2")[::2]) == array("h", [0, 2, 4])
    assert fa.ascontiguous(numpy.arange(4, dtype="e")[::2]) == array("f", [0, 2])


def test_the_public_names_exist():
    import fastarray

    for name in fastarray.__all__:
        assert callable(getattr(fastarray, name))
    assert not set(fastarray.__all__) & set(dir(builtins))
    names = {name for name in dir(fastarray) if not name.startswith("_")}
    assert names - {"TYPE_CHECKING", "stream"} - set(dir(builtins)) <= set(fastarray.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fastarray.nothing


def test_the_import_brings_nothing_along():
    """`typing` alone took 25 ms, `array` three times as long as all of fastarray."""
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import fastarray\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    eager = not getattr(sys, "_is_gil_enabled", lambda: True)()  # then array comes with it

    loaded = set(run.stdout.split())
    assert {"fastarray", "fastarray._fastarray"} <= loaded
    assert eager or not loaded - {"fastarray", "fastarray._fastarray", "math"}
