"""A fresh user folder and store per test, an index on this machine, and `pyrs` as users call it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.package_index import PackageIndex

for module in ("packaging", "resolvelib", "tomlkit", "urllib3", "pyproject_hooks"):
    pytest.importorskip(module)

dispatch = pytest.importorskip("pyrs.pm.dispatch")

SOURCE = Path(dispatch.__file__).parents[2]


@dataclass
class Result:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


class Project:
    """A project folder and the commands run in it."""

    def __init__(self, root, capfd, monkeypatch, index):
        self.root, self.capfd, self.monkeypatch, self.index = root, capfd, monkeypatch, index
        root.mkdir(parents=True, exist_ok=True)

    def pyrs(self, *args, expect=0):
        """The command in this process: quick, and the exit code is checked."""
        self.monkeypatch.chdir(self.root)
        self.capfd.readouterr()
        code = dispatch.main([str(a) for a in args])
        out, err = self.capfd.readouterr()
        assert code == expect, f"pyrs {' '.join(map(str, args))}: {code}\n{out}\n{err}"
        assert "Traceback" not in err
        return Result(code, out, err)

    def spawn(self, *args, expect=0, env=None, entry=("-m", "pyrs.pm"), **options):
        """The command as a process of its own."""
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), **(env or {})}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        done = subprocess.run(
            [sys.executable, *entry, *map(str, args)],
            cwd=self.root,
            env=environment,
            text=True,
            timeout=120,
            **streams,
        )
        if expect is not None:
            assert done.returncode == expect, (
                f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return Result(done.returncode, done.stdout, done.stderr)

    def run(self, *args, **options):
        return self.spawn("run", *args, **options)

    def manifest(self, text):
        (self.root / "pyproject.rs.toml").write_text(text)

    def declare(self, deps=(), dev=(), features=None, python=">=3.11", more="", name="app"):
        def table(items):
            return "".join(f"{n} = {toml(v)}\n" for n, v in dict(items).items())

        text = f'[package]\nname = "{name}"\nversion = "1.0"\npython = "{python}"\n\n[dependencies]\n{table(deps)}'
        text += f"\n[dev-dependencies]\n{table(dev)}"
        for feature, items in (features or {}).items():
            text += f"\n[optional-dependencies.{feature}]\n{table(items)}"
        self.manifest(text + more)

    @property
    def lock(self):
        return self.root / "pyrs.lock"

    @property
    def site(self):
        return self.root / ".pyrs" / "site-packages"

    def visible(self):
        """Importable declared names and the transitive rest."""
        deps = self.root / ".pyrs" / "current" / "deps"
        return {p.name for p in self.site.iterdir() if ".dist-info" not in p.name}, {
            p.name for p in deps.iterdir() if ".dist-info" not in p.name
        }


@pytest.fixture
def index():
    with PackageIndex() as server:
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch, index):
    """Nothing of the real user is read or written."""
    folder = tmp_path / "home"
    folder.mkdir()
    for key in [k for k in os.environ if k.startswith(("PYRS_", "PIP_", "UV_"))]:
        monkeypatch.delenv(key)
    for key in [k for k in os.environ if k.lower().endswith("_proxy")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PYRS_INDEX_URL", index.url)
    monkeypatch.setenv("NETRC", str(folder / "netrc"))
    monkeypatch.setenv("PYRS_BYTECODE", "now")  # what goes on later has tests of its own
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return folder


@pytest.fixture
def project(tmp_path, capfd, monkeypatch, home, index):
    return Project(tmp_path / "app", capfd, monkeypatch, index)


@pytest.fixture
def another(tmp_path, capfd, monkeypatch, home, index):
    return lambda name: Project(tmp_path / name, capfd, monkeypatch, index)


@pytest.fixture
def two(project, index):
    """A project that declares one distribution, which brings another."""
    index.wheel("leaf", "1.0", files={"leaf.py": "x = 1\n"})
    index.wheel("top", "1.0", ["leaf"])
    project.declare({"top": "*"})
    return project


@pytest.fixture
def store(home):
    return home / ".pyrs" / "store" / "v1"


@pytest.fixture(scope="session")
def pythons():
    """This interpreter, and the others of this machine."""
    found = [sys.executable]
    for minor in (11, 12, 13, 14):
        places = Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")
        other = shutil.which(f"python3.{minor}", path="/usr/local/bin:/usr/bin")
        found += [*map(str, places), *([other] if other else [])][:1]
    return list(dict.fromkeys(found))
