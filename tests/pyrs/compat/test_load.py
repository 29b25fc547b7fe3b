"""Loading an extension by its path; every refusal says what is wrong and with which file."""

import contextlib
import importlib.machinery
import re
import shutil
import struct
import sys
from pathlib import Path

import pytest

SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]


@pytest.fixture
def clean_modules():
    """What is imported meanwhile is forgotten, what was (_sample, by others) comes back."""
    before = dict(sys.modules)
    sys.modules.pop("_sample", None)
    yield
    for name in set(sys.modules) - set(before):
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def place(sample_path, tmp_path, clean_modules):
    """place("file name") -> a copy of the sample extension under that name"""

    def put(name):
        target = tmp_path / name
        shutil.copy(sample_path, target)
        return target

    return put


def refused(cpy, path, *name):
    with pytest.raises(ImportError) as info:
        cpy.load_extension(path, *name)
    assert info.value.path == str(path)
    assert str(info.value).startswith(f"{path}: ")
    assert info.value.name == (name[0] if name else path.name.split(".")[0])
    assert info.value.name not in sys.modules
    return str(info.value).removeprefix(f"{path}: ")


# --- what works ---------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["_sample" + SUFFIX, "_sample.abi3.so", "_sample.so", "_sample"])
def test_module_is_loaded_and_imported(cpy, place, file):
    path = place(file)
    module = cpy.load_extension(path)

    assert module.ANSWER == 42
    assert module.__file__ == str(path)
    assert module.__name__ == "_sample"
    assert module.__spec__.origin == str(path)
    assert sys.modules["_sample"] is module
    assert cpy.load_extension(str(path)) is module, "the same file is the same module"


def test_name_in_a_package(cpy, place):
    module = cpy.load_extension(place("anything.so"), "package.inner._sample")

    assert module.__name__ == "package.inner._sample"
    assert module.__package__ == "package.inner"
    assert sys.modules["package.inner._sample"] is module


def test_single_phase_initialisation(cpy, place):
    module = cpy.load_extension(place("anything.so"), "_sample_single")

    assert module.ANSWER == 43
    assert module.o(5) == ("o", 5)


def test_error_of_the_initialisation_passes(cpy, place):
    path = place("anything.so")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="not today"):
            cpy.load_extension(path, "_sample_fails")
    assert "_sample_fails" not in sys.modules


# --- what is refused -----------------------------------------------------------------------


def test_file_that_is_not_there(cpy, tmp_path):
    with pytest.raises(FileNotFoundError) as info:
        cpy.load_extension(tmp_path / "absent.so")
    assert info.value.filename == str(tmp_path / "absent.so")
    with pytest.raises(IsADirectoryError):
        cpy.load_extension(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x7fEL", b"PK\x03\x04" + bytes(100), b"\x7fELF"]
)
def test_file_that_is_not_elf(cpy, tmp_path, content):
    path = tmp_path / "thing.so"
    path.write_bytes(content)

    assert refused(cpy, path) == "not an ELF file"


@pytest.mark.parametrize(
    "machine, bits, order, words",
    [
        (183 if "x86_64" in SUFFIX else 62, 2, 1, r"aarch64|x86_64"),
        (40, 1, 1, "arm, 32 bit"),
        (22, 2, 2, "s390x, 64 bit, big-endian"),
        (9999, 2, 1, "another machine"),
    ],
)
def test_other_machine(cpy, tmp_path, machine, bits, order, words):
    path = tmp_path / "thing.so"
    ident = b"\x7fELF" + bytes([bits, order, 1]) + bytes(9)
    path.write_bytes(ident + struct.pack("<>"[order - 1] + "HH", 3, machine) + bytes(44))

    text = refused(cpy, path)
    assert text.startswith("built for ")
    assert re.search(words, text)
    assert "; this is " in text


