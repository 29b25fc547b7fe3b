"""Many commands at once, and commands that end suddenly: store and environments stay whole."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path

import pytest
from pyrs.pm import bytecode, compiling, supply
from pyrs.pm.errors import StoreError
from pyrs.pm.store import Store
from pyrs.pm.workers import Pool, Workers


def command(project, *args, **options):
    env = {**os.environ, "PYTHONPATH": str(Path(sys.modules["pyrs.pm"].__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-m", "pyrs.pm", *args],
        cwd=project.root,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.slow
def test_sixteen_installs_and_a_collector_at_once(another, index, store, monkeypatch):
    monkeypatch.setenv("PYRS_BYTECODE", "later")  # and a compiler
    for n in range(12):
        index.wheel(f"p{n}", "1.0", [f"p{(n * 5) % 12}"] if n % 3 else [])
    projects = []
    for n in range(8):
        project = another(f"proj{n}")
        project.declare({f"p{(n + k) % 12}": "*" for k in range(5)}, name=f"proj{n}")
        project.pyrs("lock")
        projects.append(project)

    running = [command(p, "install") for p in projects * 2]
    while any(r.poll() is None for r in running):
        collector = command(projects[0], "store", "gc")
        assert collector.wait(timeout=120) == 0, collector.stderr.read()
    for process in running:
        assert process.wait() == 0, process.stderr.read()

    projects[0].pyrs("store", "compile")
    for project in projects:
        project.pyrs("check")
        project.spawn("install", "--frozen", "--offline")
    assert len(list(store.glob("pkgs/*/seal-*"))) == 12
    assert len(list(store.glob("pkgs/*"))) == len({p.name for p in store.glob("pkgs/*")}) == 12


@pytest.mark.slow
def test_installs_side_by_side_fetch_each_file_once(another, index, store):
    names = [f"p{n}" for n in range(12)]
    for name in names:
        index.wheel(name, "1.0")
    projects = [another(f"proj{n}") for n in range(4)]
    for n, project in enumerate(projects):
        project.declare(dict.fromkeys(names, "*"), name=f"proj{n}")
        project.pyrs("lock")
    index.delay = 0.05  # so that all of them are at it before the first is done

    for process in [command(p, "install") for p in projects]:
        assert process.wait() == 0, process.stderr.read()

    assert sorted(index.requests(".whl")) == sorted(set(index.requests(".whl")))
    assert len(list(store.glob("pkgs/*"))) == 12


def test_worker_that_dies_is_an_error_of_whatever_it_did(home):
    workers = Workers(2, os._exit)
    try:
        for _ in range(3):
            with pytest.raises(StoreError, match="ended unexpectedly"):
                workers.submit(0, 1).result()
    finally:
        workers.close()


def test_of_what_waits_the_heaviest_goes_first_and_closing_gives_up_the_rest():
    begun, held, done = threading.Event(), threading.Event(), []

    def work(name):
        begun.set()
        held.wait()
        done.append(name)

    pool = Pool([work])
    pool.submit(0, "first")
    begun.wait()
    waiting = [pool.submit(weight, weight) for weight in (1, 3, 2)]
    held.set()
    waiting[0].result()
    begun.clear()
    held.clear()
    running = pool.submit(0, "last")
    begun.wait()
    given_up = pool.submit(9, "never")
    pool.close(wait=False)
    held.set()
    running.result()

    assert done == ["first", 3, 2, 1, "last"]
    assert given_up.cancelled() and pool.submit(0, "late").cancelled()


def test_few_big_files_come_in_at_once_unless_that_takes_long(monkeypatch):
    mine = object.__new__(supply.Supply)
    mine._turns = threading.Semaphore(supply.BIG_AT_ONCE)
    monkeypatch.setattr(supply, "PATIENCE", 0)
    with contextlib.ExitStack() as many:
        for _ in range(supply.BIG_AT_ONCE + 1):  # the last without a turn of its own
            many.enter_context(mine._turn(True))
        monkeypatch.setattr(supply, "PATIENCE", 60)
        with mine._turn(False):  # small ones never wait
            pass
        waiting = threading.Thread(target=lambda: mine._turn(True).__enter__(), daemon=True)
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()

    waiting.join(60)
    assert not waiting.is_alive()


@pytest.mark.parametrize("stage", ["lock", "install"])
def test_interrupted_command_ends_at_once_and_leaves_nothing(two, index, store, stage):
    index.wheel("more", "1.0")
    two.declare({"top": "*", "more": "*"})
    if stage == "install":
        two.pyrs("lock")
    index.gather_at = "" if stage == "install" else ".metadata"
    index.gather = threading.Barrier(99)  # nothing is sent any more
    seen = len(index.log)
    process = command(two, stage, start_new_session=True)
    while len(index.log) < seen + (3 if stage == "install" else 1):
        assert process.poll() is None
        time.sleep(0.01)

    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    index.gather.abort()

    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    assert not (two.root / ".pyrs").exists()
    assert not list(store.glob("pkgs/*")) and not list(store.glob("tmp/*"))


# The command, ended by force right before its n-th change of a file; 0 lets it live and counts.
# Run with -B: whether our own bytecode is there already must not change the count.
ENDED = """
import os, sys
last, seen = int(sys.argv.pop(1)), 0
CHANGES = {f"os.{n}" for n in "mkdir rename symlink link remove rmdir chmod truncate".split()}

