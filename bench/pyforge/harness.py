"""Interleaved timing, and the table of ratios with their goals and floors."""

import gc
import time
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Line:
    """One ratio: how often faster (`least`) or how much of the time (`most`)."""

    name: str
    value: float
    goal: float
    gate: float
    least: bool
    note: str

    @property
    def met(self):
        return self.value >= self.goal if self.least else self.value <= self.goal

    @property
    def above_gate(self):
        return self.value >= self.gate if self.least else self.value <= self.gate

    def text(self):
        sign = ">=" if self.least else "<="
        state = "met" if self.met else "MISSED" if self.above_gate else "BELOW GATE"
        return f"  {self.name:58} {self.value:8.2f}  goal {sign} {self.goal:<6g} {state:10} {self.note}"


LINES = []


@contextmanager
def settled():
    """What is there already is left out of the collections meanwhile: walking all of Django
    before each call empties the processor's caches. The collector stays on."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def best(calls, n, reps=7, clock=time.process_time):
    """Microseconds an item of each call, best of interleaved rounds.

    The clock is this process's own processor time, so that other work on the machine
    counts less; where a server does part of the work it is the wall's."""
    fresh = {label: (lambda _, c=call: c(), lambda: None) for label, call in calls.items()}
    return best_fresh(fresh, n, reps, clock)


def best_fresh(calls, n, reps=7, clock=time.process_time):
    """The same for (call, input maker) pairs: each call gets an input of its own."""
    times = dict.fromkeys(calls, float("inf"))
    with settled():
        for _ in range(reps):
            for label, (call, make) in calls.items():
                given = make()
                gc.collect()
                start = clock()
                call(given)
                times[label] = min(times[label], clock() - start)
    return {label: t / n * 1e6 for label, t in times.items()}


def show(title, times):
    print(title)
    for label, us in times.items():
        print(f"    {label:58} {us:10.3f} us")


def faster(name, times, slow, fast, goal, gate, note=""):
    record(Line(name, times[slow] / times[fast], goal, gate, True, note))


def within(name, times, ours, theirs, goal, gate, note=""):
    record(Line(name, times[ours] / times[theirs], goal, gate, False, note))


def record(line):
    LINES.append(line)
    print(line.text(), flush=True)
