"""What each command does, with its exit codes and messages, against an index on this machine."""

import copy
import datetime
import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import tomlkit
from packaging import pylock
from pyrs.pm import dispatch, manifest
from pyrs.pm.errors import EXIT_CODES, ManifestError, PyrsError
from support.package_index import make_sdist

# -- The manifest -------------------------------------------------------------------------------


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


# -- Groups ----------------------------------------------------------------------------------------


@pytest.fixture
def grouped(project, index):
    for name in ("core", "tester", "pdf", "web"):
        index.wheel(name, "1.0", ["common"])
    index.wheel("common", "1.0")
    project.declare({"core": "*"}, {"tester": "*"}, {"pdf": {"pdf": "*"}, "web": {"web": "*"}})
    return project


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"core"}),
        (["--dev"], {"core", "tester"}),
        (["--feature", "pdf"], {"core", "pdf"}),
        (["--feature", "pdf,web"], {"core", "pdf", "web"}),
        (["--feature", "pdf", "--feature", "web", "--dev"], {"core", "pdf", "web", "tester"}),
        (["--all"], {"core", "pdf", "web", "tester"}),
    ],
)
def test_install_takes_exactly_the_groups_asked_for(grouped, options, expected):
    grouped.pyrs("install", *options)

    declared, transitive = grouped.visible()
    assert declared == expected
    assert transitive == {"common"}


def test_unknown_feature_is_an_error_that_lists_the_known(grouped):
    error = grouped.pyrs("install", "--feature", "tex", expect=3).err

    assert "there is no feature 'tex'" in error and "pdf, web" in error


def test_installing_fewer_groups_removes_what_is_no_longer_asked_for(grouped):
    grouped.pyrs("install", "--all")
    grouped.pyrs("install")

    assert grouped.visible()[0] == {"core"}


def test_production_is_solved_first_and_dev_fits_it(project, index):
    for version in ("1.0", "2.0"):
        index.wheel("shared", version)
    index.wheel("app-lib", "1.0", ["shared"])
    index.wheel("tool", "1.0", ["shared<2"])
    index.wheel("tool", "0.9", ["shared"])
    project.declare({"app-lib": "*"}, {"tool": "*"})

    project.pyrs("lock")

    versions = {p["name"]: p["version"] for p in tomllib.loads(project.lock.read_text())["package"]}
    assert versions == {"app-lib": "1.0", "shared": "2.0", "tool": "0.9"}


def test_conflict_with_production_names_the_pin_and_the_ways_out(project, index):
    for version in ("1.0", "2.0"):
        index.wheel("shared", version)
    index.wheel("tool", "1.0", ["shared<2"])
    project.declare({"shared": "*"}, {"tool": "*"})

    error = project.pyrs("lock", expect=4).err

    assert "error[pyrs-4]: no version of shared satisfies all requirements" in error
    assert "because tool 1.0 requires shared<2" in error
    assert "because the production dependencies of app fix shared at 2.0" in error
    assert (
        "help: relax shared in [dev-dependencies], or add a narrower range for shared to [dependencies]"
        in error
    )


def test_features_that_exclude_each_other_lock_but_do_not_install_together(project, index):
    for version in ("1.0", "2.0"):
        index.wheel("shared", version)
    index.wheel("old", "1.0", ["shared<2"])
    index.wheel("new", "1.0", ["shared>=2"])
    project.declare({}, {}, {"a": {"old": "*"}, "b": {"new": "*"}})

    project.pyrs("install", "--feature", "a")
    assert project.visible()[1] == {"shared"}
    project.pyrs("install", "--feature", "b")
    error = project.pyrs("install", "--feature", "a,b", expect=4).err

    assert "these groups need both shared 1.0 and 2.0" in error


# -- The lock --------------------------------------------------------------------------------------


def test_lock_is_toml_with_the_promised_fields(grouped):
    grouped.pyrs("lock")

    text = grouped.lock.read_text()
    assert text.startswith("# Auto-generated by pyrs. Do not edit.\nversion = 1\n")
    data = tomllib.loads(text)
    package = {p["name"]: p for p in data["package"]}
    assert package["core"]["group"] == "dependencies"
    assert package["tester"]["group"] == "dev-dependencies"
    assert package["pdf"]["group"] == "optional-dependencies.pdf"
    assert (
        package["common"]["groups"][0] == "dependencies" and len(package["common"]["groups"]) == 4
    )
    assert package["core"]["requires"] == ["common"]
    assert len(package["core"]["sha256"]) == 64 and package["core"]["source"] == "pypi"


