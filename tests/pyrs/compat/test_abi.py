"""The report on an extension agrees with the file, the interpreter and the loader."""

import ctypes
import importlib.machinery
import shutil
import struct
import subprocess
import sys

import pytest

SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
OWN = sys.version_info[:2]


@pytest.fixture(scope="module")
def abi():
    """The module alone: it works without the compiled part of its package."""
    import importlib
    from pathlib import Path

    python = str(Path(__file__).resolve().parents[3] / "python")
    sys.path.insert(0, python)
    try:
        return importlib.import_module("pyrs.abi")
    finally:
        sys.path.remove(python)


def verdict(report, python):
    (found,) = [v for v in report.verdicts if v.python == python]
    return found.reasons


def own_name():
    return ".".join(map(str, OWN))


def test_report_on_an_ordinary_extension(abi, sample_path):
    r = abi.report(sample_path)

    assert r.modules == ["_sample", "_sample_fails", "_sample_single"]
    assert r.tag.version == OWN
    assert any(name.startswith("libc.") for name in r.needed)
    assert "PyModuleDef_Init" in r.symbols
    assert "PyInit__sample" not in r.symbols
    assert r.missing_here == r.here == []
    assert r.limited["PyCapsule_New"] == (3, 2)
    assert "PyUnicode_FromKindAndData" in r.not_limited
    assert verdict(r, own_name()) == ()
    for v in r.verdicts:
        if v.python != own_name():
            assert v.reasons[0] == f"built for CPython {own_name()}"


def test_symbols_are_those_that_nm_shows(abi, sample_path):
    if shutil.which("nm") is None:
        pytest.skip("needs nm")
    out = subprocess.run(
        ["nm", "-D", sample_path], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split() for line in out.splitlines()]
    undefined = {words[-1].partition("@")[0] for words in lines if words[-2] in "Uw"}
    so = abi.SharedObject(sample_path.read_bytes())

    assert so.undefined == undefined
    assert so.defined == {words[-1].partition("@")[0] for words in lines if words[-2] not in "Uw"}


@pytest.mark.parametrize(
    "tag, text",
    [
        ("cpython-311-x86_64-linux-gnu", "CPython 3.11"),
        ("cpython-313t-x86_64-linux-gnu", "CPython 3.13 free-threaded"),
        ("cpython-312d-x86_64-linux-gnu", "CPython 3.12 debug"),
        ("abi3", "the stable ABI of CPython 3"),
        ("pypy39-pp73-x86_64-linux-gnu", "pypy39-pp73-x86_64-linux-gnu"),
        ("", ""),
        ("version2", ""),
    ],
)
def test_what_a_file_name_says(abi, tag, text):
    name = f"thing.{tag}.so" if tag else "thing.so"
    assert abi.tag_of(name).text == text


def test_free_threaded_name(abi, sample_path, tmp_path):
    path = tmp_path / "_sample.cpython-313t-x86_64-linux-gnu.so"
    shutil.copy(sample_path, path)
    r = abi.report(path)

    assert "built for CPython 3.13 free-threaded" in verdict(r, "3.13")
    assert "built for CPython 3.13 free-threaded" in verdict(r, "3.14 free-threaded")
    assert r.here[0] == "built for CPython 3.13 free-threaded"


LIMITED = """
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
static struct PyModuleDef d = {PyModuleDef_HEAD_INIT, "only_limited", NULL, 0, NULL};
PyMODINIT_FUNC PyInit_only_limited(void) { return PyModuleDef_Init(&d); }
"""
NEWER = """
#include <Python.h>
PyObject *PyFuture_FromTheNextVersion(int);
int PyDict_GetItemRef(PyObject *, PyObject *, PyObject **);
PyMODINIT_FUNC PyInit_newer(void) {
    PyObject *o;
    PyDict_GetItemRef(Py_None, Py_None, &o);
    return PyFuture_FromTheNextVersion(1);
}
"""


