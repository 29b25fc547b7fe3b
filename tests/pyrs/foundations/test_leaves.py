"""Calls of small functions that need no frame: that they are made so, and given up."""

import pyrs
import pytest

pytestmark = pytest.mark.native  # what sites see depends on where frames are handed over


def add(a, b=2):
    return a + b


def both(a):
    return add(a) * add(a, a)


def first(*args):
    return args[0] + len(args)


def count(n):
    return n if n < 1 else count(n - 1)


def loop(function, values):
    results = []
    for value in values:
        results.append(function(value))
    return results


def seen_by(caller):
    """What the calls of a function have seen."""
    return [site["seen"] for site in pyrs.explain(caller)["caches"] if site["kind"] == "call"]


def fresh(function):
    """The same, with caches of its own."""
    namespace = {**function.__globals__}
    code = function.__code__.replace(co_name=f"{function.__name__}_again")
    return type(function)(code, namespace, function.__name__, function.__defaults__)


@pytest.mark.parametrize("function", [add, both, first], ids=lambda f: f.__name__)
def test_a_site_gets_a_leaf_and_frames_still_count(function):
    caller, function = fresh(loop), fresh(function)
    before = pyrs.stats()["native"]
    results = pyrs.run(caller, function, list(range(50)))
    frames = pyrs.stats()["native"] - before

    assert results == [function(i) for i in range(50)]
    assert ["leaf"] in seen_by(caller)
    assert frames >= 51 + 100 * (function.__name__ == "both")  # other threads have theirs


def test_a_leaf_that_mostly_fails_is_given_up():
    caller, function = fresh(loop), fresh(add)
    pyrs.run(caller, function, list(range(10)))
    assert ["leaf"] in seen_by(caller)

    pyrs.run(caller, function, [2.5, 1j] * 100)
    pyrs.run(caller, function, [1j] * 200)

    assert ["leaf"] not in seen_by(caller)


def test_a_recursive_function_is_none():
    caller = fresh(loop)
    assert pyrs.run(caller, count, [3] * 30) == [0] * 30
    assert ["leaf"] not in seen_by(caller)


@pytest.mark.parametrize("wrong", [None, "text"])
def test_what_a_leaf_cannot_do_is_done_with_a_frame(wrong):
    caller, function = fresh(loop), fresh(add)
    with pytest.raises(TypeError) as caught:
        pyrs.run(caller, function, [*range(20), wrong])
    names = [entry.name for entry in caught.traceback]
    assert names[-2:] == ["loop_again", "add_again"]
