"""Lowered code is kept beside the .pyc: a second start translates nothing, and whatever is wrong
with a file is as if it were not there."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")
pytestmark = pytest.mark.native

HEAD = struct.Struct("<8sQ16sQQ")  # magic, build, header of the .pyc, bytes of the records, sum
RECORD = struct.Struct("<Q6I")  # key, bytes; instructions, map words, handlers, caches, small ints
MODULE = """
import math

class Shape:
    def __init__(self, side):
        self.side = side

    def area(self, scale=1):
        try:
            return math.prod([self.side, self.side]) * scale
        except TypeError as error:
            raise ValueError(self) from error

def total(n):
    return sum(Shape(i).area(scale=2) for i in range(n)) + 1000

print(total(5))
"""
FUNCTIONS = 6  # of it, the module's and the class's body among them
TELL = """
import json, pyrs
import atexit
atexit.register(lambda: print(json.dumps(pyrs.stats())))
"""


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where the library's .pyc are, so that the installed ones stay alone; filled."""
    folder = tmp_path_factory.mktemp("bytecode")
    (folder / "nothing.py").write_text(TELL)
    for _ in range(2):
        start(folder, folder, "-m", "nothing")
    return folder


@pytest.fixture
def machine(tmp_path, prefix):
    """(words, files) -> (what a program printed, what was counted), in a folder of its own."""

    def run(*words, **files):
        write(tmp_path, files)
        return start(tmp_path, prefix, *words)

    run.folder, run.prefix = tmp_path, prefix
    return run


