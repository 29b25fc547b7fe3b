"""Against the configured public index: a lock for twelve environments, and a real application."""

import pytest
from packaging.utils import canonicalize_name
from pyrs.pm import config, interpreter, lockfile, manifest
from pyrs.pm.http import Http, Policy
from pyrs.pm.index import Source
from pyrs.pm.resolve import resolve
from support.lock_environments import ENVIRONMENTS

pytestmark = pytest.mark.network

REQUIREMENTS = dict.fromkeys(
    "django djangorestframework pandas rich fastapi sqlalchemy pydantic requests pytest hypothesis "
    "jinja2 pyyaml cryptography".split(),
    "*",
) | {
    "httpx": {"version": "*", "extras": ["http2"]},
    "uvicorn": {"version": "*", "extras": ["standard"]},
}
APPLICATION = """
import io, pickle
import pandas as pd

frame = pd.DataFrame({"name": ["A", "B", "A"], "score": [1, 2, 3]})
assert frame.groupby("name")["score"].mean().to_dict() == {"A": 2.0, "B": 2.0}
frame.describe(); frame.to_html(); frame.style.to_html()
assert pickle.loads(pickle.dumps(frame)).equals(frame)

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="x", ROOT_URLCONF="urls", ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.jinja2.Jinja2", "DIRS": []}],
)
django.setup()
from django.core.management import call_command

call_command("migrate", verbosity=0)
from django.test import Client
from rest_framework import serializers, views

assert Client().get("/").content == b"hello"

import fastapi, fastapi.testclient

app = fastapi.FastAPI()

@app.get("/")
def root():
    return {"a": 1}

assert fastapi.testclient.TestClient(app).get("/").json() == {"a": 1}

import httpx, hypothesis, jinja2, requests, rich, rich.traceback, sqlalchemy, uvicorn, yaml
from cryptography.fernet import Fernet
from hypothesis import given, strategies

key = Fernet(Fernet.generate_key())
assert key.decrypt(key.encrypt(b"x")) == b"x"
sqlalchemy.create_engine("sqlite://").connect()
httpx.Client(http2=True)
uvicorn.Config(app).load()
given(strategies.integers())(lambda n: None)()
print("application ran")
"""


@pytest.fixture
def outside(project, monkeypatch):
    """The fixture's index is not asked: the user's own configuration, or pypi.org, is."""
    monkeypatch.delenv("PYRS_INDEX_URL")
    project.declare(REQUIREMENTS)
    return project


def test_lock_serves_twelve_environments_as_direct_resolution_would(outside):
    loaded = manifest.load(outside.root)
    indexes = config.indexes([])
    source = Source(Http(config.cache_folder(), Policy(), indexes), config.cache_folder(), indexes)
    try:
        lock = lockfile.from_solution(loaded, resolve(loaded, source), {"pypi"})
        for platform, machine, python in ENVIRONMENTS:
            check_environment(loaded, source, lock, platform, machine, python)
    finally:
        source.close()


def check_environment(loaded, source, lock, platform, machine, python):
    there = interpreter.synthetic(platform, machine, python)
    ranks = there.ranks()
    chosen = [p for p in lock.packages if there.evaluate(p.groups["dependencies"])]
    for package in chosen:
        names = [f.name for f in package.files]
        fits = interpreter.best_wheel([n for n in names if n.endswith(".whl")], ranks)
        assert fits or any(not n.endswith(".whl") for n in names), (str(package), platform, machine)

    def only(universe):
        here = (platform, machine, python, "cpython")
        return universe.select(
            lambda p: (p.platform, p.machine, p.python, p.implementation) == here
        )

    direct = resolve(loaded, source, restrict=only)
    assert {str(p) for p in chosen} == {str(p.release) for p in direct.packages}


def test_real_application_runs_and_phantoms_do_not(outside):
    outside.pyrs("install")
    (outside.root / "urls.py").write_text(
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        'urlpatterns = [path("", lambda request: HttpResponse("hello"))]\n'
    )
    (outside.root / "application.py").write_text(APPLICATION)
    (outside.root / "test_it.py").write_text(
        "import pytest\n"
        "def test_declared():\n    import pandas\n"
        "def test_phantom():\n"
        "    with pytest.raises(ModuleNotFoundError, match='pyrs add numpy'):\n        import numpy\n"
    )

    assert outside.run("application.py").out.endswith("application ran\n")
    assert "2 passed" in outside.run("pytest", "-q", "test_it.py").out
    for name in ("numpy", "starlette", "pydantic_core", "anyio"):
        error = outside.run("-c", f"import pandas, fastapi, {name}", expect=1).err
        assert f"pyrs add {canonicalize_name(name)}" in error
    outside.pyrs("check")


def test_parallel_tests_and_type_checks_work_inside(outside):
    outside.declare({"rich": "*"}, {"pytest": "*", "pytest-xdist": "*", "mypy": "*"})
    (outside.root / "test_it.py").write_text(
        "import rich\ndef test_a(): pass\ndef test_b(): pass\n"
    )
    outside.pyrs("install", "--dev")

    assert "2 passed" in outside.run("pytest", "-q", "-n", "2", "test_it.py").out
    assert "Success" in outside.run("mypy", "test_it.py").out
