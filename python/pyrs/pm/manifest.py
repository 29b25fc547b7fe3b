"""`pyproject.rs.toml`: reading it with exact error positions, and editing it in place.

Reading uses the standard library's TOML parser; positions of wrong values are found again
in the text.  Edits go through tomlkit, so comments and order survive.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from .errors import ManifestError, NotFound

MANIFEST = "pyproject.rs.toml"
LOCK = "pyrs.lock"
PROD, DEV, FEATURE = "dependencies", "dev-dependencies", "optional-dependencies"

TABLES: dict[str, set[str] | None] = {
    "package": {"name", "version", "python", "description", "readme", "license", "authors"},
    PROD: None,
    DEV: None,
    FEATURE: None,
    "isolation": {"project", "deps", "allow"},
    "build": {"sdists"},
    "index": {"name", "url"},
}
DEP_KEYS = {"version", "extras", "marker", "source", "url", "path", "editable", "sha256"}
ISOLATION = {"project": ("error", "warn", "off"), "deps": ("closure", "declared", "warn", "off")}
_NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$")


@dataclass(frozen=True)
class Dep:
    """One declared dependency, as written but normalised."""

    name: str
    specifier: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""
    source: str = ""
    url: str = ""
    path: str = ""
    editable: bool = False
    sha256: str = ""

    def requirement(self) -> Requirement:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        tail = f"; {self.marker}" if self.marker else ""
        return Requirement(f"{self.name}{extras}{self.specifier}{tail}")

    def normalised(self) -> dict[str, Any]:
        return {k: v for k, v in sorted(vars(self).items()) if v}


@dataclass(frozen=True)
class IndexEntry:
    name: str
    url: str


@dataclass
class Manifest:
    path: Path
    name: str
    version: str
    python: str
    groups: dict[str, list[Dep]]
    indexes: list[IndexEntry] = field(default_factory=list)
    isolation: dict[str, Any] = field(default_factory=dict)
    sdists: str = "allow"

    @property
    def root(self) -> Path:
        return self.path.parent

    def features(self) -> list[str]:
        return [g.split(".", 1)[1] for g in self.groups if g.startswith(FEATURE + ".")]

    def digest(self) -> str:
        """SHA-256 of what the lock depends on; comments, order and spelling do not count."""
        tables = {
            group: sorted(
                (d.normalised() for d in deps), key=lambda d: json.dumps(d, sort_keys=True)
            )
            for group, deps in self.groups.items()
            if deps
        }
        content = {
            "python": ",".join(sorted(str(s) for s in SpecifierSet(self.python))),
            "groups": tables,
            "index": [(i.name, i.url) for i in self.indexes],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def group_id(feature: str) -> str:
    return f"{FEATURE}.{feature}"


def find_root(start: Path | None = None) -> Path:
    """The nearest folder upwards that has a manifest."""
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / MANIFEST).is_file():
            return folder
    raise NotFound(f"no {MANIFEST} in {here} or above it", help="create one with: pyrs init")


def load(root: Path) -> Manifest:
    path = root / MANIFEST
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as e:
        raise ManifestError(f"{path}: {e.strerror}") from None
    except UnicodeDecodeError as e:
        raise ManifestError(f"{path}:1:1: not UTF-8 text (byte {e.start})") from None
    return _Reader(path, text).read()


class _Reader:
    """Checks one manifest; each complaint carries file:line:column."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text

    def fail(self, table: str, key: str | None, message: str) -> ManifestError:
        line, column = locate(self.text, table, key)
        return ManifestError(f"{self.path}:{line}:{column}: {message}")

    def read(self) -> Manifest:
        try:
            data = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as e:
            raise self._syntax(str(e)) from None
        except RecursionError:
            raise ManifestError(f"{self.path}:1:1: nested too deeply") from None
        self._known_tables(data)
        package = self._table(data, "package")
        groups = self._groups(data)
        return Manifest(
            path=self.path,
            name=self._name(package),
            version=self._version(package),
            python=self._python(package),
            groups=groups,
            indexes=self._indexes(data, groups),
            isolation=self._isolation(data),
            sdists=self._choice(data, "build", "sdists", ("allow", "deny"), "allow"),
        )

    def _syntax(self, message: str) -> ManifestError:
        found = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", message)
        if found:
            what, line, column = found.groups()
        else:
            lines = self.text.split("\n")
            what = message.removesuffix(" (at end of document)")
            line, column = str(len(lines)), str(len(lines[-1]) + 1)
        return ManifestError(f"{self.path}:{line}:{column}: {what}")

    def _table(self, data: dict[str, Any], name: str) -> dict[str, Any]:
        table = data.get(name, {})
        if not isinstance(table, dict):
            raise self.fail("", name, f"{name} must be a table")
        return table

    def _known_tables(self, data: dict[str, Any]) -> None:
        for name in data:
            if name not in TABLES:
                known = ", ".join(f"[{t}]" for t in TABLES)
                raise self.fail(name, None, f"unknown table [{name}] (expected one of {known})")
            known_keys = TABLES[name]
            tables = data[name] if isinstance(data[name], list) else [self._table(data, name)]
            if known_keys is None:
                continue
            for table in tables:
                for key in table if isinstance(table, dict) else ():
                    if key not in known_keys:
                        expected = ", ".join(sorted(known_keys))
                        raise self.fail(
                            name,
                            key,
                            f"unknown key {key!r} in [{name}] (expected one of {expected})",
                        )

    def _name(self, package: dict[str, Any]) -> str:
        name = package.get("name")
        if not isinstance(name, str) or not _NAME.match(name):
            raise self.fail("package", "name", "[package] needs a valid name")
        return name

    def _version(self, package: dict[str, Any]) -> str:
        version = package.get("version", "0.0.0")
        try:
            return str(Version(version))
        except (InvalidVersion, TypeError):
            raise self.fail("package", "version", f"{version!r} is not a version") from None

    def _python(self, package: dict[str, Any]) -> str:
        python = package.get("python", ">=3.11")
        try:
            if not isinstance(python, str):
                raise InvalidSpecifier
            return specifier(python)
        except InvalidSpecifier:
            raise self.fail("package", "python", f"{python!r} is not a version range") from None

    def _groups(self, data: dict[str, Any]) -> dict[str, list[Dep]]:
        groups = {
            PROD: self._deps(PROD, self._table(data, PROD)),
            DEV: self._deps(DEV, self._table(data, DEV)),
        }
        for feature, deps in sorted(self._table(data, FEATURE).items()):
            where = group_id(feature)
            if not isinstance(deps, dict):
                raise self.fail(FEATURE, feature, f"[{where}] must be a table")
            groups[where] = self._deps(where, deps)
        return groups

    def _deps(self, table: str, deps: dict[str, Any]) -> list[Dep]:
        seen: dict[str, str] = {}
        result = []
        for name, value in deps.items():
            canonical = canonicalize_name(name)
            if not _NAME.match(name):
                raise self.fail(table, name, f"{name!r} is not a distribution name")
            if canonical in seen:
                raise self.fail(
                    table, name, f"{name!r} and {seen[canonical]!r} are the same distribution"
                )
            seen[canonical] = name
            result.append(self._dep(table, name, canonical, value))
        return sorted(result, key=lambda d: d.name)

    def _dep(self, table: str, name: str, canonical: str, value: Any) -> Dep:
        if isinstance(value, str):
            value = {"version": value}
        if not isinstance(value, dict):
            raise self.fail(table, name, f"{name}: expected a version range or a table")
        unknown = sorted(set(value) - DEP_KEYS)
        if unknown:
            raise self.fail(
                table,
                name,
                f"{name}: unknown key {unknown[0]!r} (expected one of {', '.join(sorted(DEP_KEYS))})",
            )
        self._check_dep_types(table, name, value)
        if value.get("url") and value.get("path"):
            raise self.fail(table, name, f"{name}: url and path exclude each other")
        try:
            spec = specifier(value.get("version", "*"))
        except InvalidSpecifier:
            raise self.fail(
                table, name, f"{name}: {value['version']!r} is not a version range"
            ) from None
        marker = value.get("marker", "")
        try:
            marker = str(Marker(marker)) if marker else ""
        except InvalidMarker as e:
            raise self.fail(table, name, f"{name}: {str(e).splitlines()[0]}") from None
        url = value.get("url", "")
        if url:
            self._check_url(table, name, url, "http", "https", "file")
        return Dep(
            canonical,
            spec,
            tuple(sorted(canonicalize_name(e) for e in value.get("extras", ()))),
            marker,
            value.get("source", ""),
            url,
            value.get("path", ""),
            value.get("editable", False),
            value.get("sha256", "").lower(),
        )

    def _check_dep_types(self, table: str, name: str, value: dict[str, Any]) -> None:
        for key, item in value.items():
            if key == "extras":
                good = isinstance(item, list) and all(
                    isinstance(e, str) and _NAME.match(e) for e in item
                )
            elif key == "editable":
                good = isinstance(item, bool)
            elif key == "sha256":
                good = isinstance(item, str) and re.fullmatch(r"[0-9a-fA-F]{64}", item) is not None
            else:
                good = isinstance(item, str)
            if not good:
                raise self.fail(table, name, f"{name}: {key} has the wrong form: {item!r}")

    def _check_url(self, table: str, name: str, url: str, *schemes: str) -> None:
        try:
            parts = urlsplit(url)
            bad = parts.scheme not in schemes or (parts.scheme != "file" and not parts.hostname)
        except ValueError:
            bad = True
        if bad:
            known = f"{', '.join(schemes[:-1])} or {schemes[-1]}"
            raise self.fail(table, name, f"{name}: {url!r} is not an {known} URL")
        if parts.username or parts.password:
            raise self.fail(
                table,
                name,
                f"{name}: no credentials in the manifest (use the environment or netrc)",
            )

    def _indexes(self, data: dict[str, Any], groups: dict[str, list[Dep]]) -> list[IndexEntry]:
        rows = data.get("index", [])
        if not isinstance(rows, list):
            raise self.fail("index", None, "write [[index]], with two brackets")
        result: list[IndexEntry] = []
        for row in rows:
            if not isinstance(row, dict) or row.keys() != {"name", "url"}:
                raise self.fail("index", None, "[[index]] takes a name and a url, and nothing else")
            name, url = row["name"], row["url"]
            if not isinstance(name, str) or not _NAME.match(name) or not isinstance(url, str):
                raise self.fail("index", None, "[[index]] needs a name and a url")
            self._check_url("index", "url", url, "http", "https")
            if name in [i.name for i in result]:
                raise self.fail("index", None, f"two indexes are named {name!r}")
            result.append(IndexEntry(name, url.rstrip("/") + "/"))
        names = {i.name for i in result} | {"pypi"}
        for group, deps in groups.items():
            for dep in deps:
                if dep.source and dep.source not in names:
                    raise self.fail(
                        group, dep.name, f"{dep.name}: no [[index]] is named {dep.source!r}"
                    )
        return result

    def _choice(
        self, data: dict[str, Any], table: str, key: str, choices: tuple[str, ...], default: str
    ) -> str:
        value = self._table(data, table).get(key, default)
        if value not in choices:
            raise self.fail(table, key, f"{key} must be one of {', '.join(choices)}, not {value!r}")
        return str(value)

    def _isolation(self, data: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {
            key: self._choice(data, "isolation", key, choices, choices[0])
            for key, choices in ISOLATION.items()
        }
        allow = self._table(data, "isolation").get("allow", {})
        good = isinstance(allow, dict) and all(
            isinstance(v, list) and all(isinstance(n, str) for n in v) for v in allow.values()
        )
        if not good:
            raise self.fail(
                "isolation", "allow", "allow maps a distribution to a list of distributions"
            )
        result["allow"] = {
            canonicalize_name(k): sorted(map(canonicalize_name, v))
            for k, v in sorted(allow.items())
        }
        return result


def specifier(text: str) -> str:
    """A range in canonical spelling; `*` is any version, a bare version means exactly that."""
    text = text.strip()
    if text in ("", "*"):
        return ""
    if text[0].isdigit():
        text = f"=={text}" if text.endswith(".*") or text.count(".") > 1 else f"=={text}.*"
    return ",".join(sorted(str(s) for s in SpecifierSet(text)))


def locate(text: str, table: str, key: str | None) -> tuple[int, int]:
    """Line and column of `key` in `[table]`, of the table's header, or the first line."""
    header, alike = 0, None
    current = ""
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            current = stripped.split("#")[0].strip().strip("[]").replace('"', "").replace(" ", "")
            if current == table or current.startswith(table + "."):
                header = header or number
        if key is None or "=" not in line or current != table:
            continue
        name = line.split("=", 1)[0].strip().strip("\"'")
        place = number, len(line) - len(line.lstrip()) + 1
        if name == key:
            return place
        if canonicalize_name(name) == key:
            alike = place
    return alike or (header or 1, 1)


# -- Editing ------------------------------------------------------------------------------


def write_text(path: Path, text: str) -> None:
    """Replace a file by one rename; a failure leaves the old one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="")
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o7777)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def with_dependency(text: str, group: str, dep: str, value: Any) -> str:
    """The manifest's text with `dep = value` in `[group]`, replacing an earlier spelling."""
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    for part in group.split(".", 1):
        if part not in table:
            is_super = part == FEATURE
            table[part] = tomlkit.table(is_super_table=is_super)
        table = table[part]
    canonical = canonicalize_name(dep)
    for key in [k for k in table if canonicalize_name(k) == canonical]:
        if key != dep:
            del table[key]
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        value = inline
    table[dep] = value
    return _with_line_ends_of(text, tomlkit.dumps(document))


def _with_line_ends_of(text: str, changed: str) -> str:
    plain = changed.replace("\r\n", "\n")
    return plain.replace("\n", "\r\n") if "\r\n" in text else plain


def without_dependency(text: str, dep: str, group: str | None = None) -> tuple[str, list[str]]:
    """The text without `dep`, and the groups it was in."""
    import tomlkit

    document = tomlkit.parse(text)
    canonical = canonicalize_name(dep)
    tables: dict[str, Any] = {g: document[g] for g in (PROD, DEV) if g in document}
    features: Any = document.get(FEATURE, {})
    tables |= {group_id(f): features[f] for f in features}
    hit = []
    for name, table in tables.items():
        if group not in (None, name):
            continue
        for key in [k for k in table if canonicalize_name(k) == canonical]:
            del table[key]
            hit.append(name)
    return _with_line_ends_of(text, tomlkit.dumps(document)), hit


def parse_argument(text: str) -> tuple[str, str | dict[str, Any] | None]:
    """`name`, `name>=1`, `name[extra]>=1`, `name @ url`, as given to `pyrs add`."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as e:
        raise ManifestError(f"{text!r} is not a requirement: {str(e).splitlines()[0]}") from None
    spec = ",".join(sorted(str(s) for s in requirement.specifier))
    table: dict[str, Any] = {}
    if requirement.url:
        table["url"] = requirement.url
    elif spec or requirement.extras or requirement.marker:
        table["version"] = spec or "*"
    if requirement.extras:
        table["extras"] = sorted(requirement.extras)
    if requirement.marker:
        table["marker"] = str(requirement.marker)
    if not table:
        return requirement.name, None
    return requirement.name, spec if table == {"version": spec} else table


def group_order(group: str) -> tuple[int, str]:
    return ({PROD: 0, DEV: 1}.get(group, 2), group.removeprefix(FEATURE + "."))