def count(event, args):
    global seen
    opens = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR)
    if opens or event in CHANGES:
        seen += 1
        if seen == last:
            os.killpg(0, 9)

sys.addaudithook(count)
from pyrs.pm.cli import main
code = main(sys.argv[1:])
print(seen)
sys.exit(code)
"""


class Switch:
    """A project between two manifests: whatever ends by force, its environment is one of the two."""

    def __init__(self, project, index, store):
        index.wheel("big", "1.0", files={f"big/m{i}.py": f"x = {i}\n" * 50 for i in range(60)})
        index.wheel("extra", "1.0", ["big"])
        self.project, self.store = project, Store(store.parent)
        self.new()
        project.pyrs("install")  # its pages are known from here on
        self.old()
        project.pyrs("install")
        self.seen = [
            ({"top"}, {"leaf.py", "__pycache__"}),
            ({"top", "extra"}, {"leaf.py", "__pycache__", "big"}),
        ]

    def old(self):
        self.project.declare({"top": "*"})

    def new(self):
        self.project.declare({"top": "*", "extra": "*"})

    def to_collect(self):
        """The old environment, and the store with what only the new one needs."""
        self.new()
        self.project.pyrs("install")
        self.old()
        self.project.pyrs("install")

    def to_install(self):
        """The old environment, the new manifest, and nothing of it in the store."""
        self.to_collect()
        self.project.pyrs("store", "gc")
        self.new()

    def to_compile(self):
        """The new environment, and notes of what is to be compiled."""
        self.to_install()
        self.project.pyrs("install", "--bytecode", "never")
        here = bytecode.Here
        compiling.note(self.store, self.store.entry_keys(), sys.executable, here.tag)
        assert len(self.store.notes()) == 2

    def ended(self, last, *words):
        return self.project.spawn(
            last, *words, entry=("-B", "-c", ENDED), expect=None, start_new_session=True
        )

    def is_old_or_new(self):
        assert self.project.visible() in self.seen
        python = self.project.root / ".pyrs" / "bin" / "python"
        assert subprocess.run([python, "-c", "import top"]).returncode == 0
        assert [p for key in self.store.entry_keys() for p in self.store.check(key)] == []

    def goes_on(self):
        """What was cut short is no obstacle to doing it again."""
        self.new()
        self.project.pyrs("install")
        assert self.project.visible() == self.seen[1]
        self.project.pyrs("check", "--whole-store")
        for key in self.store.entry_keys():
            assert compiling.is_sealed(self.store, key, bytecode.Here.tag), key
            for path in (self.store.pkgs / key).rglob("*"):
                assert path.stat().st_mode & 0o222 == 0, path
        self.project.pyrs("store", "gc")
        assert list((self.store.base / "tmp").iterdir()) == self.store.notes() == []
        assert not (self.store.base / "work").exists()
        own = [p.name for p in (self.project.root / ".pyrs").iterdir()]
        assert {"bin", "current", "lock", "site-packages"} >= {n for n in own if n[:4] != "gen-"}


@pytest.fixture
def switch(two, index, store):
    return Switch(two, index, store)


ENDINGS = {
    "install": (Switch.to_install, ["install"]),
    "collection": (Switch.to_collect, ["store", "gc"]),
    "compiling": (Switch.to_compile, ["store", "compile"]),
}


def end_before_change(switch, case, number):
    """False when the command did not have so many changes to make."""
    prepare, words = ENDINGS[case]
    prepare(switch)
    result = switch.ended(number, *words)
    switch.is_old_or_new()
    switch.goes_on()
    assert result.code in (0, -signal.SIGKILL), result
    return result.code != 0


@pytest.mark.parametrize(("case", "points"), [("install", 12), ("collection", 6), ("compiling", 8)])
def test_command_ended_before_a_change_leaves_old_or_new(switch, case, points):
    """At so many points, evenly spread; the long twin takes each there is."""
    assert not end_before_change(switch, case, 0)  # from here on, every round begins alike
    prepare, words = ENDINGS[case]
    prepare(switch)
    total = int(switch.ended(0, *words).out.split()[-1])
    assert total > 20

    for n in range(points):
        assert end_before_change(switch, case, 1 + n * total // points)


@pytest.mark.long
@pytest.mark.parametrize("case", ENDINGS)
def test_command_ended_before_each_change_there_is_leaves_old_or_new(switch, case):
    changes = next(n for n in count(1) if not end_before_change(switch, case, n)) - 1

    print(f"{case}: ended before each of {changes} changes")
    assert changes > 20


@pytest.mark.long
def test_two_hundred_installs_ended_at_random_times_leave_old_or_new(switch, monkeypatch):
    rng = random.Random(5)
    killed = 0
    while killed < 200:
        rng.choice([Switch.to_collect, Switch.to_install])(switch)
        switch.new()
        monkeypatch.setenv("PYRS_BYTECODE", rng.choice(["now", "later"]))
        process = command(switch.project, "install")
        try:
            process.wait(timeout=rng.random() * 0.6)
        except subprocess.TimeoutExpired:
            process.kill()
        killed += process.wait() == -signal.SIGKILL
        switch.is_old_or_new()
        monkeypatch.setenv("PYRS_BYTECODE", "now")
    switch.goes_on()
