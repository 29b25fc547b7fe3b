"""Resolving: for every environment at once where that is easy, by resolvelib where it is not.

The easy case is a fixed point: give every reached name its newest allowed release, recompute
what is reached and required, repeat until nothing changes.  It runs on masks, so all
environments go through it together and none sees another.  Environments where it finds no
release or does not settle are solved one at a time by resolvelib, each solution covering
every environment that would have answered the same questions alike.

Production comes first.  Its choice is then fixed, and the other groups are added: all at
once, so that any union of groups works, or one by one when they contradict each other.
No I/O here but through `Source`; no printing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import Requirement as PackagingRequirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from resolvelib import BaseReporter, ResolutionImpossible, ResolutionTooDeep
from resolvelib.resolvers import Resolution

from .candidates import Candidates, Constraints, Pool, spec_text
from .errors import NoSolution
from .index import BadMetadata, Metadata, Release, Source
from .manifest import PROD, Manifest
from .provider import Provider, expand
from .universe import Refine, Universe

# name -> release index -> environments
Choice = dict[str, dict[int, int]]
MAX_STEPS = 40
MAX_ROUNDS = 100_000
NEWEST_REQUIRED = (3, 14)


@dataclass(frozen=True)
class Root:
    name: str
    extras: tuple[str, ...]
    spec: str
    mask: int


@dataclass
class Locked:
    """One release in the solution, and where each group needs it."""

    release: Release
    groups: dict[str, int]
    requires: dict[str, int] = field(default_factory=dict)


@dataclass
class Solution:
    universe: Universe
    packages: list[Locked]


def resolve(
    manifest: Manifest,
    source: Source,
    prefer: dict[str, list[Version]] | None = None,
    sdists: bool = True,
    hint: Iterable[str] = (),
    restrict: Callable[[Universe], int] | None = None,
) -> Solution:
    """Solve all groups for all environments (or those `restrict` selects)."""
    refinements: list[tuple[str, str]] = []
    pools: dict[str, Pool] = {}
    while True:
        universe = Universe(manifest.python, refinements)
        candidates = Candidates(source, universe, sdists, prefer, pools)
        where = restrict(universe) if restrict else universe.full
        try:
            return _Resolution(manifest, candidates, where, hint).solve()
        except Refine as e:
            refinements.append((e.axis, e.value))


class _Resolution:
    def __init__(
        self, manifest: Manifest, candidates: Candidates, where: int, hint: Iterable[str]
    ) -> None:
        self.manifest = manifest
        self.candidates = candidates
        self.universe = candidates.universe
        self.where = where
        self.required = (
            where
            & self.universe.select(
                lambda p: (
                    p.implementation == "cpython"
                    and p.platform in ("linux", "darwin", "win32")
                    and p.machine in ("x86_64", "aarch64", "arm64", "AMD64")
                    and tuple(map(int, p.python.split(".")[:2])) <= NEWEST_REQUIRED
                )
            )
            or where
        )
        self.roots = {
            group: [
                Root(d.name, d.extras, d.specifier, self.universe.mask(d.marker) & where)
                for d in deps
            ]
            for group, deps in manifest.groups.items()
        }
        self.prefetch = Prefetch(candidates)
        self.prefetch.start([r for roots in self.roots.values() for r in roots], hint)

    def solve(self) -> Solution:
        production = self._settle(self.roots[PROD], {}, [PROD])
        others = [g for g in self.roots if g != PROD and self.roots[g]]
        variants: list[tuple[list[str], Choice]] = [([PROD, *others], production)]
        if others:
            variants = self._with_groups(production, others)
        return self._collect(variants)

    def _with_groups(self, production: Choice, others: list[str]) -> list[tuple[list[str], Choice]]:
        every = [r for g in (PROD, *others) for r in self.roots[g]]
        try:
            return [([PROD, *others], self._settle(every, production, others))]
        except NoSolution:
            if len(others) == 1:
                raise
        # groups that contradict each other still each fit production; who asks for both is told then
        variants = [([PROD], production)]
        for group in others:
            roots = [*self.roots[PROD], *self.roots[group]]
            variants.append(([group], self._settle(roots, production, [group])))
        return variants

    # -- The fixed point ---------------------------------------------------------------------

    def _settle(self, roots: list[Root], pins: Choice, groups: list[str]) -> Choice:
        choice, unsettled = self._fixed_point(roots, pins)
        while unsettled:
            point = (unsettled & -unsettled).bit_length() - 1
            if not unsettled & self.required:
                break
            if not self.required >> point & 1:
                first = unsettled & self.required
                point = (first & -first).bit_length() - 1
            solved, alike = self._by_resolvelib(roots, pins, point, groups)
            alike &= unsettled
            for name, index in solved.items():
                masks = choice.setdefault(name, {})
                masks[index] = masks.get(index, 0) | alike
            unsettled &= ~alike
        self._optional_points(choice, roots, pins, unsettled, groups)
        return {name: masks for name, masks in choice.items() if masks}

    def _optional_points(
        self, choice: Choice, roots: list[Root], pins: Choice, unsettled: int, groups: list[str]
    ) -> None:
        """Environments nobody is promised: solved when they can be, left out when not."""
        while unsettled:
            point = (unsettled & -unsettled).bit_length() - 1
            try:
                solved, alike = self._by_resolvelib(roots, pins, point, groups)
            except NoSolution:
                unsettled &= ~(1 << point)
                continue
            alike &= unsettled
            for name, index in solved.items():
                masks = choice.setdefault(name, {})
                masks[index] = masks.get(index, 0) | alike
            unsettled &= ~alike

    def _fixed_point(self, roots: list[Root], pins: Choice) -> tuple[Choice, int]:
        """The choice where it settles, and the environments where it does not."""
        choice: Choice = {}
        failed = moving = 0
        for _ in range(MAX_STEPS):
            try:
                reach, constraints = self._closure(roots, choice)
            except _Discarded:
                choice = {}
                continue
            new: Choice = {}
            failed = moving = 0
            self.prefetch.ahead(reach)
            for name in sorted({n for n, _ in reach}):
                chosen, left = self._choose(
                    name, constraints[name], reach[name, ""], pins.get(name, {})
                )
                new[name] = chosen
                failed |= left
                moving |= _difference(choice.get(name, {}), chosen)
            for name in choice.keys() - new.keys():
                moving |= _difference(choice[name], {})
            choice = new
            if not moving:
                break
        unsettled = failed | moving
        settled = ~unsettled
        return {
            n: {i: m & settled for i, m in c.items() if m & settled} for n, c in choice.items()
        }, unsettled

    def _choose(
        self, name: str, constraints: Constraints, where: int, pinned: dict[int, int]
    ) -> tuple[dict[int, int], int]:
        chosen: dict[int, int] = {}
        failed = 0
        pool = self.candidates.pool(name)
        for index, mask in pinned.items():
            good = where & mask
            for spec, asked in constraints.items():
                if not pool.inside(spec) >> index & 1:
                    failed |= good & asked
            if good:
                chosen[index] = good
            where &= ~mask
        free, left = self.candidates.choose(name, constraints, where)
        for index, mask in free.items():
            chosen[index] = chosen.get(index, 0) | mask
        return chosen, failed | left

    def _closure(
        self, roots: Iterable[Root], choice: Choice
    ) -> tuple[dict[tuple[str, str], int], dict[str, Constraints]]:
        """(name, extra) -> environments that reach it, and the ranges asked of each name there."""
        reach: dict[tuple[str, str], int] = {}
        constraints: dict[str, Constraints] = {}
        work: list[tuple[str, str, int]] = []

        def ask(name: str, extras: tuple[str, ...], spec: str, mask: int) -> None:
            ranges = constraints.setdefault(name, {})
            ranges[spec] = ranges.get(spec, 0) | mask
            for extra in ("", *extras):
                known = reach.get((name, extra), 0)
                if mask & ~known:
                    reach[name, extra] = known | mask
                    work.append((name, extra, mask & ~known))

        for root in roots:
            if root.mask:
                ask(root.name, root.extras, root.spec, root.mask)
        while work:
            name, extra, mask = work.pop()
            for index, where in choice.get(name, {}).items():
                if not mask & where:
                    continue
                for dep, extras, spec, asked in self._edges(name, index, extra):
                    if mask & where & asked:
                        ask(dep, extras, spec, mask & where & asked)
        return reach, constraints

    def _edges(self, name: str, index: int, extra: str) -> list[Any]:
        try:
            return self.candidates.edges(name, index, extra)
        except BadMetadata as e:
            self.candidates.discard(name, index, str(e))
            raise _Discarded from None

    # -- One environment ---------------------------------------------------------------------

    def _by_resolvelib(
        self, roots: list[Root], pins: Choice, point: int, groups: list[str]
    ) -> tuple[dict[str, int], int]:
        provider = Provider(self.candidates, point, pins)
        who = self.manifest.name
        asked = [
            requirement
            for root in roots
            if provider.note(root.mask)
            for requirement in expand(root.name, root.extras, root.spec, who)
        ]
        try:
            # not Resolver: building its result recurses for ever over some cycles of given-up versions
            state = Resolution(provider, BaseReporter()).resolve(asked, max_rounds=MAX_ROUNDS)
        except ResolutionImpossible as e:
            raise _explain(e.causes, self, pins, point, groups) from None
        except ResolutionTooDeep:
            raise NoSolution(
                "no solution was found within the search limit", help="narrow some ranges"
            ) from None
        choice = {name: {c.index: 1 << point} for (name, _), c in state.mapping.items()}
        reach, _ = self._closure(roots, choice)
        solved = {n: next(iter(choice[n])) for (n, _), mask in reach.items() if mask >> point & 1}
        return solved, provider.alike

    # -- The result --------------------------------------------------------------------------

    def _collect(self, variants: list[tuple[list[str], Choice]]) -> Solution:
        found: dict[tuple[str, int], Locked] = {}
        for groups, choice in variants:
            for group in groups:
                reach, _ = self._closure(self.roots[group], choice)
                for (name, extra), mask in sorted(reach.items()):
                    for index, where in choice.get(name, {}).items():
                        if mask & where:
                            self._add(found, name, index, extra, group, mask & where)
        order = sorted(found.values(), key=lambda p: (p.release.name, p.release.version))
        return Solution(self.universe, order)

    def _add(
        self,
        found: dict[tuple[str, int], Locked],
        name: str,
        index: int,
        extra: str,
        group: str,
        mask: int,
    ) -> None:
        locked = found.setdefault(
            (name, index), Locked(self.candidates.pool(name).releases[index], {})
        )
        locked.groups[group] = locked.groups.get(group, 0) | mask
        for dep, extras, spec, asked in self._edges(name, index, extra):
            if asked & mask:
                text = dep + (f"[{','.join(extras)}]" if extras else "") + spec
                locked.requires[text] = locked.requires.get(text, 0) | asked


class _Discarded(Exception):
    """A release turned out unusable; what was computed with it is void."""


def _difference(old: dict[int, int], new: dict[int, int]) -> int:
    changed = 0
    for index in old.keys() | new.keys():
        changed |= old.get(index, 0) ^ new.get(index, 0)
    return changed


# -- Fetching ahead ------------------------------------------------------------------------------


class Prefetch:
    """Guesses which pages and metadata will be needed, as soon as anything is known.

    A wrong guess costs a request; it never changes the result.
    """

    def __init__(self, candidates: Candidates) -> None:
        self.candidates = candidates
        self.source: Source = candidates.source
        self._extras: dict[str, set[str]] = {}
        self._specs: dict[str, str] = {}

    def start(self, roots: list[Root], hint: Iterable[str]) -> None:
        for root in roots:
            self._extras.setdefault(root.name, set()).update(root.extras)
            self._specs.setdefault(root.name, root.spec)
        for name in [*dict.fromkeys(r.name for r in roots), *hint]:
            self._want(name)

    def ahead(self, reach: dict[tuple[str, str], int]) -> None:
        for name, extra in reach:
            if not extra:
                self._want(name)

    def _want(self, name: str) -> None:
        if name not in self.source.fixed:
            self.source.want(name, self._page_came)

    def _page_came(self, releases: list[Release]) -> None:
        for release in releases:
            if self._likely(release):
                self.source.want_metadata(release, self._metadata_came)
                return

    def _likely(self, release: Release) -> bool:
        from packaging.specifiers import SpecifierSet

        spec = self._specs.get(release.name, "")
        if release.yanked or (release.version.is_prerelease and not spec):
            return False
        try:
            newest = self.candidates.universe.python_mask(release.requires_python)
        except Refine:
            newest = 1
        return bool(newest) and SpecifierSet(spec).contains(release.version, prereleases=False)

    def _metadata_came(self, release: Release, metadata: Metadata) -> None:
        extras = self._extras.get(release.name, set())
        for requirement in metadata.requires:
            if self._applies(requirement, extras):
                name = canonicalize_name(requirement.name)
                self._extras.setdefault(name, set()).update(
                    map(canonicalize_name, requirement.extras)
                )
                self._specs.setdefault(name, spec_text(requirement.specifier))
                self._want(name)

    def _applies(self, requirement: PackagingRequirement, extras: set[str]) -> bool:
        marker = str(requirement.marker) if requirement.marker else ""
        try:
            return any(self.candidates.universe.mask(marker, e) for e in ("", *sorted(extras)))
        except (Refine, ValueError):
            return True


# -- Saying why ----------------------------------------------------------------------------------


def _explain(
    causes: Any, resolution: _Resolution, pins: Choice, point: int, groups: list[str]
) -> NoSolution:
    """Sentences for a conflict: who asks for what, what production fixed, and the ways out."""
    candidates, project = resolution.candidates, resolution.manifest.name
    names = sorted({c.requirement.name for c in causes})
    reasons = []
    for name in names:
        asked = sorted(
            {
                (c.requirement.origin, str(c.requirement))
                for c in causes
                if c.requirement.name == name
            }
        )
        reasons += [f"{origin} requires {text}" for origin, text in asked]
        reasons += _about(name, candidates, pins, 1 << point, project)
    where = resolution.universe.points[point]
    subject = names[0] if names else project
    message = f"no version of {subject} satisfies all requirements"
    if not candidates.pool(subject).releases:
        message = f"no index has {subject}"
    if where != resolution.universe.points[0]:
        message += f" (Python {where.python}, {where.platform} {where.machine})"
    return NoSolution(message, reasons, help=_ways_out(subject, pins, groups))


def _about(name: str, candidates: Candidates, pins: Choice, bit: int, project: str) -> list[str]:
    pool = candidates.pool(name)
    for index, mask in pins.get(name, {}).items():
        if mask & bit:
            return [
                f"the production dependencies of {project} fix {name} at {pool.releases[index].version}"
            ]
    if not pool.releases:
        return [f"{name} was not found in {', '.join(candidates.source.indexes) or 'any index'}"]
    usable = [i for i in range(len(pool.releases)) if candidates.served(name, i)[0] & bit]
    newest = [str(pool.releases[i].version) for i in usable[:1]]
    reasons = (
        [f"the newest version of {name} for this Python is {newest[0]}"]
        if newest
        else [f"no version of {name} supports this Python"]
    )
    return reasons + [
        f"{pool.releases[i]} is not usable: {text}" for i, text in sorted(pool.reasons.items())
    ]


def _ways_out(subject: str, pins: Choice, groups: list[str]) -> str:
    if subject in pins:
        where = " or ".join(f"[{g}]" for g in groups)
        return f"relax {subject} in {where}, or add a narrower range for {subject} to [dependencies] and lock again"
    return f"relax one of these ranges, check the spelling of {subject}, or run: pyrs tree --why {subject}"
