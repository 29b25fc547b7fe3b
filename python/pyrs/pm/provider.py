"""resolvelib's view of one environment.

It also notes which environments would have answered every question the same way: the
solution then holds for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resolvelib.providers import AbstractProvider

from .candidates import Candidates, Constraints
from .index import BadMetadata, Release


@dataclass(frozen=True)
class Requirement:
    """A range for one name (with at most one extra), and who asks for it."""

    name: str
    extra: str
    spec: str
    origin: str

    def __str__(self) -> str:
        extra = f"[{self.extra}]" if self.extra else ""
        return f"{self.name}{extra}{self.spec}"


@dataclass(frozen=True)
class Candidate:
    name: str
    extra: str
    index: int
    release: Release

    def __str__(self) -> str:
        return str(self.release)


class Provider(AbstractProvider[Requirement, Candidate, tuple[str, str]]):
    def __init__(
        self, candidates: Candidates, point: int, pins: Mapping[str, dict[int, int]]
    ) -> None:
        self.candidates = candidates
        self.bit = 1 << point
        self.pins = {
            name: next((i for i, m in chosen.items() if m & self.bit), None)
            for name, chosen in pins.items()
        }
        self.alike = candidates.universe.full
        for chosen in pins.values():
            for mask in chosen.values():
                self.note(mask)

    def note(self, mask: int) -> bool:
        """Is this environment in `mask`?  Keep only those that answer alike."""
        answer = bool(mask & self.bit)
        self.alike &= mask if answer else ~mask
        return answer

    def identify(self, requirement_or_candidate: Requirement | Candidate) -> tuple[str, str]:
        return requirement_or_candidate.name, requirement_or_candidate.extra

    def get_preference(
        self,
        identifier: tuple[str, str],
        resolutions: Mapping[tuple[str, str], Candidate],
        candidates: Mapping[tuple[str, str], Iterator[Candidate]],
        information: Mapping[tuple[str, str], Iterator[Any]],
        backtrack_causes: Sequence[Any],
    ) -> Any:
        name, extra = identifier
        causes = {c.requirement.name for c in backtrack_causes} | {
            c.parent.name for c in backtrack_causes if c.parent
        }
        specs = [i.requirement.spec for i in information[identifier]]
        pinned = name in self.pins or any(self.candidates.traits(s)[1] for s in specs)
        return name not in causes, not pinned, not any(specs), name, extra

    def find_matches(
        self,
        identifier: tuple[str, str],
        requirements: Mapping[tuple[str, str], Iterator[Requirement]],
        incompatibilities: Mapping[tuple[str, str], Iterator[Candidate]],
    ) -> Iterable[Candidate]:
        name, extra = identifier
        specs = {r.spec for key in requirements if key[0] == name for r in requirements[key]}
        banned = {c.index for c in incompatibilities[identifier]}
        pool = self.candidates.pool(name)
        pin = self.pins.get(name)
        if pin is not None:
            good = pin not in banned and all(pool.inside(s) >> pin & 1 for s in specs)
            return [Candidate(name, extra, pin, pool.releases[pin])] if good else []
        return [
            Candidate(name, extra, i, pool.releases[i]) for i in self._matching(name, specs, banned)
        ]

    def _matching(self, name: str, specs: set[str], banned: set[int]) -> list[int]:
        """Every allowed release, best first: what `choose` would pick, then pick without it, and so on."""
        pool = self.candidates.pool(name)
        traits = [self.candidates.traits(s) for s in specs]
        names_pre, exact = any(t[0] for t in traits), any(t[1] for t in traits)
        ranks: list[tuple[tuple[bool, bool], int]] = []
        for i in self.candidates.order(name):
            bit = 1 << i
            if (
                i in banned
                or not all(pool.inside(s) & bit for s in specs)
                or (not exact and pool.is_yanked(i))
            ):
                continue
            pythons, files = self.candidates.served(name, i)
            if not self.note(pythons):
                continue
            ranks.append(((not self.note(files), not (pool.is_final(i) or names_pre)), i))
        ranks.sort(key=lambda r: r[0])
        # a pre-release nobody named, or a release without files, only when there is nothing better
        return [i for rank, i in ranks if rank == ranks[0][0]]

    def is_satisfied_by(self, requirement: Requirement, candidate: Candidate) -> bool:
        return bool(
            self.candidates.pool(candidate.name).inside(requirement.spec) >> candidate.index & 1
        )

    def get_dependencies(self, candidate: Candidate) -> Iterable[Requirement]:
        origin = str(candidate.release)
        if candidate.extra:
            exact = f"==={candidate.release.version}"
            yield Requirement(candidate.name, "", exact, origin)
        try:
            edges = self.candidates.edges(candidate.name, candidate.index, candidate.extra)
        except BadMetadata as e:
            self.candidates.discard(candidate.name, candidate.index, str(e))
            # unusable: require what cannot be had, so that the search goes on elsewhere
            yield Requirement(
                candidate.name,
                "",
                f"!={candidate.release.version}",
                f"{origin} has unusable metadata: {e};",
            )
            return
        for name, extras, spec, mask in edges:
            if self.note(mask):
                yield from expand(name, extras, spec, origin)


def expand(name: str, extras: Iterable[str], spec: str, origin: str) -> Iterator[Requirement]:
    yield Requirement(name, "", spec, origin)
    for extra in extras:
        yield Requirement(name, extra, spec, origin)


__all__ = ["Candidate", "Constraints", "Provider", "Requirement", "expand"]
