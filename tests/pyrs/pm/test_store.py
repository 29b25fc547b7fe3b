"""The store: one copy, read-only, collected only when nobody can miss it, safe under fire."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from pyrs.pm import link
from pyrs.pm.errors import StoreError
from pyrs.pm.store import DAY, Store
from pyrs.pm.workers import Pool, Workers

ROOT = os.geteuid() == 0
NOBODY = 65534


@pytest.fixture
def two(project, index):
    index.wheel("leaf", "1.0", files={"leaf.py": "x = 1\n"})
    index.wheel("top", "1.0", ["leaf"])
    project.declare({"top": "*"})
    return project


def test_two_projects_share_one_copy(two, another, index, store):
    two.pyrs("install")
    asked = len(index.requests(".whl"))
    other = another("other")
    other.declare({"top": "*"}, name="other")

    other.pyrs("install")

    assert len(index.requests("/files/top-1.0-py3-none-any.whl")) <= asked
    assert len(list(store.glob("pkgs/top@*"))) == 1
    assert (two.site / "top").resolve() == (other.site / "top").resolve()


def test_two_files_of_one_version_do_not_collide(project, index, store):
    index.wheel("lib", "1.0", files={"lib.py": "kind = 'any'\n"})
    project.declare({"lib": "*"})
    project.pyrs("install")
    index.wheel("lib", "1.0", files={"lib.py": "kind = 'other'\n"})
    project.pyrs("lock", "--refresh")

    project.pyrs("install")

    assert len(list(store.glob("pkgs/lib@1.0-*"))) == 2
    assert project.run("-c", "import lib; print(lib.kind)").out == "other\n"


def test_downloads_run_side_by_side(project, index):
    names = [f"part{n}" for n in range(4)]
    for name in names:
        index.wheel(name, "1.0")
    project.declare(dict.fromkeys(names, "*"))
    project.pyrs("lock")
    index.gather = threading.Barrier(len(names))  # one after another would never get all of them

    project.pyrs("install")

    assert project.visible()[0] == set(names)


def test_environment_consists_of_links_and_repeats_no_file(two, store):
    two.pyrs("install")

    for part in ("site-packages", "deps"):
        for path in (two.root / ".pyrs/current" / part).iterdir():
            own = path.name == "app-1.0.dist-info"
            assert own or (path.is_symlink() and path.resolve().is_relative_to(store)), path


def test_project_on_another_file_system_uses_the_same_copy(two, another, store):
    two.pyrs("install")
    elsewhere = Path("/dev/shm")
    if not os.access(elsewhere, os.W_OK) or elsewhere.stat().st_dev == store.stat().st_dev:
        pytest.skip("needs a second file system")
    folder = Path(tempfile.mkdtemp(dir=elsewhere))
    try:
        far = another(folder / "far")
        far.declare({"top": "*"}, name="far")
        far.pyrs("install")

        assert (far.site / "top").resolve() == (two.site / "top").resolve()
        assert far.run("-c", "import top; print(top.version)").out == "1.0\n"
    finally:
        shutil.rmtree(folder)


def test_entries_are_read_only(two, store):
    two.pyrs("install")

    for path in store.glob("pkgs/*/**/*"):
        assert not path.is_symlink() and path.stat().st_mode & 0o222 == 0, path


def test_place_of_the_store_from_environment_and_config(two, home, tmp_path, monkeypatch):
    monkeypatch.setenv("PYRS_STORE", str(tmp_path / "elsewhere"))
    two.pyrs("install")
    assert list((tmp_path / "elsewhere/v1/pkgs").glob("top@*"))
    monkeypatch.delenv("PYRS_STORE")
    (home / ".pyrs" / "config.toml").write_text(f'store = "{tmp_path}/configured"\n')

    two.pyrs("install")

    assert list((tmp_path / "configured/v1/pkgs").glob("top@*"))
    two.run("-c", "import top")


def test_install_leaves_no_work_behind(two, store):
    two.pyrs("install")

    assert list((store / "tmp").iterdir()) == []
    assert sorted(p.name for p in (two.root / ".pyrs").iterdir() if not p.name.startswith("gen-")) == [
        "bin", "current", "lock", "site-packages",
    ]  # fmt: skip


def test_no_op_install_changes_nothing(two):
    two.pyrs("install")
    time.sleep(0.15)
    two.spawn("install")  # notes the files' state, now that they have settled
    before = {p: os.lstat(p).st_mtime_ns for p in (two.root / ".pyrs").rglob("*")}

    two.spawn("install")

    assert {p: os.lstat(p).st_mtime_ns for p in (two.root / ".pyrs").rglob("*")} == before


def test_edit_that_keeps_size_and_time_is_noticed(two):
    two.pyrs("install")
    time.sleep(0.15)
    two.spawn("install")
    assert (two.root / ".pyrs" / "stamp").exists()
    status = two.lock.stat()
    two.lock.write_bytes(two.lock.read_bytes().replace(b"leaf", b"laef"))
    os.utime(two.lock, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert "is damaged" in two.spawn("install", expect=5).err


def test_warm_install_needs_neither_index_nor_resolver(two, index):
    two.pyrs("install")
    shutil.rmtree(two.root / ".pyrs")
    index.failures = {path: [500] * 50 for path in index.log}

    two.spawn("install")
    shutil.rmtree(two.root / ".pyrs")
    loaded = two.spawn(
        "install",
        entry=(
            "-c",
            "import sys\nfrom pyrs.pm.cli import main\nmain(sys.argv[1:])\nprint(*sys.modules)",
        ),
    ).out

    assert two.visible() == ({"top"}, {"leaf.py", "__pycache__"})
    assert not {"packaging", "pyrs.pm.dispatch", "pyrs._pyrs", "json"} & set(loaded.split())


def test_plain_install_compiles_what_one_without_bytecode_left(two, store):
    two.pyrs("install", "--no-bytecode")
    assert not list(store.glob("pkgs/*/**/*.pyc"))

    two.spawn("install")

    assert len(list(store.glob("pkgs/*/**/*.pyc"))) == 2
    two.pyrs("check")


def test_tests_of_a_distribution_are_importable_but_not_compiled(project, index, store):
    files = {"lib/__init__.py": "", "lib/tests/__init__.py": "", "lib/tests/test_a.py": "x = 1\n"}
    index.wheel("lib", "1.0", files=files)
    project.declare({"lib": "*"})
    project.pyrs("install")

    assert project.run("-c", "from lib.tests.test_a import x; print(x)").out == "1\n"
    assert [p.parts[-3] for p in store.glob("pkgs/*/**/*.pyc")] == ["lib"]


def test_damaged_environment_is_made_again(two):
    two.pyrs("install")
    (two.root / ".pyrs" / "site-packages").unlink()

    two.spawn("install")

    assert (two.site / "top").exists()


@pytest.mark.parametrize("damage", [b"", b"\xff\xff", b"x"], ids=["emptied", "no text", "longer"])
def test_damaged_plan_is_told_and_made_again(two, store, damage):
    two.pyrs("install")
    for _ in range(2):
        time.sleep(0.15)
        two.spawn("install")  # notes the files' state
    plan = two.root / ".pyrs/current/plan"
    plan.chmod(0o644)
    plan.write_bytes(plan.read_bytes() + damage if damage == b"x" else damage)
    assert "plan is damaged" in two.pyrs("check", expect=9).err
    if damage == b"\xff\xff":
        assert "plan is damaged\nhelp: run: pyrs install" in two.run("-c", "", expect=9).err
        ran = subprocess.run([two.root / ".pyrs/bin/python", "-c", ""], capture_output=True)
        assert ran.returncode == 1 and ran.stderr.endswith(b"is damaged; run: pyrs install\n")
    two.pyrs("store", "gc")

    two.spawn("install")

    two.pyrs("check")
    two.run("-c", "import top")


def test_odd_things_in_the_store_are_no_obstacle(two, store):
    two.pyrs("install")
    (store / "roots/odd").write_bytes(b"\xff\0")
    (store / "roots/folder").mkdir()
    (store / "plans/odd").write_bytes(b"\xff")
    (store / "pkgs/odd@1-0").mkdir()
    for path in (store / "plans").iterdir():
        path.write_bytes(b"\xff\xff")
    shutil.rmtree(two.root / ".pyrs")

    two.spawn("install")

    two.pyrs("store", "status")
    assert "no such file" in two.pyrs("check", "--whole-store", expect=9).err.lower()
    two.pyrs("store", "gc")
    two.pyrs("check", "--whole-store")


def test_entry_lost_from_the_store_comes_back(two, store):
    two.pyrs("install")
    entry = next(store.glob("pkgs/leaf@*"))
    subprocess.run(["chmod", "-R", "u+w", entry], check=True)
    shutil.rmtree(entry)

    two.spawn("install")

    two.run("-c", "import top; import importlib.metadata as m; print(m.version('leaf'))")
    assert next(store.glob("pkgs/leaf@*")) == entry


def test_check_tells_stray_bytecode_from_what_pytest_keeps(two, store):
    two.pyrs("install")
    entry = next(store.glob("pkgs/top@*"))
    folder = entry / "lib/top/__pycache__"
    folder.chmod(0o755)

    (folder / "__init__.cpython-311-pytest-9.0.0.pyc").write_bytes(b"")
    two.pyrs("check")
    (folder / "__init__.cpython-399.pyc").write_bytes(b"")

    assert "__init__.cpython-399.pyc: not in the seal" in two.pyrs("check", expect=9).err


# -- Collecting --------------------------------------------------------------------------------------


def collect(store, now=None, keep_days=30):
    return {k.partition("@")[0] for k in Store(store.parent).collect(keep_days, now=now)[0]}


def test_vanished_project_is_kept_for_the_days_and_then_not(two, store):
    two.pyrs("install")
    shutil.rmtree(two.root)
    now = time.time()

    assert collect(store, now) == set()
    assert collect(store, now + 29 * DAY) == set()
    assert collect(store, now + 30 * DAY) == {"top", "leaf"}


def test_project_that_comes_back_is_live_again(two, store):
    two.pyrs("install")
    away = two.root.with_name("away")
    two.root.rename(away)
    now = time.time()
    collect(store, now)
    away.rename(two.root)
    collect(store, now + 29 * DAY)
    two.root.rename(away)

    assert collect(store, now + 31 * DAY) == set()  # absent since day 31 only


@pytest.mark.parametrize("words", [("run", "-c", "pass"), ("install",)], ids=["run", "install"])
def test_moved_project_is_registered_by_using_it(two, another, store, words):
    two.pyrs("install")
    two.root.rename(two.root.with_name("moved"))
    another("moved").spawn(*words)

    now = time.time()
    collect(store, now)
    assert collect(store, now + 90 * DAY) == set()


def test_lock_of_a_live_project_keeps_entries_its_environment_lost(two, store):
    two.pyrs("install")
    shutil.rmtree(two.root / ".pyrs")

    assert collect(store, time.time() + 90 * DAY) == set()


def test_generation_in_use_survives_installs_and_collection(two, index, store):
    two.pyrs("install")
    code = "import sys; print('ready', flush=True); sys.stdin.readline(); import leaf_late; print(leaf_late.x)"
    index.wheel("late", "1.0", files={"leaf_late.py": "x = 5\n"})
    two.declare({"late": "*"})
    two.pyrs("install")
    held = subprocess.Popen(
        [two.root / ".pyrs/bin/python", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout.readline() == "ready\n"

    two.declare({"top": "*"})
    two.pyrs("install")
    assert collect(store) == set()
    out, _ = held.communicate("\n", timeout=30)
    assert (out, held.returncode) == ("5\n", 0)
    two.declare({"leaf": "*"})
    two.pyrs("install")

    assert collect(store) == {"late", "top"}
    assert len(list((two.root / ".pyrs").glob("gen-*"))) == 1


class Histories:
    """Random histories of projects against a model: who uses what, who is away, who was marked."""

    def __init__(self, folder, seed):
        self.rng, self.folder, self.now = random.Random(seed), folder, time.time()
        self.store = Store(folder / "store")
        for name in ("pkgs", "plans", "roots", "builds", "runtime", "locks", "tmp"):
            (self.store.base / name).mkdir(parents=True)
        self.entries, self.uses, self.away, self.marked = set(), {}, set(), {}

    def install(self, name):
        if name in self.away:
            return
        wanted = self.rng.sample(range(8), self.rng.randint(0, 4))
        keys = {f"d{n}@1-{n:016d}" for n in wanted}
        for key in keys - self.entries:
            (self.store.pkgs / key).mkdir()
            (self.store.pkgs / key / "seal").touch()
        generation = self.folder / name / ".pyrs" / "gen-1"
        generation.mkdir(parents=True, exist_ok=True)
        rows = [["entry", k] for k in sorted(keys)]
        (generation / "plan").write_text("\n".join("\t".join(r) for r in rows))
        link.register(str(self.folder / name), str(self.store.root), rows)
        self.entries |= keys
        self.uses[name] = keys
        self.marked.pop(name, None)

    def vanish(self, name):
        if name in self.uses and name not in self.away:
            (self.folder / name).rename(self.folder / f"{name}.away")
            self.away.add(name)

    def come_back(self, name):
        if name in self.away:
            (self.folder / f"{name}.away").rename(self.folder / name)
            self.away.remove(name)

    def wait(self, name):
        self.now += self.rng.choice([1, 10, 31]) * DAY

    def collect(self, name):
        self.store.collect(30, now=self.now)
        for name in list(self.uses):
            if name not in self.away:
                self.marked.pop(name, None)
            elif self.now - self.marked.setdefault(name, self.now) >= 30 * DAY:
                shutil.rmtree(self.folder / f"{name}.away")
                del self.uses[name], self.marked[name]
                self.away.remove(name)
        self.entries &= set().union(*self.uses.values(), set())
        assert set(self.store.entry_keys()) == self.entries

    def step(self):
        action = self.rng.choice(
            [self.install, self.install, self.vanish, self.come_back, self.wait, self.collect]
        )
        action(self.rng.choice("abcd"))


def play(tmp_path, seeds, steps=40):
    for seed in range(seeds):
        histories = Histories(tmp_path / str(seed), seed)
        for _ in range(steps):
            histories.step()


def test_collection_removes_exactly_what_is_unreachable(tmp_path):
    play(tmp_path, 25)


@pytest.mark.long
def test_collection_removes_exactly_what_is_unreachable_in_a_thousand_histories(tmp_path):
    play(tmp_path, 1000)


# -- Many at once, and sudden ends -------------------------------------------------------------------


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
def test_sixteen_installs_and_a_collector_at_once(another, index, store):
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

    for project in projects:
        project.pyrs("check")
        project.spawn("install", "--frozen", "--offline")
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
        self.project, self.store = project, store
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

    def reset(self, collected):
        """The old environment; the store without what only the new one needs, or with it."""
        self.new()
        self.project.pyrs("install")
        self.old()
        self.project.pyrs("install")
        if collected:
            self.project.pyrs("store", "gc")
            self.new()

    def ended(self, last, *words):
        return self.project.spawn(
            last, *words, entry=("-B", "-c", ENDED), expect=None, start_new_session=True
        )

    def is_old_or_new(self):
        assert self.project.visible() in self.seen
        python = self.project.root / ".pyrs" / "bin" / "python"
        assert subprocess.run([python, "-c", "import top"]).returncode == 0
        for entry in self.store.glob("pkgs/*"):
            assert (entry / "seal").exists(), entry

    def goes_on(self):
        """What was cut short is no obstacle to doing it again."""
        self.new()
        self.project.pyrs("install")
        assert self.project.visible() == self.seen[1]
        self.project.pyrs("check", "--whole-store")
        self.project.pyrs("store", "gc")
        assert list((self.store / "tmp").iterdir()) == []


@pytest.fixture
def switch(two, index, store):
    return Switch(two, index, store)


def end_before_changes(switch, words, collected, points=0):
    """At so many points, evenly spread; at each there is without a number."""
    switch.reset(collected)
    total = int(switch.ended(0, *words).out.split()[-1])
    assert total > 20
    for n in range(points or total):
        switch.reset(collected)
        assert switch.ended(1 + n * total // (points or total), *words).code == -signal.SIGKILL
        switch.is_old_or_new()
        switch.goes_on()


def test_install_ended_before_any_change_leaves_the_old_or_the_new_environment(switch):
    end_before_changes(switch, ["install"], True, 12)


def test_collection_ended_before_any_change_leaves_store_and_environment_whole(switch):
    end_before_changes(switch, ["store", "gc"], False, 6)


@pytest.mark.long
@pytest.mark.parametrize(("words", "collected"), [(["install"], True), (["store", "gc"], False)])
def test_ended_before_each_change_there_is(switch, words, collected):
    end_before_changes(switch, words, collected)


@pytest.mark.long
def test_two_hundred_installs_ended_at_random_times_leave_the_old_or_the_new_environment(switch):
    rng = random.Random(5)
    killed = 0
    while killed < 200:
        switch.reset(rng.random() < 0.5)
        switch.new()
        process = command(switch.project, "install")
        try:
            process.wait(timeout=rng.random() * 0.6)
        except subprocess.TimeoutExpired:
            process.kill()
        killed += process.wait() == -signal.SIGKILL
        switch.is_old_or_new()
    switch.goes_on()


# -- Another user, no permission, no room ------------------------------------------------------------


def as_nobody(project, *args, env=None):
    """The command as a user without privileges; the tests may themselves run as root."""

    def become():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    return project.spawn(*args, expect=None, env=env, **({"preexec_fn": become} if ROOT else {}))


@pytest.fixture
def open_tree(two, tmp_path):
    """The tests' folders, readable for everyone, with the project's given away."""
    if ROOT:
        for folder in [tmp_path, *tmp_path.parents]:
            folder.chmod(folder.stat().st_mode | 0o055)
        subprocess.run(["chown", "-R", str(NOBODY), two.root, tmp_path / "home"], check=True)
    if not may_run_python({"user": NOBODY} if ROOT else {}):
        pytest.skip("needs an interpreter other users may run")
    return two


def may_run_python(who):
    try:
        return subprocess.run([sys.executable, "-c", "pass"], **who).returncode == 0
    except PermissionError:  # a folder above it is closed to them
        return False


def test_unprivileged_user_installs(open_tree):
    result = as_nobody(open_tree, "install")

    assert result.code == 0, result.err


def test_store_of_another_user_is_refused(open_tree, tmp_path):
    if not ROOT:
        pytest.skip("needs root, to own a folder another user then finds")
    foreign = tmp_path / "foreign"
    foreign.mkdir(mode=0o777)
    foreign.chmod(0o777)

    result = as_nobody(open_tree, "install", env={"PYRS_STORE": str(foreign)})

    assert result.code == 9 and "belongs to another user" in result.err


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_store_others_may_write_is_refused(open_tree, tmp_path, mode):
    loose = tmp_path / "loose"
    loose.mkdir()
    if ROOT:
        os.chown(loose, NOBODY, NOBODY)
    loose.chmod(mode)

    result = as_nobody(open_tree, "install", env={"PYRS_STORE": str(loose)})

    assert result.code == 9 and "is writable by others" in result.err
    assert list(loose.iterdir()) == []


def test_store_that_cannot_be_written_exits_9(open_tree, tmp_path):
    assert as_nobody(open_tree, "install").code == 0
    home = tmp_path / "home/.pyrs/store/v1/tmp"
    shutil.rmtree(open_tree.root / ".pyrs")
    open_tree.index.wheel("more", "1.0")
    open_tree.declare({"top": "*", "more": "*"})
    subprocess.run(["chmod", "555", home, home.parent / "pkgs"], check=True)

    result = as_nobody(open_tree, "install")

    assert result.code == 9 and "Permission denied" in result.err and "Traceback" not in result.err
    assert not (open_tree.root / ".pyrs").exists()


def test_project_that_cannot_be_written_exits_9(open_tree):
    as_nobody(open_tree, "lock")
    open_tree.root.chmod(0o555)

    result = as_nobody(open_tree, "install")

    open_tree.root.chmod(0o755)
    assert result.code == 9 and "Permission denied" in result.err


@pytest.mark.parametrize("full", ["store", "project"])
def test_full_disk_exits_9_and_changes_nothing(open_tree, tmp_path, index, full):
    if not ROOT or not shutil.which("mount"):
        pytest.skip("needs root, to mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    size = "size=400k" if full == "store" else "size=16k,nr_inodes=14"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"{size},uid={NOBODY},mode=755", "none", place]
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount")
    try:
        index.wheel("fat", "1.0", files={"fat.bin": random.Random(1).randbytes(2_000_000)})
        if full == "store":
            open_tree.declare({"fat": "*"})
            result = as_nobody(open_tree, "install", env={"PYRS_STORE": str(place / "store")})
        else:
            open_tree.root = place / "app"
            open_tree.root.mkdir()
            open_tree.declare({"top": "*"})
            subprocess.run(["chown", "-R", str(NOBODY), open_tree.root], check=True)
            result = as_nobody(open_tree, "install")
        assert result.code == 9 and "No space left" in result.err, result
        assert not (open_tree.root / ".pyrs" / "current").exists()
        assert not list(place.glob("store/v1/pkgs/*"))
    finally:
        subprocess.run(["umount", place], check=True)
