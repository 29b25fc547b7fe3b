"""Where things are: the user's folder, the store, and the indexes to ask, in order of precedence."""

from __future__ import annotations

import configparser
import os
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from .errors import UsageError

PYPI = "https://pypi.org/simple/"
_KEYS = ("store", "index-url", "bytecode")
BYTECODE = ("later", "now", "never")  # when installed modules are compiled


@dataclass(frozen=True)
class Index:
    """`public` says that the lock may carry this index's file addresses."""

    name: str
    url: str
    public: bool
    credentials: tuple[str, str] | None = None


def user_folder() -> Path:
    return Path(os.environ.get("PYRS_HOME") or Path.home() / ".pyrs")


def user_config() -> dict[str, str]:
    path = user_folder() / "config.toml"
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as e:
        raise UsageError(f"{path}: {e}") from None
    for key, value in settings.items():
        if key not in _KEYS:
            raise UsageError(f"{path}: unknown key {key!r}", help=f"known: {', '.join(_KEYS)}")
        if not isinstance(value, str):
            raise UsageError(f"{path}: {key} must be a string, not {value!r}")
    return settings


def store_folder(config: dict[str, str] | None = None) -> Path:
    named = os.environ.get("PYRS_STORE") or (user_config() if config is None else config).get(
        "store"
    )
    return Path(named).expanduser().absolute() if named else user_folder() / "store"


def cache_folder() -> Path:
    return Path(os.environ.get("PYRS_CACHE") or user_folder() / "cache")


def bytecode(option: str | None = None) -> str:
    chosen = option or os.environ.get("PYRS_BYTECODE") or user_config().get("bytecode", BYTECODE[0])
    if chosen not in BYTECODE:
        raise UsageError(f"bytecode is made {', '.join(BYTECODE)}, not {chosen!r}")
    return chosen


def split_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    parts = urlsplit(url)
    if not parts.username:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host)), (parts.username, parts.password or "")


def _index(name: str, url: str, public: bool) -> Index:
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"index {name!r}: {url!r} is not an http or https URL")
    url, credentials = split_credentials(url)
    return Index(name, url.rstrip("/") + "/", public, _from_environment(name) or credentials)


def _from_environment(name: str) -> tuple[str, str] | None:
    """PYRS_INDEX_<NAME>_USERNAME and _PASSWORD, or _TOKEN."""
    prefix = "PYRS_INDEX_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    token = os.environ.get(prefix + "_TOKEN")
    if token:
        return "__token__", token
    user = os.environ.get(prefix + "_USERNAME")
    return (user, os.environ.get(prefix + "_PASSWORD", "")) if user else None


def indexes(manifest_rows: list[tuple[str, str]], index_url: str | None = None) -> list[Index]:
    """The indexes to search.  `pypi` is the default index's name whatever its address."""
    named = index_url or os.environ.get("PYRS_INDEX_URL") or user_config().get("index-url")
    listed = [_index(name, url, public=True) for name, url in manifest_rows]
    if named:
        return [_index("pypi", named, public=False), *listed]
    if listed:
        return (
            listed
            if any(i.name == "pypi" for i in listed)
            else [*listed, _index("pypi", PYPI, public=True)]
        )
    return _from_pip()


def _from_pip() -> list[Index]:
    pip = pip_settings()
    url = pip.get("index-url", PYPI)
    result = [_index("pypi", url, public=url.rstrip("/") == PYPI.rstrip("/"))]
    for number, extra in enumerate(pip.get("extra-index-url", "").split(), 1):
        result.append(_index(f"pip-extra-{number}", extra, public=False))
    return result


def pip_settings() -> dict[str, str]:
    """What pip would use: its files in their order, then PIP_* variables."""
    settings: dict[str, str] = {}
    files = [
        Path("/etc/pip.conf"),
        Path.home() / ".pip/pip.conf",
        Path.home() / ".config/pip/pip.conf",
    ]
    files.append(Path(sys.prefix) / "pip.conf")
    chosen = os.environ.get("PIP_CONFIG_FILE")
    for path in files if chosen is None else [*files, Path(chosen)]:
        parser = configparser.RawConfigParser()
        try:
            parser.read(path)
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= dict(parser.items(section))
    for key in ("index-url", "extra-index-url", "cert"):
        value = os.environ.get("PIP_" + key.upper().replace("-", "_"))
        if value:
            settings[key] = value
    return settings
