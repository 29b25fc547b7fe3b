"""The manifest: what it may say, what is said of it when it may not, and what editing keeps."""

import copy
import datetime
import tomllib

import pytest
import tomlkit
from pyrs.pm import manifest
from pyrs.pm.errors import ManifestError


def test_init_writes_a_manifest_that_installs(project):
    project.pyrs("init", "--name", "my-app")

    data = tomllib.loads((project.root / "pyproject.rs.toml").read_text())
    assert data["package"]["name"] == "my-app"
    assert data["dependencies"] == {}
    assert ".pyrs/" in (project.root / ".gitignore").read_text().splitlines()
    project.pyrs("install")
    assert (project.root / ".pyrs" / "bin" / "python").exists()


def test_init_refuses_to_overwrite(project):
    project.pyrs("init")

    assert "is there already" in project.pyrs("init", expect=2).err


def test_command_outside_a_project_says_how_to_start_one(project):
    result = project.pyrs("install", expect=10)

    assert "error[pyrs-10]: no pyproject.rs.toml in" in result.err
    assert "help: create one with: pyrs init" in result.err


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('[package]\nname = "x"\n[dependencies\n', ":3:14:", "Expected ']'"),
        (
            '[package]\nname = "x"\n\n[dependencies]\nrich = ">>1"\n',
            ":5:1:",
            "is not a version range",
        ),
        ('[package]\nname = "x"\n[depends]\nrich = "*"\n', ":3:1:", "unknown table [depends]"),
        ('[package]\nname = "-"\n', ":2:1:", "needs a valid name"),
        ('[package]\nname = "x"\nversion = "one"\n', ":3:1:", "is not a version"),
        ('[package]\nname = "x"\npython = "three"\n', ":3:1:", "is not a version range"),
        ('[package]\nname = "x"\ncolor = "red"\n', ":3:1:", "unknown key 'color'"),
        (
            '[package]\nname="x"\n[dependencies]\nRich="*"\nrich="*"\n',
            ":5:1:",
            "the same distribution",
        ),
        (
            '[package]\nname="x"\n[dependencies]\na={version="1",colour="red"}\n',
            ":4:1:",
            "unknown key 'colour'",
        ),
        (
            '[package]\nname="x"\n[dependencies]\na={source="inner"}\n',
            ":4:1:",
            "no [[index]] is named 'inner'",
        ),
        (
            '[package]\nname="x"\n[dependencies]\na={url="ftp://h/a.whl"}\n',
            ":4:1:",
            "is not an http",
        ),
        (
            '[package]\nname="x"\n[dependencies]\na={url="https://me:pw@h/a.whl"}\n',
            ":4:1:",
            "no credentials",
        ),
        (
            '[package]\nname="x"\n[dependencies]\na={version="1",marker="os is nice"}\n',
            ":4:1:",
            "a:",
        ),
        (
            '[package]\nname="x"\n[isolation]\nproject="maybe"\n',
            ":4:1:",
            "must be one of error, warn, off",
        ),
        ('[package]\nname="x"\n[build]\nsdists="never"\n', ":4:1:", "must be one of allow, deny"),
    ],
)
def test_manifest_error_names_file_line_and_column(project, text, where, message):
    project.manifest(text)

    error = project.pyrs("install", expect=3).err

    assert f"pyproject.rs.toml{where}" in error
    assert message in error
    assert not project.lock.exists()


WHOLE = {
    "package": {"name": "app", "version": "1", "python": ">=3.11"},
    "dependencies": {"a": "*", "b": {"version": "*", "extras": ["x"], "marker": "os_name == 'nt'"}},
    "dev-dependencies": {"c": {"path": "c", "editable": True}},
    "optional-dependencies": {"f": {"d": {"url": "https://h/d.whl", "sha256": "0" * 64}}},
    "index": [{"name": "inner", "url": "https://h/"}],
    "isolation": {"project": "error", "deps": "off", "allow": {"a": ["b"]}},
    "build": {"sdists": "allow"},
}
ODD = [
    3,
    1.5,
    True,
    "",
    "\n",
    "?",
    [],
    [3],
    [[]],
    {},
    {"a": 3},
    {"": {}},
    datetime.date(2020, 1, 1),
]


def places(value, path=()):
    """The way to every value inside."""
    yield path
    rows = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else rows:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("place", list(places(WHOLE))[1:], ids=lambda p: ".".join(map(str, p)))
def test_manifest_of_wrong_types_is_an_error_and_no_crash(tmp_path, place):
    for odd in ODD:
        data = copy.deepcopy(WHOLE)
        where = data
        for key in place[:-1]:
            where = where[key]
        where[place[-1]] = odd
        (tmp_path / manifest.MANIFEST).write_text(tomlkit.dumps(data))
        try:
            loaded = manifest.load(tmp_path)
        except ManifestError as error:
            assert f"{manifest.MANIFEST}:" in error.message
        else:
            assert loaded.digest()


@pytest.mark.parametrize("text", ["store = 3", "index-url = []", "colour = 'red'", "store = ["])
def test_user_configuration_that_is_wrong_exits_2(project, home, text):
    project.declare()
    (home / ".pyrs").mkdir()
    (home / ".pyrs" / "config.toml").write_text(text)

    assert f"{home}/.pyrs/config.toml: " in project.pyrs("install", expect=2).err


def test_manifest_that_is_not_text_is_refused(project):
    (project.root / "pyproject.rs.toml").write_bytes(b'[package]\nname = "\xff"\n')

    assert "not UTF-8" in project.pyrs("install", expect=3).err


def test_comments_and_order_survive_add_and_remove(project, index):
    index.wheel("blue", "1.0")
    index.wheel("red", "2.0")
    project.manifest(
        '# my project\n[package]\nname = "app"  # the name\n\n[dependencies]\n# colours\nred = "*"  # warm\n'
    )

    project.pyrs("add", "blue>=1")
    text = (project.root / "pyproject.rs.toml").read_text()
    assert text.startswith('# my project\n[package]\nname = "app"  # the name\n')
    assert '# colours\nred = "*"  # warm\n' in text and 'blue = ">=1"' in text
    project.pyrs("remove", "blue")

    assert "blue" not in (project.root / "pyproject.rs.toml").read_text()
    assert '# colours\nred = "*"  # warm\n' in (project.root / "pyproject.rs.toml").read_text()


def test_line_ends_survive_add_and_remove(project, index):
    index.wheel("blue", "1.0")
    text = b'[package]\r\nname = "app"\r\n\r\n[dependencies]\r\n'
    (project.root / "pyproject.rs.toml").write_bytes(text)

    project.pyrs("add", "blue", "--dev")
    written = (project.root / "pyproject.rs.toml").read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n") > text.count(b"\n")
    project.pyrs("add", "blue>=2", expect=4)

    assert (project.root / "pyproject.rs.toml").read_bytes() == written