@pytest.fixture
def compiled(tmp_path, build_extension):
    def make(name, source, new_name=None):
        file = tmp_path / f"{name}.c"
        file.write_text(source)
        path = build_extension(name, [file])
        return shutil.copy(path, tmp_path / (new_name or path.name))

    return make


def test_limited_api_and_stable_abi(abi, compiled):
    r = abi.report(compiled("only_limited", LIMITED, "only_limited.abi3.so"))

    assert r.not_limited == []
    assert [v.python for v in r.verdicts if not v.reasons] == ["3.11", "3.12", "3.13", "3.14"]
    assert verdict(r, "3.14 free-threaded") == ("not built for a free-threaded Python",)
    assert r.here == []


def test_symbols_of_newer_versions(abi, compiled):
    r = abi.report(compiled("newer", NEWER, "newer.so"))

    assert "PyFuture_FromTheNextVersion" in r.missing_here
    assert r.here == [f"this Python has no {', '.join(r.missing_here)}"]
    assert verdict(r, "3.11") == ("has no PyDict_GetItemRef, PyFuture_FromTheNextVersion",)
    assert verdict(r, "3.13") == ("has no PyFuture_FromTheNextVersion",)


def test_report_as_text_and_exit_status(abi, sample_path, compiled, capsys, tmp_path):
    assert abi.main([str(sample_path)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == sample_path.name
    assert f"    {own_name():<20}yes\n" in out
    assert abi.main([str(compiled("newer", NEWER))]) == 1
    assert "this Python has no" in capsys.readouterr().out
    (tmp_path / "text.so").write_text("text")
    assert abi.main([str(tmp_path / "text.so"), str(tmp_path / "absent.so")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"pyrs: {tmp_path / 'text.so'}: not an ELF file",
        "hint: --abi expects the .so file of a C extension",
        f"pyrs: {tmp_path / 'absent.so'}: No such file or directory",
    ]


def test_damaged_files_are_refused_with_a_reason(abi, sample_path):
    data = sample_path.read_bytes()
    for cut in (0, 3, 20, 63, 64, 1000, len(data) // 2, len(data) - 10):
        with pytest.raises(abi.NotAnExtension):
            abi.SharedObject(data[:cut])
    changed = bytearray(data)
    for at in range(64):
        changed[at] ^= 0xFF
        try:
            abi.SharedObject(bytes(changed))
        except abi.NotAnExtension as e:
            assert str(e)
        changed[at] ^= 0xFF


def test_other_machines_are_described(abi, sample_path, tmp_path):
    data = bytearray(sample_path.read_bytes())
    data[18:20] = struct.pack("=H", 243)
    path = tmp_path / sample_path.name
    path.write_bytes(data)

    r = abi.report(path)
    assert r.machine.startswith("riscv, 64 bit")
    assert r.here[0].startswith("built for riscv, 64 bit, little-endian; this is ")


def test_table_is_what_this_interpreter_exports(abi):
    """Public names exactly; a few private ones come and go with point releases."""
    table = abi.known_symbols()
    here = [name for name, known in table.items() if OWN in known.exported]
    absent = [name for name in here if not abi.is_exported_here(name)]
    extra = [
        name
        for name, known in table.items()
        if OWN not in known.exported and abi.is_exported_here(name)
    ]

    assert len(here) > 1500
    assert [n for n in absent + extra if not n.startswith("_")] == []
    assert len(absent + extra) <= 5


def test_limited_api_of_the_table(abi):
    table = abi.known_symbols()

    assert table["PyObject_Call"].limited == (3, 2)
    assert table["PyModule_AddObjectRef"].limited == (3, 10)
    assert table["PyObject_Vectorcall"].limited == (3, 12)
    assert table["_PyEval_EvalFrameDefault"].limited is None
    assert not hasattr(ctypes.pythonapi, "PyFuture_FromTheNextVersion")