@pytest.mark.parametrize(
    "kind, word", [(1, "object file (not linked)"), (2, "executable"), (4, "core")]
)
def test_elf_file_of_another_kind(cpy, place, kind, word):
    path = place("thing.so")
    data = bytearray(path.read_bytes())
    data[16:18] = struct.pack("=H", kind)
    path.write_bytes(data)

    assert word in refused(cpy, path, "_sample")


@pytest.mark.parametrize(
    "tag, words",
    [
        ("cpython-310-x86_64-linux-gnu", "CPython 3.10"),
        ("cpython-399-x86_64-linux-gnu", "CPython 3.99"),
        ("cpython-313t-x86_64-linux-gnu", "CPython 3.13 free-threaded"),
        ("cpython-311d-x86_64-linux-gnu", "CPython 3.11 debug"),
        ("pypy39-pp73-x86_64-linux-gnu", "pypy39-pp73-x86_64-linux-gnu"),
        ("abi4", "abi4"),
    ],
)
def test_tag_of_another_python(cpy, place, tag, words):
    text = refused(cpy, place(f"_sample.{tag}.so"))

    assert text == f"built for {words}, by its file name; this is CPython " + ".".join(
        map(str, sys.version_info[:2])
    )


def test_no_initialisation_function(cpy, place):
    path = place("other.so")
    text = refused(cpy, path)
    assert text == "has no PyInit_other; is the module's name another one than 'other'?"

    text = refused(cpy, path, "pkg.häuser")
    assert text.startswith("has no PyInitU_huser_")


def test_missing_symbol(cpy, tmp_path, build_extension):
    source = tmp_path / "needy.c"
    source.write_text(
        "#include <Python.h>\n"
        "PyObject *PyFuture_FromTheNextVersion(int);\n"
        "PyMODINIT_FUNC PyInit_needy(void) { return PyFuture_FromTheNextVersion(1); }\n"
    )
    path = build_extension("needy", [source])

    text = refused(cpy, path)
    assert text.startswith(
        "needs the symbol PyFuture_FromTheNextVersion, which neither this CPython"
    )


@pytest.mark.parametrize("kept", [60, 100, 3000, 0.5, 0.9])
def test_truncated_file(cpy, place, kept):
    path = place("_sample.so")
    data = path.read_bytes()
    size = kept if kept > 1 else int(len(data) * kept)
    loaded = 1 + max(offset + length for offset, length in load_segments(data))
    path.write_bytes(data[:size])

    if size < loaded:
        assert refused(cpy, path) == f"cut off after {size} bytes"


def load_segments(data):
    """(offset, bytes in the file) of what the loader maps; 64-bit, own byte order"""
    start, entry, n = struct.unpack_from("=Q", data, 32)[0], *struct.unpack_from("=HH", data, 54)
    for at in range(start, start + n * entry, entry):
        kind, _flags, offset, _v, _p, length = struct.unpack_from("=IIQQQQ", data, at)
        if kind == 1:
            yield offset, length


def test_name_that_is_taken(cpy, place):
    path = place("json.so")
    import json

    with pytest.raises(ImportError, match="a module 'json' is already imported from") as info:
        cpy.load_extension(path)
    assert info.value.path == str(path)
    assert sys.modules["json"] is json


@pytest.mark.parametrize("bad", [(5,), (None,), ("a\0b",), ("file.so", 5), ("file.so", "")])
def test_arguments_of_the_wrong_kind(cpy, bad):
    with pytest.raises((TypeError, ValueError)):
        cpy.load_extension(*bad)


def test_no_memory_is_lost(cpy, place, tmp_path, leaks):
    path = place("other.so")
    module = place("_sample" + SUFFIX)
    cpy.load_extension(module)
    text = tmp_path / "text.so"
    text.write_text("text" * 50)

    def churn():
        for _ in range(50):
            assert cpy.load_extension(module).ANSWER == 42
            for bad in (path, text, Path("absent"), 5):
                with contextlib.suppress(ImportError, OSError, TypeError):
                    cpy.load_extension(bad)

    assert leaks(churn) == {}
