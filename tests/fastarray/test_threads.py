"""Python threads at once: each call's answer is its own, also without a GIL."""

import random
import sysconfig
import threading
from array import array

import pytest

import fastarray as fa

FACTOR = 3


def scaled(x):
    return x * FACTOR + 1


def together(*jobs):
    """Runs the jobs in threads of their own; the first exception is raised here."""
    failures = []

    def guarded(job):
        try:
            job()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_calls_on_arrays_of_their_own_do_not_meet():
    def job():
        for n in [1, 10, 1000, 5000] * 20:
            a = array("i", range(n))
            assert fa.sum(a) == n * (n - 1) // 2
            assert fa.map(a, lambda x: x * 2 + 1)[n - 1] == 2 * n - 1
            assert len(fa.filter(a, lambda x: 3 < x < 900)) == max(0, min(n, 900) - 4)
            assert fa.reduce(a, lambda x, y: x + y) == n * (n - 1) // 2
            fa.scale(a, 2)
            fa.clip(a, 0, 50)
            assert fa.max(a) == min(50, 2 * (n - 1))
            assert fa.fsum(array("d", [0.1] * 10)) == 1.0

    together(job, job, job, job)


def test_a_global_that_changes_meanwhile_is_seen_with_one_of_its_values():
    done = threading.Event()

    def changing():
        global FACTOR
        while not done.is_set():
            FACTOR = random.choice((3, 4, 5))
        FACTOR = 3

    def mapping():
        for _ in range(200):
            assert fa.map(array("i", range(2000)), scaled)[1999] in (5998, 7997, 9996)

    changer = threading.Thread(target=changing)
    changer.start()
    try:
        together(mapping, mapping)
    finally:
        done.set()
        changer.join()


def test_one_array_is_read_by_many_threads():
    shared = array("d", [0.5] * 2_000_000)  # long enough for the pool
    answers = set()

    def job():
        for _ in range(5):
            answers.add((fa.sum(shared), fa.minmax(shared), fa.var(shared), fa.dot(shared, shared)))

    together(job, job, job, job)
    assert answers == {(1e6, (0.5, 0.5), 0.0, 5e5)}


@pytest.mark.skipif(
    sysconfig.get_config_var("Py_GIL_DISABLED"),
    reason="there it is taken back when the call returns",
)
def test_no_other_thread_sees_a_change_that_is_taken_back():
    a = array("i", [1] * 4_000_000 + [2**30])
    ready, done, seen = threading.Event(), threading.Event(), set()

    def looking():
        while not done.is_set():
            seen.add(a[0])
            ready.set()

    def changing():
        ready.wait()
        try:
            for _ in range(10):
                with pytest.raises(OverflowError):
                    fa.scale(a, 2)
        finally:
            done.set()

    together(looking, changing)
    assert seen == {1}
