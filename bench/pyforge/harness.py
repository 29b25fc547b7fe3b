"""Interleaved timing, and the table of ratios with their goals and floors."""

import gc
import time
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


def best(calls, n, reps=7):
    """Microseconds an item of each call, best of interleaved rounds, GC as it is."""
    times = dict.fromkeys(calls, float("inf"))
    for _ in range(reps):
        for label, call in calls.items():
            gc.collect()
            start = time.perf_counter()
            call()
            times[label] = min(times[label], time.perf_counter() - start)
    return {label: t / n * 1e6 for label, t in times.items()}


def best_fresh(calls, n, reps=7):
    """The same for (call, input maker) pairs: each call gets an input of its own."""
    times = dict.fromkeys(calls, float("inf"))
    for _ in range(reps):
        for label, (call, make) in calls.items():
            given = make()
            gc.collect()
            start = time.perf_counter()
            call(given)
            times[label] = min(times[label], time.perf_counter() - start)
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
