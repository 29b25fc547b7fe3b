"""Django settings of pyforge's tests and benches: SQLite, and PostgreSQL when its
address is in FORGE_PG (see pgserver.py)."""

import os

SECRET_KEY = "tests"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "pyforge",
    "forgeapp",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("FORGE_SQLITE", ":memory:"),
    }
}
if os.environ.get("FORGE_PG"):
    host, port = os.environ["FORGE_PG"].rsplit(":", 1)
    DATABASES["pg"] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "forge",
        "USER": "forge",
        "HOST": host,
        "PORT": port,
    }
    INSTALLED_APPS += ["django.contrib.postgres", "forgepg"]
DATABASE_ROUTERS = ["forgeapp.router.Router"]
USE_I18N = True
MEDIA_ROOT = os.environ.get("FORGE_MEDIA", "/tmp")