def write(folder, files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


def environment(prefix, cache=""):
    return os.environ | {
        "PYTHONPYCACHEPREFIX": str(prefix),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYRS_CACHE": cache,
        "PYTHONHASHSEED": "0",
    }


def command(*words):
    flags = [word for word in words if word in ("-B", "-O")]
    return [sys.executable, *flags, "-m", "pyrs", *[word for word in words if word not in flags]]


def start(folder, prefix, *words, cache=""):
    done = subprocess.run(
        command(*words), cwd=folder, env=environment(prefix, cache), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *printed, counts = done.stdout.splitlines()
    return printed, json.loads(counts)


def files_of(machine, name):
    """The module's files of ours."""
    place = Path(f"{machine.prefix}{machine.folder}")
    return sorted(place.glob(f"{name}.*.pyrs*"))


def kept(machine, name):
    (path,) = files_of(machine, name)
    return path


# -- the sum, as vm_sum() and vm_image.c have it -----------------------------------------------

WORD = (1 << 64) - 1


def mix(h, word):
    h = (h ^ word) * 0x9E3779B97F4A7C15 & WORD
    return h ^ h >> 29


def vm_sum(h, data):
    lanes = [h, h + 1, h + 2, h + 3]
    whole = len(data) // 32 * 32
    for at in range(0, whole, 8):
        lane = at // 8 % 4
        lanes[lane] = mix(lanes[lane], int.from_bytes(data[at : at + 8], "little"))
    for lane in lanes:
        h = mix(h, lane)
    rest = data[whole:]
    while len(rest) >= 8:
        h, rest = mix(h, int.from_bytes(rest[:8], "little")), rest[8:]
    length = len(data).to_bytes(8, "little")
    return mix(h, int.from_bytes(rest + length[len(rest) :], "little"))


def records_sum(h, data):
    words, rows = [0] * 4, [0] * 4
    whole = len(data) // 32 * 32
    for at in range(0, whole, 32):
        row = struct.unpack_from("<4Q", data, at)
        words = [a + x & WORD for a, x in zip(words, row, strict=True)]
        rows = [b + a & WORD for b, a in zip(rows, words, strict=True)]
    for sums in words, rows:
        h = vm_sum(h, struct.pack("<4Q", *sums))
    return vm_sum(h, data[whole:])


def with_right_sum(data):
    """What a file says that is wrong, but not by accident."""
    magic, build, pyc, _bytes, _sum = HEAD.unpack_from(data)
    records = data[HEAD.size :]
    head = struct.pack("<8sQ16sQ", magic, build, pyc, len(records))
    return head + struct.pack("<Q", records_sum(vm_sum(0, head), records)) + records


# -- the good case -----------------------------------------------------------------------------


def test_second_start_translates_nothing(machine):
    first, counted = machine("-m", "shapes", shapes=TELL + MODULE)
    again, later = machine("-m", "shapes")

    assert first == again == ["1060"]
    assert counted["translated"] >= FUNCTIONS
    assert later["translated"] == 0
    assert later["loaded"] >= counted["translated"]


def test_imported_modules_are_kept_and_the_program_is_not(machine):
    files = {"shapes": MODULE, "program": TELL + "import shapes"}
    _, first = machine("program.py", **files)
    printed, second = machine("program.py")

    assert printed == ["1060"]
    assert first["translated"] - second["translated"] >= FUNCTIONS
    assert second["translated"] <= 2  # the program's own body and its lambda
    assert not files_of(machine, "program")


def test_file_is_beside_the_pyc(machine):
    program = (
        f"{TELL}\nimport sys\nsys.pycache_prefix = None\nsys.path.insert(0, '')\nimport shapes\n"
    )
    machine("-c", program, shapes=MODULE)

    place = machine.folder / "__pycache__"
    assert sorted(p.suffix for p in place.iterdir()) == [".pyc", ".pyrs"]
    assert len({p.stem for p in place.iterdir()}) == 1


def test_sum_is_what_this_module_computes(machine):
    machine("-m", "shapes", shapes=TELL + MODULE)
    data = kept(machine, "shapes").read_bytes()

    assert with_right_sum(data) == data


def test_optimised_code_has_a_file_of_its_own(machine):
    machine("-m", "shapes", shapes=TELL + MODULE)
    for _ in range(4):  # where .pyc are read and not written, other functions of importlib's run
        machine("-O", "-m", "shapes")

    _, plain = machine("-m", "shapes")
    _, optimised = machine("-O", "-m", "shapes")

    assert plain["translated"] == optimised["translated"] == 0
    assert len(files_of(machine, "shapes")) == 2


def test_unchecked_pyc_is_served_too(machine):
    write(machine.folder, {"shapes": TELL + MODULE})
    compiler = (
        "import py_compile\npy_compile.compile('shapes.py', "
        "invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
    )
    subprocess.run(
        [sys.executable, "-c", compiler], cwd=machine.folder, env=environment(machine.prefix),
        check=True,
    )  # fmt: skip
    machine("-m", "shapes")
    printed, later = machine("-m", "shapes")

    assert printed == ["1060"]
    assert later["translated"] == 0


def test_reloaded_module_is_not_translated_again(machine):
    program = f"""{TELL}
import importlib, pyrs, shapes
before = pyrs.stats()["translated"]
importlib.reload(shapes)
print(pyrs.stats()["translated"] - before)
"""
    printed, _ = machine("-m", "program", shapes=MODULE, program=program)

    # importlib's own functions are the library's, which may be new
    assert printed[:2] == ["1060", "1060"]
    assert int(printed[2]) < FUNCTIONS


# -- what makes a file useless -----------------------------------------------------------------


def test_changed_source_is_translated_anew(machine):
    machine("-m", "shapes", shapes=TELL + MODULE)
    printed, counted = machine("-m", "shapes", shapes=TELL + MODULE.replace("1000", "70000"))
    stale = HEAD.unpack_from(kept(machine, "shapes").read_bytes())[3]
    _, later = machine("-m", "shapes")

    assert printed == ["70060"]
    assert counted["translated"] == 1  # the rest has the code it had
    assert later["translated"] == 0
    assert stale == HEAD.unpack_from(kept(machine, "shapes").read_bytes())[3]


def test_nothing_of_an_old_source_stays(machine):
    machine("-m", "shapes", shapes=TELL + MODULE)
    before = kept(machine, "shapes").stat().st_size
    other = "def f(x): return x\nprint(f(1))"
    machine("-m", "shapes", shapes=TELL + other)

    assert kept(machine, "shapes").stat().st_size < before / 2


def test_replaced_code_object_is_another_one(machine):
    program = f"""{TELL}
import shapes
code = shapes.total.__code__
shapes.total.__code__ = code.replace(
    co_consts=tuple(7000 if c == 1000 else c for c in code.co_consts))
print(shapes.total(5))
def other(n): return n * 3
shapes.total.__code__ = other.__code__.replace(co_filename=code.co_filename)
print(shapes.total(5))
"""
    for _ in range(2):
        printed, counted = machine("-m", "program", shapes=MODULE, program=program)
        assert printed == ["1060", "7060", "15"]
    assert counted["translated"] == 0


@pytest.mark.parametrize("part", ["magic", "build"])
def test_foreign_file_is_ignored_and_replaced(machine, part):
    machine("-m", "shapes", shapes=TELL + MODULE)
    path = kept(machine, "shapes")
    data = bytearray(path.read_bytes())
    data[0 if part == "magic" else 8] ^= 1
    path.write_bytes(with_right_sum(bytes(data)))

    printed, foreign = machine("-m", "shapes")
    _, later = machine("-m", "shapes")

    assert printed == ["1060"]
    assert foreign["translated"] >= FUNCTIONS
    assert later["translated"] == 0


# -- sweeps: each damage to a module of its own, all in one process -------------------------------

SMALL = "def f(a, b=2):\n    try: return a.x + b\n    except AttributeError: return [a, b]\n"
SWEEP = """
import importlib, json, signal, sys, pyrs
wrong, died = [], 0
for name in open("names").read().split():
    signal.alarm(60)
    module = importlib.import_module(name)
    try:
        if module.f(1) != [1, 2]:
            wrong.append(name)
    except Exception as error:
        wrong.append(f"{name}: {error!r}")
before = pyrs.stats()
print(json.dumps(wrong))
print(json.dumps(before))
"""


def sweep(machine, damaged, cache=""):
    """Modules with these files -> those that answered wrongly, what was counted."""
    write(machine.folder, {"small": SMALL})
    warm = f"{TELL}\nimport sys\nsys.path.insert(0, '')\nimport small\nsmall.f(1)"
    machine("-c", warm)
    good = kept(machine, "small")
    names = []
    for i, data in enumerate(damaged(good.read_bytes())):
        names.append(f"m{i}")
        (machine.folder / f"m{i}.py").write_text(SMALL)
        good.with_name(good.name.replace("small", f"m{i}")).write_bytes(data)
    (machine.folder / "names").write_text(" ".join(names))
    (machine.folder / "sweep.py").write_text(SWEEP)
    printed, counted = start(machine.folder, machine.prefix, "sweep.py", cache=cache)
    return len(names), json.loads(printed[-1]), counted


def test_copied_files_are_good(machine):
    n, wrong, counted = sweep(machine, lambda data: [data] * 20)

    assert wrong == []
    assert counted["loaded"] >= 2 * n
    assert counted["translated"] < 2 * n


def test_file_damaged_at_any_byte_is_ignored(machine):
    def damaged(data):
        for at in range(len(data)):
            yield data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]

    n, wrong, counted = sweep(machine, damaged)

    assert n > 300
    assert wrong == []
    assert counted["translated"] >= 2 * n


def test_parts_that_changed_places_are_noticed(machine):
    def damaged(data):
        for step in (8, 16, 64, 128):
            for at in range(HEAD.size, len(data) - 2 * step, 8):
                one, other = data[at : at + step], data[at + step : at + 2 * step]
                if one != other:
                    yield data[:at] + other + one + data[at + 2 * step :]

    n, wrong, counted = sweep(machine, damaged)

    assert n > 200
    assert wrong == []
    assert counted["translated"] >= 2 * n


def test_file_cut_off_anywhere_is_ignored(machine):
    n, wrong, counted = sweep(machine, lambda data: [data[:at] for at in range(len(data))])

    assert n > 300
    assert wrong == []
    assert counted["translated"] >= 2 * n


def test_longer_file_is_ignored(machine):
    n, wrong, counted = sweep(machine, lambda data: [data + bytes(8), data + data])

    assert wrong == []
    assert counted["translated"] >= 2 * n


@pytest.mark.parametrize("value", [0xFFFF, 0x7FFF])
def test_what_can_not_be_is_refused_when_files_are_checked(machine, value):
    """A sum that is right, and somewhere a number that no file has."""

    def hostile(data):
        at = HEAD.size
        while at < len(data):
            bytes_, insns = RECORD.unpack_from(data, at)[1:3]
            for i in range(at + RECORD.size, at + RECORD.size + 8 * insns, 2):
                yield with_right_sum(data[:i] + value.to_bytes(2, "little") + data[i + 2 :])
            at += bytes_

    n, _wrong, counted = sweep(machine, hostile, "check")

    assert n > 80
    assert counted["translated"] > n / 2  # unused fields may hold anything


def test_counts_that_can_not_be_are_refused_when_files_are_checked(machine):
    def hostile(data):
        for field in range(1, 7):
            for value in (0, 1, 7, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF):
                head = list(RECORD.unpack_from(data, HEAD.size))
                if head[field] == value:
                    continue
                head[field] = value
                rest = data[HEAD.size + RECORD.size :]
                yield with_right_sum(data[: HEAD.size] + RECORD.pack(*head) + rest)

    n, wrong, counted = sweep(machine, hostile, "check")

    assert wrong == []
    assert counted["translated"] >= n


# -- where nothing is written -------------------------------------------------------------------


def test_without_bytecode_there_is_no_cache(machine):
    printed, _ = machine("-B", "-m", "shapes", shapes=TELL + MODULE)

    assert printed == ["1060"]
    assert files_of(machine, "shapes") == []

    machine("-m", "shapes")
    assert len(files_of(machine, "shapes")) == 1
    _, off = machine("-B", "-m", "shapes")

    assert off["translated"] > FUNCTIONS
    assert off["loaded"] == 0


def test_program_can_say_so_too(machine):
    program = f"{TELL}\nimport sys\nsys.dont_write_bytecode = True\nimport shapes"
    machine("-m", "program", shapes=MODULE, program=program)

    assert files_of(machine, "shapes") == []


def test_without_a_pyc_nothing_is_written(machine):
    program = f"""{TELL}
import sys, os, importlib.util
import shapes
os.unlink(shapes.__cached__)
"""
    machine("-m", "program", shapes=MODULE, program=program)

    assert files_of(machine, "shapes") == []


def test_read_only_folder_is_left_alone(prefix):
    root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "shapes.py").write_text(MODULE)
        program = (
            f"{TELL}\nimport sys\nsys.pycache_prefix = None\nsys.path.insert(0, '')\nimport shapes"
        )
        start(folder, prefix, "-c", program)
        (ours,) = (folder / "__pycache__").glob("*.pyrs")
        ours.unlink()
        (folder / "__pycache__").chmod(0o555)
        folder.chmod(0o755)
        # root may write anywhere: as nobody, who must be able to start this interpreter
        nobody = {"user": 65534} if root else {}
        try:
            subprocess.run([sys.executable, "-c", "import pyrs._pyrs"], check=True, **nobody)
        except (PermissionError, subprocess.CalledProcessError):
            pytest.skip("needs an interpreter that others may run")
        done = subprocess.run(
            command("-c", program.replace(TELL, "")), cwd=folder, capture_output=True, text=True,
            env=environment(prefix) | {"HOME": "/"}, **nobody,
        )  # fmt: skip

        assert done.stdout == "1060\n", done.stderr
        assert [p.suffix for p in (folder / "__pycache__").iterdir()] == [".pyc"]
    finally:
        (folder / "__pycache__").chmod(0o755)
        shutil.rmtree(folder)


