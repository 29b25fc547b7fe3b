"""The store: one copy, read-only, collected only when nobody can miss it, safe under fire."""

import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from pyrs.pm import link
from pyrs.pm.store import DAY, Store


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
            if path.name == "app-1.0.dist-info":
                continue
            for one in path.iterdir() if path.name == "__pycache__" else [path]:
                assert one.is_symlink() and one.resolve().is_relative_to(store), one


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


def test_installs_add_to_the_store_and_change_nothing_in_it(two, another, index, store):
    two.pyrs("install")
    before = {p: (s.st_ino, s.st_ctime_ns) for p in store.glob("pkgs/*/**/*") if (s := p.lstat())}
    index.wheel("more", "1.0", ["leaf"])
    index.wheel("top", "2.0", ["more"])
    other = another("other")
    other.declare({"top": ">=2"}, name="other")

    other.pyrs("install", "--refresh")
    other.pyrs("update")
    other.pyrs("remove", "top")

    after = {p: (s.st_ino, s.st_ctime_ns) for p in before if (s := p.lstat())}
    assert before and after == before
    assert len(list(store.glob("pkgs/*"))) == 4


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
    two.pyrs("install", "--bytecode", "never")
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
