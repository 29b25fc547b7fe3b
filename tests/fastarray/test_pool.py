"""The thread pool: the same bits for every number of threads, forks, shared use."""

import os
import subprocess
import sys
import threading
import time
from array import array

import pytest
from support.arrays import numbers

import fastarray as fa

LONG = 3_000_000


@pytest.fixture(autouse=True)
def threads():
    before = fa.get_num_threads()
    yield
    fa.set_num_threads(before)


@pytest.mark.parametrize("code", "bifqd")
def test_results_do_not_depend_on_the_number_of_threads(code):
    a = array(code, numbers(code, 10_007, "any")) * (LONG // 2500)
    results = set()
    for n in (1, 2, 3, 7):
        fa.set_num_threads(n)
        results.add(repr((fa.sum(a), fa.mean(a), fa.minmax(a), fa.min(a), fa.max(a))))

    assert len(results) == 1


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


def test_the_array_is_held_while_other_threads_run():
    a = array("q", [1]) * LONG
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
        for _ in range(30):
            assert fa.sum(a) in (LONG, LONG + 1)
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