def test_child_that_was_forked_writes_nothing(machine):
    program = f"""{TELL}
import os, sys
pid = os.fork()
if pid == 0:
    import shapes
    sys.exit()
os.waitpid(pid, 0)
"""
    machine("-m", "program", shapes=MODULE, program=program)

    assert files_of(machine, "shapes") == []


@pytest.mark.parametrize("bytecode", ["", "1"])
def test_code_that_runs_when_the_interpreter_ends(machine, bytecode):
    """Finalizers come when there are no modules any more, nor a sys.dont_write_bytecode."""
    program = """
import sys
class Last:
    def __init__(self): self.me = self
    def __del__(self, write=sys.stdout.write, make=eval): write(f"{make('lambda: 5')()} left\\n")
sys.last = Last()
sys.modules["codecs"].last = Last()
class Held:
    def __init__(self): self.me = self
    def __iter__(self): yield Last()
held = iter(Held()); next(held)
import builtins; builtins.held = held
"""
    write(machine.folder, {"program": program})
    done = subprocess.run(
        command("program.py"), cwd=machine.folder, capture_output=True, text=True,
        env=environment(machine.prefix) | {"PYTHONDONTWRITEBYTECODE": bytecode},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "5 left" in done.stdout


# -- at once, and without memory --------------------------------------------------------------------


def test_processes_that_write_at_once_leave_a_good_file(machine):
    write(machine.folder, {"shapes": TELL + MODULE})
    for _ in range(3):
        for path in files_of(machine, "shapes"):
            path.unlink()
        together = [
            subprocess.Popen(
                command("-m", "shapes"), cwd=machine.folder, env=environment(machine.prefix),
                stdout=subprocess.PIPE, text=True,
            )
            for _ in range(6)
        ]  # fmt: skip
        for process in together:
            assert process.communicate()[0].startswith("1060\n")
            assert process.returncode == 0
        _, counted = machine("-m", "shapes")

        assert counted["translated"] == 0
        assert len(files_of(machine, "shapes")) == 1


def test_failing_allocation_costs_a_translation_at_most(machine):
    pytest.importorskip("_testcapi", reason="needs CPython's test helpers")
    program = f"""{TELL}
import _testcapi, marshal, sys, types
import shapes
sys.unraisablehook = lambda *_: None
dumped = marshal.dumps(shapes.total.__code__)

def starved(k):
    code = marshal.loads(dumped).replace(co_filename=shapes.__file__)
    total = types.FunctionType(code, shapes.__dict__)
    _testcapi.set_nomemory(k, k + 1)
    try:
        return total(0)
    except MemoryError:
        return "MemoryError"
    finally:
        _testcapi.remove_mem_hooks()

starved(10**9)
ends = [starved(k) for k in range(1, 200)]
print(set(ends) <= {{1000, "MemoryError"}}, 1000 in ends, "MemoryError" in ends, ends[-1])
"""
    for _ in range(2):
        printed, _ = machine("-m", "program", shapes=MODULE, program=program)
        assert printed == ["1060", "True True True 1000"]
