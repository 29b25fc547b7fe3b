"""Django is configured once; SQLite in memory; a private PostgreSQL when asked for."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")


def pytest_configure(config):
    config.addinivalue_line("markers", "committed: not inside a transaction of the test's own")
    import pgserver

    if not config.getoption("collectonly", False):
        pgserver.start_if_wanted()
    import django

    django.setup()


def pytest_unconfigure(config):
    import pgserver

    pgserver.stop()


@pytest.fixture(scope="session", autouse=True)
def tables():
    from django.conf import settings
    from django.core.management import call_command

    for alias in settings.DATABASES:
        call_command("migrate", run_syncdb=True, verbosity=0, database=alias)


@pytest.fixture(autouse=True)
def clean_database(request):
    """Each test runs in a transaction of its own unless it asks not to."""
    from django.conf import settings
    from django.db import transaction

    if "committed" in request.keywords:
        yield
        return
    blocks = [transaction.atomic(using=a) for a in settings.DATABASES]
    for b in blocks:
        b.__enter__()
    yield
    for b in reversed(blocks):
        transaction.set_rollback(True, using=b.using)
        b.__exit__(None, None, None)
