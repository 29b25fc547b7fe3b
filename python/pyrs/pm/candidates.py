"""The releases of one name as bit masks, so that ranges are intersected and not re-read.

Bit i of a release mask is release i, newest first.  Which environments a release serves is a
mask of the universe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from .index import BadMetadata, Release, Source
from .universe import Universe

# a requirement as resolving sees it: name, extras, range, environments
Edge = tuple[str, tuple[str, ...], str, int]
# (range, environments where it applies) for one name
Constraints = dict[str, int]


@dataclass
class Pool:
    """All releases of one name, and what is known against some of them; the same for every universe."""

    releases: list[Release]
    broken: int = 0
    reasons: dict[int, str] = field(default_factory=dict)
    ranges: dict[str, int] = field(default_factory=dict)

    def is_final(self, i: int) -> bool:
        return not self.releases[i].version.is_prerelease

    def is_yanked(self, i: int) -> bool:
        return self.releases[i].yanked

    def inside(self, spec: str) -> int:
        if not spec:
            return (1 << len(self.releases)) - 1
        if spec not in self.ranges:
            bounds = SpecifierSet(spec)
            mask = 0
            for i, release in enumerate(self.releases):
                mask |= bounds.contains(release.version, prereleases=True) << i
            self.ranges[spec] = mask
        return self.ranges[spec]


def names_prerelease(spec: str) -> bool:
    return bool(SpecifierSet(spec).prereleases)


def is_exact(spec: str) -> bool:
    return any(
        s.operator == "===" or (s.operator == "==" and not s.version.endswith(".*"))
        for s in SpecifierSet(spec)
    )


class Candidates:
    """Pools for every name; one per resolution, over one universe."""

    def __init__(
        self,
        source: Source,
        universe: Universe,
        sdists: bool = True,
        prefer: dict[str, list[Version]] | None = None,
        pools: dict[str, Pool] | None = None,
    ) -> None:
        self.source = source
        self.universe = universe
        self.sdists = sdists
        self.prefer = prefer or {}
        self._pools: dict[str, Pool] = {} if pools is None else pools
        self._edges: dict[tuple[str, int, str], list[Edge]] = {}
        self._served: dict[tuple[str, int], tuple[int, int]] = {}
        self._traits: dict[str, tuple[bool, bool]] = {}
        self._wanted: dict[str, list[int]] = {}

    def pool(self, name: str) -> Pool:
        if name not in self._pools:
            self._pools[name] = Pool(self.source.releases(name))
        return self._pools[name]

    def traits(self, spec: str) -> tuple[bool, bool]:
        """(names a pre-release, names one exact version)"""
        if spec not in self._traits:
            self._traits[spec] = names_prerelease(spec), is_exact(spec)
        return self._traits[spec]

    def served(self, name: str, i: int) -> tuple[int, int]:
        """Environments by requires-python, and by having a file for them."""
        key = (name, i)
        if key not in self._served:
            release = self.pool(name).releases[i]
            files = self.universe.full
            if release.files and not (release.sdist and self.sdists):
                files = 0
                for tag in release.tags():
                    files |= self.universe.wheel_mask(tag)
            self._served[key] = self.universe.python_mask(release.requires_python), files
        return self._served[key]

    def order(self, name: str) -> Iterator[int]:
        """Preferred releases, then the others newest first, of those not known to be broken."""
        pool = self.pool(name)
        preferred = self._preferred(name)
        for i in preferred:
            if not pool.broken >> i & 1:
                yield i
        for i in range(len(pool.releases)):
            if i not in preferred and not pool.broken >> i & 1:
                yield i

    def _preferred(self, name: str) -> list[int]:
        if name not in self._wanted:
            releases = self.pool(name).releases
            self._wanted[name] = [
                i
                for v in self.prefer.get(name, ())
                for i, r in enumerate(releases)
                if r.version == v
            ]
        return self._wanted[name]

    def choose(self, name: str, constraints: Constraints, where: int) -> tuple[dict[int, int], int]:
        """release -> environments for the newest allowed release everywhere, and where there is none."""
        pool = self.pool(name)
        if not pool.releases:
            return {}, where
        allowed = [(pool.inside(s), m, *self.traits(s)) for s, m in constraints.items()]
        pre = exact = 0
        for _, mask, is_pre, is_pin in allowed:
            pre |= mask if is_pre else 0
            exact |= mask if is_pin else 0
        chosen: dict[int, int] = {}
        left = where
        # final releases first, then pre-releases nobody named, then releases without a fitting file
        for any_pre, any_file in ((False, False), (True, False), (True, True)):
            for i in self.order(name):
                if not left:
                    return chosen, 0
                bit = 1 << i
                if pool.broken & bit:
                    continue
                good = left
                if not any_pre and not pool.is_final(i):
                    good &= pre
                if good & ~exact and pool.is_yanked(i):
                    good &= exact
                for inside, mask, _, _ in allowed:
                    if not inside & bit:
                        good &= ~mask
                if not good:
                    continue
                pythons, files = self.served(name, i)
                good &= pythons if any_file else pythons & files
                if good:
                    chosen[i] = chosen.get(i, 0) | good
                    left &= ~good
        return chosen, left

    def edges(self, name: str, i: int, extra: str) -> list[Edge]:
        """What the release requires for `extra` ("" is the release itself); broken metadata gives BadMetadata."""
        key = (name, i, extra)
        if key not in self._edges:
            metadata = self.source.metadata(self.pool(name).releases[i])
            edges: list[Edge] = []
            for requirement in metadata.requires:
                edge = self._edge(requirement, extra)
                if edge:
                    edges.append(edge)
            self._edges[key] = edges
        return self._edges[key]

    def _edge(self, requirement: Requirement, extra: str) -> Edge | None:
        if requirement.url:
            raise BadMetadata(
                f"it requires {requirement.name} from a URL, which only the project may do"
            )
        marker = str(requirement.marker) if requirement.marker else ""
        if bool(extra) and "extra" not in marker:
            return None
        mask = self.universe.mask(marker, extra)
        if extra:
            mask &= ~self.universe.mask(marker)
        if not mask:
            return None
        extras = tuple(sorted(canonicalize_name(e) for e in requirement.extras))
        return canonicalize_name(requirement.name), extras, spec_text(requirement.specifier), mask

    def discard(self, name: str, i: int, reason: str) -> None:
        pool = self.pool(name)
        pool.broken |= 1 << i
        pool.reasons[i] = reason


def spec_text(specifier: SpecifierSet) -> str:
    return ",".join(sorted(str(s) for s in specifier))