def test_lock_is_written_again_only_when_the_dependency_tables_change(grouped, index):
    grouped.pyrs("install")
    before = grouped.lock.read_bytes()
    index.wheel("core", "2.0")
    manifest = grouped.root / "pyproject.rs.toml"

    manifest.write_text("# a comment\n" + manifest.read_text().replace('"1.0"', '"1.1"'))
    grouped.pyrs("install", "--refresh")
    assert grouped.lock.read_bytes() == before
    manifest.write_text(manifest.read_text().replace('core = "*"', 'core = ">=2"'))
    grouped.pyrs("install", "--refresh")

    assert grouped.lock.read_bytes() != before


def test_frozen_install_refuses_a_stale_lock(grouped):
    grouped.pyrs("install", "--frozen", expect=5)
    grouped.pyrs("lock")
    before = grouped.lock.read_bytes()
    grouped.declare({"core": ">=1", "web": "*"})

    error = grouped.pyrs("install", "--frozen", expect=5).err

    assert "does not belong to the manifest" in error and "help: run: pyrs lock" in error
    assert grouped.lock.read_bytes() == before


def test_lock_command_always_resolves_and_keeps_versions_that_still_fit(grouped, index):
    grouped.pyrs("lock")
    index.wheel("core", "2.0")
    grouped.pyrs("lock", "--refresh")
    assert 'name = "core"\nversion = "1.0"' in grouped.lock.read_text()

    grouped.pyrs("update", "core", "--refresh")

    assert 'name = "core"\nversion = "2.0"' in grouped.lock.read_text()


def test_update_of_one_package_leaves_the_others(grouped, index):
    grouped.pyrs("install")
    index.wheel("core", "2.0", ["common"])
    index.wheel("common", "2.0")

    result = grouped.pyrs("update", "common", "--refresh")

    assert result.out == "common 1.0 -> 2.0\n"
    assert grouped.pyrs("update", "nothing", expect=10).err.startswith(
        "error[pyrs-10]: nothing is not in the lock"
    )
    assert "core 1.0 -> 2.0" in grouped.pyrs("update", "--refresh").out


def test_pylock_export_is_valid_and_names_the_groups(grouped):
    grouped.pyrs("lock")

    data = tomllib.loads(grouped.pyrs("lock", "--format", "pylock").out)

    pylock.Pylock.from_dict(data).validate()
    assert data["lock-version"] == "1.0" and data["extras"] == ["pdf", "web"]
    packages = {p["name"]: p for p in data["packages"]}
    assert "marker" not in packages["core"] and "marker" not in packages["common"]
    assert packages["pdf"]["marker"] == '"pdf" in extras'
    assert packages["tester"]["marker"] == '"dev" in dependency_groups'
    wheel = packages["core"]["wheels"][0]
    assert len(wheel["hashes"]["sha256"]) == 64
    assert wheel["url"] == f"{grouped.index.base}/files/core-1.0-py3-none-any.whl"


def test_pylock_export_names_archives_and_folders(project, index):
    offer = index.wheel("blue", "1.0")
    (project.root / offer.name).write_bytes(offer.body)
    red = index.wheel("red", "1.0")
    _, body = make_sdist("green", "1.0")
    tarfile.open(fileobj=io.BytesIO(body)).extractall(project.root)
    url = f"{index.base}/files/{red.name}"
    project.declare(
        {
            "blue": {"path": offer.name},
            "red": {"url": url},
            "green": {"path": "green-1.0", "editable": True},
        }
    )

    data = tomllib.loads(project.pyrs("lock", "--format", "pylock").out)

    pylock.Pylock.from_dict(data).validate()
    packages = {p["name"]: p for p in data["packages"]}
    assert packages["blue"]["archive"]["path"] == offer.name
    assert packages["red"]["archive"]["url"] == url
    assert packages["green"]["directory"] == {"path": "green-1.0", "editable": True}


# -- add, remove, tree -----------------------------------------------------------------------------


def test_add_gives_a_bare_name_a_lower_bound_and_installs_it(project, index):
    index.wheel("blue", "1.5")
    project.declare()

    result = project.pyrs("add", "blue")

    assert result.out == "added blue 1.5\n"
    assert 'blue = ">=1.5"' in (project.root / "pyproject.rs.toml").read_text()
    assert project.visible()[0] == {"blue"}
    project.pyrs("install", "--frozen")


def test_bound_of_an_added_name_allows_every_version_the_lock_has(project, index):
    index.wheel("blue", "9.0")
    index.wheel("blue", "10.0", python=">=3.12")
    project.declare()

    project.pyrs("add", "blue")

    assert 'blue = ">=9.0"' in (project.root / "pyproject.rs.toml").read_text()
    project.pyrs("install", "--frozen")


