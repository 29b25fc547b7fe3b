"""The thread pool: the same bits for every number of threads, forks, shared use."""

import math
import os
import subprocess
import sys
import sysconfig
import threading
import time
from array import array

import pytest
from support.arrays import numbers

import fastarray as fa
from fastarray import _fastarray

LONG = 3_000_000


@pytest.fixture(autouse=True)
def threads():
    before = fa.get_num_threads()
    yield
    fa.set_num_threads(before)


REDUCTIONS = [fa.sum, fa.mean, fa.min, fa.max, fa.minmax, fa.argmin, fa.argmax, fa.fsum]
REDUCTIONS += [fa.var, fa.std, fa.any, fa.all, _fastarray._tally]
REDUCTIONS += [lambda a: fa.dot(a, a), lambda a: fa.count(a, a[-1])]


def outcome(function, a):
    """The answer to the last bit, or the exception."""
    try:
        return repr(function(a))
    except (ValueError, OverflowError) as error:
        return repr(error)


@pytest.mark.parametrize("code", "bIfqQd")
@pytest.mark.parametrize("kind", ["any", "small"])
def test_results_do_not_depend_on_the_number_of_threads(code, kind):
    a = array(code, numbers(code, 10_007, kind))
    a *= (9 << 20) // (len(a) * a.itemsize) + 1
    results = []
    for n in (1, 2, 3, 7):
        fa.set_num_threads(n)
        results.append([outcome(function, a) for function in REDUCTIONS])

    assert results == results[:1] * 4


@pytest.mark.parametrize("code", "hqd")
def test_long_arrays_have_the_answers_of_their_parts(code):
    """What the pool adds up is right, not only always the same."""
    part = array(code, numbers(code, 4_001, "small"))
    times = (9 << 20) // (len(part) * part.itemsize) + 1
    a = part * times

    assert fa.count(a, part[7]) == times * part.count(part[7])
    assert (fa.argmin(a), fa.argmax(a)) == (part.index(min(part)), part.index(max(part)))
    if code == "d":
        assert fa.fsum(a) == math.fsum(a)
        assert math.isclose(fa.dot(a, a), math.fsum(x * x for x in part) * times, rel_tol=1e-15)
        assert math.isclose(fa.var(a), fa.var(part), rel_tol=1e-12)
    else:
        assert fa.dot(a, a) == times * sum(x * x for x in part)
        n, squares = len(a), times * sum(x * x for x in part)
        assert fa.var(a) == (n * squares - sum(a) ** 2) / (n * n)


@pytest.mark.parametrize("at", [5, 2_500_000])
def test_what_is_not_finite_is_found_by_every_thread(at):
    a = array("d", [1.0]) * LONG
    a[at] = math.inf
    assert fa.fsum(a) == fa.sum(a) == fa.dot(a, a) == math.inf
    a[-1] = -math.inf
    with pytest.raises(ValueError, match="-inf"):
        fa.fsum(a)
    assert math.isnan(fa.sum(a))


def test_many_threads_may_reduce_at_once():
    fa.set_num_threads(2)
    a = array("d", range(1000)) * 3000
    expected, wrong = fa.sum(a), []

    def work():
        for _ in range(60):
            if fa.sum(a) != expected:
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(6)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not wrong


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and sys.version_info < (3, 14),
    reason="3.13's array then looks for exports and resizes without a lock",
)
@pytest.mark.parametrize(
    "function", [fa.sum, fa.fsum, fa.var, fa.argmax, fa.all, lambda a: fa.dot(a, a)]
)
def test_the_array_is_held_while_other_threads_run(function):
    a = array("q", [1]) * LONG
    answers = {function(a), function(a + array("q", [1]))}
    stop, refused = threading.Event(), []

    def meddle():
        while not stop.is_set():
            for change in (lambda: a.append(1), a.pop):
                while True:
                    try:
                        change()
                        break
                    except BufferError:
                        refused.append(1)
                        time.sleep(0)

    thread = threading.Thread(target=meddle)
    thread.start()
    try:
        for _ in range(10):
            assert function(a) in answers
    finally:
        stop.set()
        thread.join()
    assert len(a) == LONG


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_its_own_pool():
    code = (
        "import os, sys, fastarray as fa\n"
        "from array import array\n"
        "fa.set_num_threads(3)\n"
        "a = array('d', range(1000)) * 3000\n"
        "total = fa.sum(a)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os._exit(0 if fa.sum(a) == total else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert run.returncode == 0


def test_the_environment_sets_the_number():
    env = dict(os.environ, FASTARRAY_NUM_THREADS="5")
    code = "import fastarray; print(fastarray.get_num_threads())"
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert out.stdout.strip() == "5"


def test_numbers_of_threads_are_checked():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        fa.set_num_threads(0)
    with pytest.raises(TypeError):
        fa.set_num_threads("2")
