"""An index as a dict, for resolving without I/O: {name: {version: [requirement, ...]}}."""

from __future__ import annotations

from concurrent.futures import Future
from itertools import product
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pyrs.pm.index import BadMetadata, Metadata, Release
from pyrs.pm.manifest import DEV, PROD, Dep, Manifest, group_id
from pyrs.pm.pages import File
from pyrs.pm.resolve import resolve


class MemorySource:
    """Answers like `Source`; every release has one wheel that fits everywhere."""

    def __init__(self, packages, python=None):
        self.fixed = {}
        self.indexes = {"pypi": None}
        self._requires = {}
        self._releases = {}
        for name, versions in packages.items():
            rows = []
            for text, requires in versions.items():
                version = Version(text)
                needs = (python or {}).get((name, text), "")
                file = File(f"{name}-{text}-py3-none-any.whl", "http://x/", "0" * 64, 1, needs)
                rows.append(Release(name, version, "pypi", [file]))
                self._requires[name, version] = list(requires)
            self._releases[name] = sorted(rows, key=lambda r: r.version, reverse=True)

    def releases(self, name):
        return self._releases.get(name, [])

    def metadata(self, release):
        try:
            requires = [Requirement(r) for r in self._requires[release.name, release.version]]
        except InvalidRequirement as e:
            raise BadMetadata(str(e)) from None
        return Metadata(release.name, str(release.version), requires)

    def want(self, name, then=None):
        return done(self.releases(name))

    def want_metadata(self, release, then=None):
        return done(self.metadata(release))


def done(value):
    future = Future()
    future.set_result(value)
    return future


def deps_of(texts):
    deps = []
    for text in texts:
        r = Requirement(text)
        spec = ",".join(sorted(map(str, r.specifier)))
        extras = tuple(sorted(map(canonicalize_name, r.extras)))
        deps.append(Dep(canonicalize_name(r.name), spec, extras, str(r.marker or "")))
    return deps


def manifest_of(deps, dev=(), features=None, python=">=3.11"):
    groups = {PROD: deps_of(deps), DEV: deps_of(dev)}
    groups |= {group_id(f): deps_of(d) for f, d in (features or {}).items()}
    manifest = Manifest(Path("x/pyproject.rs.toml"), "app", "1", python, groups)
    manifest.isolation = {"project": "error", "deps": "closure", "allow": {}}
    return manifest


def solve(packages, deps, dev=(), features=None, python=">=3.11", needs=None, **options):
    source = MemorySource(packages, needs)
    return resolve(manifest_of(deps, dev, features, python), source, **options)


def versions(solution, group=PROD):
    """name -> version where the group needs it; for solutions without forks."""
    found = {}
    for package in solution.packages:
        if package.groups.get(group):
            assert package.release.name not in found
            found[package.release.name] = str(package.release.version)
    return found


def satisfiable(packages, deps):
    """By trying everything: is there an assignment that satisfies `deps` and itself?"""
    names = sorted(packages)
    for chosen in product(*[[None, *packages[n]] for n in names]):
        picked = {n: v for n, v in zip(names, chosen, strict=True) if v is not None}
        asked = [Requirement(r) for r in deps]
        asked += [Requirement(r) for n, v in picked.items() for r in packages[n][v]]
        if all(r.name in picked and r.specifier.contains(picked[r.name]) for r in asked):
            return True
    return False