@pytest.mark.parametrize(
    ("option", "table"),
    [(["--dev"], "dev-dependencies"), (["--feature", "f"], "optional-dependencies.f")],
)
def test_add_to_a_group_installs_that_group(project, index, option, table):
    index.wheel("blue", "1.5")
    project.declare()

    project.pyrs("add", *option, "blue<2")

    assert f'[{table}]\nblue = "<2"' in (project.root / "pyproject.rs.toml").read_text()
    assert project.visible()[0] == {"blue"}


def test_add_of_something_impossible_changes_nothing(project, index):
    index.wheel("blue", "1.5")
    project.declare({"blue": "*"})
    project.pyrs("install")
    before = {p: p.read_bytes() for p in (project.root / "pyproject.rs.toml", project.lock)}
    current = os.readlink(project.root / ".pyrs" / "current")

    error = project.pyrs("add", "gren", expect=4).err

    assert "no index has gren" in error
    assert {p: p.read_bytes() for p in before} == before
    assert os.readlink(project.root / ".pyrs" / "current") == current


def test_add_whose_download_fails_changes_nothing(project, index):
    project.declare()
    project.pyrs("install")
    before = (project.root / "pyproject.rs.toml").read_bytes()
    offer = index.wheel("blue", "1.5")
    offer.served = offer.body[:-10] + b"0123456789"

    project.pyrs("add", "blue", expect=6)

    assert (project.root / "pyproject.rs.toml").read_bytes() == before


def test_remove_takes_the_package_out_of_manifest_lock_and_environment(grouped):
    grouped.pyrs("install", "--dev")

    assert grouped.pyrs("remove", "tester").out == "removed tester from dev-dependencies\n"
    assert grouped.visible()[0] == {"core"}
    assert "tester" not in grouped.lock.read_text()
    assert "ghost is not declared" in grouped.pyrs("remove", "ghost", expect=10).err


def test_tree_draws_and_explains(grouped):
    grouped.pyrs("lock")

    assert "[dependencies]\n└── core 1.0\n    └── common 1.0\n" in grouped.pyrs("tree").out
    why = grouped.pyrs("tree", "--why", "common").out
    assert "[dependencies] -> core 1.0 -> common 1.0" in why
    assert "[optional-dependencies.pdf] -> pdf 1.0 -> common 1.0" in why
    assert "ghost is not in the lock" in grouped.pyrs("tree", "--why", "ghost", expect=10).err


# -- run -------------------------------------------------------------------------------------------


def test_run_returns_the_programs_exit_code_and_passes_arguments(project):
    project.declare()
    project.pyrs("install")
    (project.root / "p.py").write_text("import sys\nprint(sys.argv)\nsys.exit(int(sys.argv[1]))\n")

    result = project.run("p.py", "7", "--feature", expect=7)

    assert result.out == "['p.py', '7', '--feature']\n"
    assert project.run("-c", "import sys; print(sys.argv[1:])", "a").out == "['a']\n"
    assert project.run("-m", "json.tool", "--help").out.startswith("usage:")


def test_program_starts_without_the_machine_and_without_libraries(project):
    project.declare()
    project.pyrs("install")
    code = "import sys; print(open('/proc/self/maps').read(), *sys.modules)"

    for command in (["run", "-c", code], ["run", "python", "-c", code]):
        loaded = project.spawn(*command).out
        assert "/_guard" in loaded and "/_pyrs" not in loaded
        assert "json" not in loaded.split() and "packaging" not in loaded.split()


def test_run_without_an_environment_says_to_install(project):
    project.declare()

    assert "run: pyrs install" in project.run("-c", "pass", expect=10).err
    assert "say what to run" in project.run(expect=2).err


def test_run_looks_in_the_environments_bin_then_on_path(project, index):
    index.wheel(
        "tool",
        "1.0",
        files={"tool.py": "def main():\n    print('tool here')\n"},
        scripts={"hello": "tool:main"},
    )
    project.declare({"tool": "*"})
    project.pyrs("install")

    assert project.run("hello").out == "tool here\n"
    assert project.run("echo", "from path").out == "from path\n"
    assert "there is no 'no-such-program'" in project.run("no-such-program", expect=10).err


