"""Another user, no permission, no room: refused with exit code 9, and nothing changed."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyrs.pm import link

ROOT = os.geteuid() == 0
NOBODY = 65534


def as_nobody(project, *args, env=None):
    """The command as a user without privileges; the tests may themselves run as root."""

    def become():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    return project.spawn(*args, expect=None, env=env, **({"preexec_fn": become} if ROOT else {}))


@pytest.fixture
def tmp_path():
    """Outside of pytest's own folder, which every session that starts closes to other users."""
    folder = Path(tempfile.mkdtemp(prefix="pyrs-"))
    folder.chmod(0o755)
    yield folder
    link.remove_tree(str(folder))


@pytest.fixture
def open_tree(two, tmp_path):
    """A project and a home that belong to a user without privileges."""
    if ROOT:
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


@pytest.mark.parametrize("words", [("-c", "import top"), ("show",), ("--dev", "-c", "pass")])
def test_run_refuses_a_store_others_may_write(open_tree, tmp_path, words):
    open_tree.index.wheel("tool", "1.0", scripts={"show": "tool:version"})
    open_tree.declare({"top": "*", "tool": "*"})
    assert as_nobody(open_tree, "install").code == 0
    place = tmp_path / "home/.pyrs/store"
    place.chmod(0o777)

    refused = as_nobody(open_tree, "run", *words)
    place.chmod(0o700)

    assert refused.code == 9 and "is writable by others" in refused.err, refused
    assert as_nobody(open_tree, "run", "-c", "import top").code == 0


def test_run_refuses_a_store_of_another_user(open_tree, tmp_path):
    if not ROOT:
        pytest.skip("needs root, to give the store away")
    assert as_nobody(open_tree, "install").code == 0
    place = tmp_path / "home/.pyrs/store"
    os.chown(place, 1234, 1234)
    place.chmod(0o755)

    refused = as_nobody(open_tree, "run", "-c", "import top")

    assert refused.code == 9 and "belongs to another user (uid 1234)" in refused.err
    assert "help: choose another place with PYRS_STORE" in refused.err


@pytest.mark.parametrize("entry", ["python", "tool"])
@pytest.mark.parametrize("change", ["mode", "owner"])
def test_entries_started_by_hand_refuse_an_unsafe_store(project, index, store, entry, change):
    index.wheel("top", "1.0", files={"top.py": "def main(): pass\n"}, scripts={"tool": "top:main"})
    project.declare({"top": "*"})
    project.pyrs("install")
    command = [project.root / ".pyrs/bin" / entry, *(["-c", "pass"] if entry == "python" else [])]
    place = store.parent
    assert subprocess.run(command).returncode == 0
    for path in store.glob("runtime/*/pyrs_start.py"):  # not a line of it may run
        path.write_text("raise SystemExit(99)")
        shutil.rmtree(path.parent / "__pycache__")
    assert subprocess.run(command).returncode == 99

    if change == "mode":
        place.chmod(0o777)
    elif ROOT:
        os.chown(place, 1234, 1234)
    else:
        pytest.skip("needs root, to give the store to another user")
    refused = subprocess.run(command, capture_output=True, text=True)

    assert refused.returncode == 9
    assert refused.stderr == (f"error[pyrs-9]: another user owns or may write the store {place}\n")


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


@contextmanager
def small_disk(place, options):
    if not ROOT or not shutil.which("mount"):
        pytest.skip("needs root, to mount a small file system")
    place.mkdir()
    options = f"{options},uid={NOBODY},mode=755"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place]).returncode:
        pytest.skip("needs the right to mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("full", ["store", "project"])
def test_full_disk_exits_9_and_changes_nothing(open_tree, tmp_path, index, full):
    size = "size=400k" if full == "store" else "size=16k,nr_inodes=14"
    with small_disk(tmp_path / "small", size) as place:
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


def test_full_disk_leaves_bytecode_for_another_time(open_tree, tmp_path, index):
    index.wheel("large", "1.0", files={"large.py": "x = [\n" + "  'a' + str(1),\n" * 9000 + "]\n"})
    open_tree.declare({"large": "*", "top": "*"})
    with small_disk(tmp_path / "small", "size=3m") as place:
        env = {"PYRS_STORE": str(place / "store"), "PYRS_BYTECODE": "now"}
        fill = place / "fill"
        assert as_nobody(open_tree, "install", env=env | {"PYRS_BYTECODE": "never"}).code == 0
        status = os.statvfs(place)
        fill.write_bytes(b"x" * (status.f_bavail * status.f_frsize - 20_000))

        full = as_nobody(open_tree, "install", env=env)
        assert full.code == 9 and "No space left" in full.err and "large@1.0" in full.err, full
        assert as_nobody(open_tree, "check", env=env).code == 0
        assert as_nobody(open_tree, "run", "-c", "import large", env=env).code == 0
        fill.unlink()

        done = as_nobody(open_tree, "store", "compile", env=env)
        assert done.code == 0 and len(list(place.glob("store/v1/pkgs/*/seal-*"))) == 3
        assert as_nobody(open_tree, "check", env=env).code == 0
