"""Bytecode made after an install has ended: complete in the end, seen, stoppable, never half."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
from pyrs.pm import bytecode, compiling, link
from pyrs.pm.store import Store

TAG = bytecode.Here.tag


@pytest.fixture
def later(project, index, store, monkeypatch):
    """A project of five distributions, installed in the usual way."""
    monkeypatch.setenv("PYRS_BYTECODE", "later")
    index.wheel("single", "1.0", files={"single.py": "x = 1\n"})
    index.wheel("other", "1.0", files={"other.py": "x = 2\n"})
    index.wheel("space-a", "1.0", files={"space/a.py": "x = 3\n"})
    index.wheel("space-b", "1.0", files={"space/b/__init__.py": "x = 4\n"})
    index.wheel("broken", "1.0", files={"broken/__init__.py": "", "broken/old.py": "print 1\n"})
    names = ("single", "other", "space-a", "space-b", "broken")
    project.declare(dict.fromkeys(names, "*"))
    Store.open()
    return project


@pytest.fixture
def turn(later, store):
    """While it is held, nobody compiles."""
    lock = link.Flock(str(store / "compiler"), exclusive=True)
    try:
        yield lock
    finally:
        if lock.handle >= 0:
            lock.close()


def let_go(turn):
    turn.close()
    turn.handle = -1


def sealed(store):
    return len(list(store.glob(f"pkgs/*/seal-{TAG}")))


def test_install_ends_before_and_a_process_of_its_own_completes_it(later, store):
    assert later.spawn("install").code == 0
    later.run("-c", "import single, space.a, space.b, broken")

    later.pyrs("store", "compile")  # ends when nothing is left, whoever did it

    assert sealed(store) == 5 and not os.listdir(store / "pending")
    later.pyrs("check")
    compiled = (
        "import sys\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, args: event == 'compile' and seen.append(args[1]))\n"
        "import single, other, space.a, space.b, broken\n"
        "print(seen)"
    )
    assert later.run("-c", compiled).out == "[]\n"


def test_what_is_left_is_seen_and_programs_run_meanwhile(later, turn, store):
    later.spawn("install")

    at_work = later.pyrs("store", "status", "--json").json()
    assert (at_work["to_compile"], at_work["compiling"]) == (5, True)
    assert "to compile   5 packages (at work)" in later.pyrs("store", "status").out
    assert later.run("-c", "import single, space.a; print(single.x, space.a.x)").out == "1 3\n"
    later.pyrs("check", "--whole-store")
    let_go(turn)
    later.pyrs("store", "compile")

    assert "to compile   0 packages\n" in later.pyrs("store", "status").out


def test_plan_does_not_depend_on_what_is_compiled(later, turn, store):
    later.spawn("install")
    plan = (later.root / ".pyrs/current/plan").read_bytes()
    let_go(turn)
    later.pyrs("store", "compile")
    for path in (store / "plans").iterdir():
        path.unlink()
    (later.root / ".pyrs/current").unlink()

    later.spawn("install")

    assert (later.root / ".pyrs/current/plan").read_bytes() == plan


def test_next_install_goes_on_where_the_process_was_ended(later, turn, store, monkeypatch):
    later.spawn("install")
    let_go(turn)  # as if it had been ended: notes, and nobody at work
    started = []
    with monkeypatch.context() as patch:
        patch.setattr(compiling, "start", started.append)
        later.pyrs("install")
    assert len(started) == 1

    later.spawn("install")
    later.pyrs("store", "compile")

    assert sealed(store) == 5


def test_quick_install_stays_quick_while_somebody_is_at_work(later, turn):
    later.spawn("install")
    loaded = "import sys\nfrom pyrs.pm.cli import main\nmain(sys.argv[1:])\nprint(*sys.modules)"

    assert "pyrs.pm.dispatch" not in later.spawn("install", entry=("-c", loaded)).out.split()


def files_of(process):
    found = set()
    for entry in os.scandir(f"/proc/{process}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.add(os.readlink(entry.path))
    return found


def test_process_is_in_nobodys_way(later, turn, store, monkeypatch):
    later.pyrs("install", "--bytecode", "never")
    opened = Store(store.parent)
    compiling.note(opened, opened.entry_keys(), sys.executable, TAG)
    spawn, started = os.posix_spawn, []
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_spawn", lambda *a, **o: started.append(spawn(*a, **o)))
        patch.setattr(
            compiling, "is_running", lambda store: False
        )  # it would see the lock held here
        compiling.start(opened)
    (child,) = started
    lock = str(store / "compiler")
    while lock not in (opened_files := files_of(child)):  # until it waits for its turn
        time.sleep(0.01)

    assert opened_files == {"/dev/null", lock}
    assert os.readlink(f"/proc/{child}/cwd") == "/"
    assert os.getsid(child) == child
    assert os.getpriority(os.PRIO_PROCESS, child) == 19

    let_go(turn)
    assert os.waitpid(child, 0)[1] == 0
    assert sealed(store) == 5


def test_never_leaves_no_notes_and_now_leaves_nothing_to_do(later, store, home, monkeypatch):
    later.pyrs("install", "--bytecode", "never")
    assert (sealed(store), os.listdir(store / "pending")) == (0, [])
    monkeypatch.setenv("PYRS_BYTECODE", "now")
    later.spawn("install")
    assert (sealed(store), os.listdir(store / "pending")) == (5, [])

    monkeypatch.delenv("PYRS_BYTECODE")
    (home / ".pyrs/config.toml").write_text('bytecode = "never"\n')
    later.index.wheel("more", "1.0")
    later.pyrs("add", "more")
    assert (sealed(store), os.listdir(store / "pending")) == (5, [])
    (home / ".pyrs/config.toml").write_text('bytecode = "soon"\n')

    assert "later, now, never" in later.pyrs("install", expect=2).err
    assert "invalid choice" in later.pyrs("install", "--bytecode", "soon", expect=2).err


def test_collected_entries_are_forgotten(later, turn, store):
    later.spawn("install")
    later.declare({"single": "*"})
    later.spawn("install")

    later.pyrs("store", "gc")

    assert [n.partition("@")[0] for n in os.listdir(store / "pending")] == ["single"]
    opened = Store(store.parent)
    os.symlink(sys.executable, opened.pending / f"gone@1-0+{TAG}")
    let_go(turn)
    later.pyrs("store", "compile")
    assert opened.notes() == []


def test_interpreter_that_went_away_is_told_and_stops_nobody_else(later, turn, store):
    later.spawn("install")
    opened = Store(store.parent)
    compiling.note(opened, opened.entry_keys()[:1], "/no/such/python", "cpython-399")
    let_go(turn)

    error = later.pyrs("store", "compile", expect=9).err

    assert "1 packages could not be compiled" in error and "/no/such/python" in error
    assert sealed(store) == 5 and len(opened.notes()) == 1
    later.pyrs("check")


def test_process_ended_by_force_takes_its_workers_along(later, turn, store):
    later.spawn("install")
    let_go(turn)
    command = [sys.executable, "-m", "pyrs.pm", "store", "compile"]
    process = subprocess.Popen(command, start_new_session=True)
    while process.poll() is None and not sealed(store):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)  # to it alone, not to those it forked
    process.wait()

    later.pyrs("check")
    later.pyrs("store", "compile")  # would wait for ever for a worker that lived on

    assert sealed(store) == 5
    later.pyrs("check")


def test_bytecode_a_wheel_brings_is_left_alone(later, index, store):
    files = {"own/__init__.py": "x = 1\n", f"own/__pycache__/__init__.{TAG}.pyc": "theirs"}
    index.wheel("own", "1.0", files=files)
    for mode in ("now", "later"):
        later.declare({"own": "*"} if mode == "now" else {"own": "*", "single": "*"})

        later.spawn("install", "--bytecode", mode)
        later.pyrs("store", "compile")

        assert later.run("-c", "import own; print(own.x)").out == "1\n"
        later.pyrs("check")
        later.declare({})
        later.pyrs("install")
        later.pyrs("store", "gc")