def test_environment_is_for_the_interpreter_named(project, index, pythons, store):
    index.wheel("hidden", "1.0")
    index.wheel("shown", "1.0", ["hidden"])
    project.declare({"shown": "*"})
    code = "import sys, shown; print(sys.hexversion, shown.__cached__)\nimport hidden"
    for python in pythons:
        ask = "import sys; print(sys.hexversion, sys.implementation.cache_tag)"
        number, tag = subprocess.check_output([python, "-c", ask], text=True).split()

        project.pyrs("install", "--python", python)

        ran = project.run("-c", code, expect=1)
        assert ran.out.split()[0] == number and ran.err.endswith("run: pyrs add hidden)\n")
        assert len(list(store.glob(f"pkgs/*/lib/*/__pycache__/*.{tag}.pyc"))) == 2
        assert ran.out.rstrip().endswith(f".{tag}.pyc")
    project.pyrs("check")


@pytest.mark.parametrize("answer", ["", "echo 3", "echo '[1]'", "echo oops >&2; exit 1"])
def test_interpreter_that_is_none_exits_10(project, tmp_path, answer):
    project.declare()
    odd = tmp_path / "odd"
    odd.write_text(f"#!/bin/sh\n{answer}\n")
    odd.chmod(0o755)

    error = project.pyrs("install", "--python", odd, expect=10).err

    assert str(odd) in error


def test_run_with_a_feature_adds_it_for_that_run_only(grouped):
    grouped.pyrs("install")

    grouped.run("--feature", "pdf", "-c", "import core, pdf")

    assert grouped.visible()[0] == {"core"}
    grouped.run("-c", "import pdf", expect=1)


def test_run_uses_the_environment_and_nothing_else(project, home):
    project.declare()
    project.pyrs("install")
    user = home / f".local/lib/python3.{sys.version_info[1]}/site-packages"
    user.mkdir(parents=True)
    (user / "stray.py").write_text("")

    project.run("-c", "import stray", expect=1)
    project.run("-c", "import packaging", expect=1)
    paths = project.run("-c", "import sys; print(*sys.path, sep='\\n')").out.splitlines()

    assert not [
        p for p in paths if p.endswith(("dist-packages", "site-packages")) and ".pyrs" not in p
    ]


def test_own_package_is_importable_and_has_metadata(project):
    project.declare(name="my-app")
    (project.root / "src" / "my_app").mkdir(parents=True)
    (project.root / "src" / "my_app" / "__init__.py").write_text("x = 1")
    project.pyrs("install")

    code = "import my_app, importlib.metadata as m; print(my_app.x, m.version('my-app'))"

    assert project.run("-c", code).out == "1 1.0\n"


def test_run_in_the_machine_executes_and_guards(project, index):
    pytest.importorskip("pyrs._pyrs")
    index.wheel("hidden", "1.0")
    index.wheel("shown", "1.0", ["hidden"])
    project.declare({"shown": "*"})
    project.pyrs("install")
    (project.root / "p.py").write_text(
        "import sys, pyrs, shown\n"
        "print(sys.argv, __name__, pyrs.stats()['native'] > 0)\n"
        "import hidden\n"
    )

    result = project.run("--vm", "p.py", "a", expect=1)

    assert result.out == "['p.py', 'a'] __main__ True\n"
    assert result.err.endswith("run: pyrs add hidden)\n") and "pyrs/" not in result.err
    command = "import sys; print(sys.argv); sys.exit(3)"
    assert project.run("--vm", "-c", command, "-x", expect=3).out == "['-c', '-x']\n"
    assert project.run("--vm", "-m", "json.tool", "--help").out.startswith("usage:")


def test_run_from_a_subfolder_finds_the_project(project):
    project.declare()
    project.pyrs("install")
    below = project.root / "a" / "b"
    below.mkdir(parents=True)

    assert project.spawn("run", "-c", "print(1)").out == "1\n"


# -- store, check ----------------------------------------------------------------------------------


def test_store_status_path_and_collection(grouped, store):
    grouped.pyrs("install")

    assert f"path         {store.parent}" in grouped.pyrs("store", "status").out
    path = grouped.pyrs("store", "path", "core@1.0").out.strip()
    assert path.startswith(str(store / "pkgs" / "core@1.0-"))
    assert "the store has no ghost" in grouped.pyrs("store", "path", "ghost", expect=10).err
    grouped.declare({"core": "*"})
    grouped.pyrs("install", "--all")
    dry = grouped.pyrs("store", "gc", "--dry-run").out
    assert "would remove pdf@1.0-" not in dry  # never installed
    grouped.declare({})
    grouped.pyrs("install")
    assert "would remove core@1.0-" in grouped.pyrs("store", "gc", "--dry-run").out
    assert os.path.isdir(path)
    grouped.pyrs("store", "gc")
    assert not os.path.isdir(path)


