"""Django's own test suite with pyforge in shadow and in replace mode.

    python tests/pyforge/django_suite.py [--source SDIST] [--db sqlite|pg] [--modes plain shadow on] [LABEL ...]

Each mode runs the same tests; the set of failing tests must equal the plain run's, and
shadow mode must have no mismatch. The sdist of the installed Django is fetched with pip
when --source names none.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pgserver

LABELS = (
    "model_fields validators forms_tests serializers model_forms validation model_formsets "
    "admin_views fixtures postgres_tests"
).split()

SETTINGS = """
import sys
sys.path[:0] = [{here!r}]
DATABASES = {databases!r}
SECRET_KEY = "suite"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
mode = {mode!r}
if mode != "plain":
    from pyforge.testing import install
    install(mode)
"""


def fetch(directory):
    import django

    version = django.get_version()
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
         "--dest", directory, f"Django=={version}"], check=True)  # fmt: skip
    archive = next(Path(directory).glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        tar.extractall(directory, filter="data") if sys.version_info >= (3, 12) else tar.extractall(
            directory
        )
    return next(p for p in Path(directory).iterdir() if p.is_dir())


def databases(db):
    if db == "sqlite":
        entry = {"ENGINE": "django.db.backends.sqlite3"}
        return {"default": entry, "other": dict(entry)}
    host, port = (os.environ.get("FORGE_PG") or pgserver.start()).rsplit(":", 1)
    entry = {"ENGINE": "django.db.backends.postgresql", "USER": "forge", "HOST": host, "PORT": port}
    return {"default": {**entry, "NAME": "suite_a"}, "other": {**entry, "NAME": "suite_b"}}


def failing(output):
    return set(re.findall(r"^(?:FAIL|ERROR): (.+)$", output, re.M))


def run(source, mode, db, labels, work):
    name = f"forge_{mode}_{db}"
    settings = SETTINGS.format(here=str(Path(__file__).parent), databases=db_entries(db), mode=mode)
    (Path(work) / f"{name}.py").write_text(settings)
    report = Path(work) / f"{name}.json"
    path = ":".join([str(work), str(source), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, "PYFORGE_REPORT": str(report)}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "runtests.py", f"--settings={name}", "--parallel=1", "--noinput", *labels],
        cwd=source / "tests", env=env, capture_output=True, text=True)  # fmt: skip
    output = done.stdout + done.stderr
    (Path(work) / f"{name}.log").write_text(output)
    ran = re.search(r"Ran (\d+) tests", output)
    facts = json.loads(report.read_text()) if report.exists() else {
        "calls": {}, "skipped": {}, "mismatches": []}  # fmt: skip
    return failing(output), int(ran[1]) if ran else 0, facts


_entries = {}


def db_entries(db):
    if db not in _entries:
        _entries[db] = databases(db)
    return _entries[db]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", type=Path)
    parser.add_argument("--db", default="sqlite", choices=["sqlite", "pg"])
    parser.add_argument("--modes", nargs="+", default=["plain", "shadow", "on"])
    parser.add_argument("--work", default=tempfile.mkdtemp(prefix="forge-suite-"))
    parser.add_argument("labels", nargs="*", default=LABELS)
    options = parser.parse_args()
    source = options.source or fetch(options.work)
    bad, plain = False, None
    for mode in options.modes:
        failed, ran, facts = run(source.resolve(), mode, options.db, options.labels, options.work)
        plain = failed if plain is None else plain
        new, gone = sorted(failed - plain), sorted(plain - failed)
        print(f"{options.db} {mode}: {ran} tests, {len(failed)} failed; new {new}; gone {gone}; "
              f"mismatches {len(facts['mismatches'])}; {facts['calls']}", flush=True)  # fmt: skip
        for found in facts["mismatches"][:20]:
            print("   ", found)
        for reason, times in sorted(facts["skipped"].items()):
            print(f"    not compared: {times} x {reason}", flush=True)
        bad |= bool(new) or bool(facts["mismatches"]) or not ran
    print(f"logs in {options.work}")
    pgserver.stop()
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