def test_check_is_quiet_when_all_is_well(grouped):
    grouped.pyrs("install")

    assert grouped.pyrs("check").out == ""


def test_check_finds_undeclared_imports_with_file_and_line(project, index):
    index.wheel("deep", "1.0")
    index.wheel("peer", "1.0")
    index.wheel("top", "1.0", ["deep"], files={"top/__init__.py": "import os\nimport peer\n"})
    index.wheel("other", "1.0", ["peer"])
    project.declare({"top": "*", "other": "*"})
    (project.root / "main.py").write_text("import top\n\nfrom deep import x\n")
    project.pyrs("install")

    result = project.pyrs("check", "--imports", expect=1)

    assert "main.py:3: app imports deep.x (deep) without declaring it\n" in result.out
    assert "lib/top/__init__.py:2: top imports peer (peer) without declaring it\n" in result.out


# -- The command line itself -----------------------------------------------------------------------


def test_json_output_is_one_object_for_results_and_errors(grouped):
    assert grouped.pyrs("lock", "--json").json()["packages"]["core"] == "1.0"
    assert grouped.pyrs("store", "status", "--json").json()["packages"] == 0
    error = grouped.pyrs("install", "--feature", "tex", "--json", expect=3).json()["error"]
    assert error["code"] == 3 and "tex" in error["message"]


def test_exit_codes_are_the_documented_ones():
    page = Path(__file__).parents[3] / "docs/pyrs/pm.md"
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page.read_text(), re.MULTILINE)

    assert {int(code): meaning for code, meaning in rows} == EXIT_CODES
    raised = {kind.code: kind for kind in PyrsError.__subclasses__()}
    assert {0, 1, 130, *raised} == set(EXIT_CODES)


def test_help_teaches_and_usage_errors_exit_2(project):
    assert "exit codes:" in project.pyrs().out
    assert "pyrs --help" in project.pyrs("instal", expect=2).err
    assert "unrecognized arguments: --nope" in project.pyrs("install", "--nope", expect=2).err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_commands_and_options(project, shell):
    text = project.pyrs("completion", shell).out

    assert "install" in text and "frozen" in text and "gc" in text


def test_bash_completes_commands_options_and_subcommands(project):
    bash = shutil.which("bash") or pytest.skip("needs bash")
    script = project.pyrs("completion", "bash").out

    def completed(*words):
        line = f"COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}"
        code = f"{script}\n{line}\n_pyrs\necho ${{COMPREPLY[@]}}"
        return subprocess.run([bash, "-c", code], capture_output=True, text=True).stdout.split()

    assert completed("pyrs", "ins") == ["install"]
    assert completed("pyrs", "install", "--fro") == ["--frozen"]
    assert "gc" in completed("pyrs", "store", "")


def test_every_command_is_one_of_pyrs(project):
    from pyrs.__main__ import COMMANDS

    assert set(COMMANDS) == set(dispatch.COMMANDS)
    assert "_pyrs()" in project.spawn("completion", "bash", entry=("-m", "pyrs")).out


def test_nothing_but_results_on_stdout_and_nothing_when_piped(grouped):
    result = grouped.spawn("install")

    assert (result.out, result.err) == ("", "")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_output_nobody_reads_is_no_traceback(grouped, options):
    grouped.pyrs("lock")
    ours, theirs = os.pipe()
    os.close(ours)

    result = grouped.spawn("tree", *options, stdout=theirs, expect=1)

    os.close(theirs)
    assert result.err == ""


def test_progress_is_shown_on_a_terminal_and_not_when_quiet(grouped):
    def shown(*options):
        ours, theirs = pty.openpty()
        grouped.spawn("install", *options, stderr=theirs, env={"TERM": "xterm"})
        os.close(theirs)
        text = b""
        try:
            while more := os.read(ours, 65536):
                text += more
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        return text.decode()

    grouped.pyrs("lock")

    assert "downloading" in shown("--all")
    shutil.rmtree(grouped.root / ".pyrs")
    assert "downloading" not in shown("--quiet", "--python", sys.executable)


def test_missing_libraries_are_one_line_and_exit_2(project):
    project.declare()
    code = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('packaging', 'urllib3', 'resolvelib'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "from pyrs.pm.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )

    result = project.spawn("install", entry=("-c", code), expect=2)

    (line,) = result.err.splitlines()
    assert line.startswith("error[pyrs-2]: ") and line.endswith("pip install 'pyforge-suite[pm]'")
