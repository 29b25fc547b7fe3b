"""All environments at once: a set of environments is an integer, a marker is a set.

The environments a lock must serve are reduced to a finite list of points
(Python interval x platform x machine x implementation).  A marker, a `requires-python` range
or the tags of a wheel then become bit masks, `and` is `&`, and resolving for every
environment costs about as much as resolving for one.

Axes are refined on demand: a marker that mentions a Python patch release or a machine not
listed yet raises `Refine`, and the caller starts again with the larger universe.
Invariant: every point of one universe decides every atom seen so far.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

# platform -> (os_name, platform_system, machines that exist there)
PLATFORMS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "linux": ("posix", "Linux", ("x86_64", "aarch64", "other")),
    "darwin": ("posix", "Darwin", ("x86_64", "arm64")),
    "win32": ("nt", "Windows", ("AMD64", "ARM64", "x86")),
    "other": ("posix", "other", ("x86_64", "other")),
}
IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}
PYTHON_VARIABLES = ("python_version", "python_full_version", "implementation_version")
_TOKEN = re.compile(
    r"\s*(?:(?P<punct>[()])|(?P<string>\"[^\"]*\"|'[^']*')|(?P<op>===|==|!=|<=|>=|~=|<|>|not\s+in\b|in\b)"
    r"|(?P<word>[A-Za-z_.]+))"
)
_SWAP = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}

Atom = tuple[str, str, str]  # variable, operator, value


class Refine(Exception):
    """The universe lacks a distinction: `axis` needs `value`."""

    def __init__(self, axis: str, value: str) -> None:
        super().__init__(axis, value)
        self.axis, self.value = axis, value


@dataclass(frozen=True)
class Point:
    python: str
    platform: str
    machine: str
    implementation: str

    def markers(self) -> dict[str, str]:
        os_name, system, _ = PLATFORMS.get(self.platform, PLATFORMS["other"])
        if self.platform not in PLATFORMS:
            system = self.platform.capitalize()
        return {
            "python_version": ".".join(self.python.split(".")[:2]),
            "python_full_version": self.python,
            "implementation_version": self.python,
            "sys_platform": self.platform,
            "os_name": os_name,
            "platform_system": system,
            "platform_machine": self.machine,
            "platform_python_implementation": IMPLEMENTATIONS[self.implementation],
            "implementation_name": self.implementation,
            "platform_release": "",
            "platform_version": "",
        }


# -- Marker text to tree ---------------------------------------------------------------------


def parse_marker(text: str) -> object:
    """Nested tuples: ("and", a, b), ("or", a, b) or an atom; `text` is a valid marker."""
    tokens = list(_tokens(text))
    tree, rest = _either(tokens, 0)
    if rest != len(tokens):
        raise ValueError(text)
    return tree


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if not found:
            raise ValueError(text)
        kind = str(found.lastgroup)
        yield kind, " ".join(found[kind].split()) if kind == "op" else found[kind]
        at = found.end()


def _either(tokens: list[tuple[str, str]], at: int) -> tuple[object, int]:
    left, at = _both(tokens, at)
    while at < len(tokens) and tokens[at] == ("word", "or"):
        right, at = _both(tokens, at + 1)
        left = ("or", left, right)
    return left, at


def _both(tokens: list[tuple[str, str]], at: int) -> tuple[object, int]:
    left, at = _single(tokens, at)
    while at < len(tokens) and tokens[at] == ("word", "and"):
        right, at = _single(tokens, at + 1)
        left = ("and", left, right)
    return left, at


def _single(tokens: list[tuple[str, str]], at: int) -> tuple[object, int]:
    if tokens[at] == ("punct", "("):
        inner, at = _either(tokens, at + 1)
        return inner, at + 1
    (kind, left), (_, op), (_, right) = tokens[at : at + 3]
    if kind == "string":
        # `"x" in variable` asks for a substring; keep that direction apart
        op = f"has {op}" if op in ("in", "not in") else _SWAP.get(op, op)
        left, right = right, left
    return ("atom", left.replace(".", "_"), op, right[1:-1]), at + 3


# -- The universe ----------------------------------------------------------------------------


class Universe:
    def __init__(self, requires_python: str, extra: Iterable[tuple[str, str]] = ()) -> None:
        """`extra` holds (axis, value) refinements found in an earlier try."""
        self.requires_python = requires_python
        self.refinements = sorted(set(extra))
        self.pythons = self._python_axis()
        self.platforms = [*PLATFORMS, *(v for a, v in self.refinements if a == "platform")]
        self.machines = [v for a, v in self.refinements if a == "machine"]
        self.points = [
            Point(python, platform, machine, implementation)
            for python in self.pythons
            for platform in self.platforms
            for machine in self._machines_of(platform)
            for implementation in IMPLEMENTATIONS
        ]
        self.full = (1 << len(self.points)) - 1
        self._environments = [p.markers() for p in self.points]
        self._atoms: dict[Atom, int] = {}
        self._markers: dict[tuple[str, str], int] = {}
        self._trees: dict[str, object] = {}
        self._ranges: dict[str, int] = {}
        self._tags: dict[str, int] = {}
        self._values: dict[tuple[str, str], int] = {}
        self._texts: dict[int, str] = {}

    def _machines_of(self, platform: str) -> list[str]:
        base = PLATFORMS.get(platform, PLATFORMS["other"])[2]
        more = [m for m in self.machines if m not in base]
        return [*base, *more] if platform in ("linux", "other") else list(base)

    def _python_axis(self) -> list[str]:
        """The smallest release of each interval between two break points."""
        wanted = SpecifierSet(self.requires_python)
        breaks = {
            Version("3.11"),
            Version("3.12"),
            Version("3.13"),
            Version("3.14"),
            Version("3.15"),
        }
        breaks |= {Version(v) for a, v in self.refinements if a == "python"}
        for bound in wanted:
            text = bound.version.removesuffix(".*")
            release = Version(text)
            breaks.add(release)
            if bound.operator in ("<=", ">", "==", "!=", "~="):
                breaks.add(_after(text))
        axis = [v for v in sorted(breaks) if wanted.contains(_full(v), prereleases=True)]
        return [_full(v) for v in axis] or [_full(max(breaks))]

    def select(self, test: Callable[[Point], bool]) -> int:
        mask = 0
        for index, point in enumerate(self.points):
            if test(point):
                mask |= 1 << index
        return mask

    def mask(self, marker: str, extra: str = "") -> int:
        """Points where `marker` holds; `extra` is the extra being asked for."""
        if not marker:
            return self.full
        key = (marker, extra)
        if key not in self._markers:
            if marker not in self._trees:
                self._trees[marker] = parse_marker(marker)
            self._markers[key] = self._evaluate(self._trees[marker], extra)
        return self._markers[key]

    def _evaluate(self, tree: object, extra: str) -> int:
        assert isinstance(tree, tuple)
        kind, parts = tree[0], tree[1:]
        if kind == "and":
            return self._evaluate(parts[0], extra) & self._evaluate(parts[1], extra)
        if kind == "or":
            return self._evaluate(parts[0], extra) | self._evaluate(parts[1], extra)
        variable, op, value = parts
        if variable in ("extra", "extras", "dependency_groups"):
            same = canonicalize_name(value) == extra
            return self.full if same == (op in ("==", "===", "has in", "in")) else 0
        return self._atom((variable, op, value))

    def _atom(self, atom: Atom) -> int:
        if atom not in self._atoms:
            variable, op, value = atom
            self._refine(variable, op, value)
            verdicts: dict[str, bool] = {}
            mask = 0
            for index, environment in enumerate(self._environments):
                actual = environment.get(variable, "")
                if actual not in verdicts:
                    verdicts[actual] = _compare(variable, actual, op, value)
                if verdicts[actual]:
                    mask |= 1 << index
            self._atoms[atom] = mask
        return self._atoms[atom]

    def _refine(self, variable: str, op: str, value: str) -> None:
        if variable in PYTHON_VARIABLES:
            if op in ("in", "not in"):
                return
            self._refine_python(op, value, minor=variable == "python_version")
        elif variable == "sys_platform" and "has" not in op:
            for platform in re.split(r"[\s,|]+", value) if op in ("in", "not in") else [value]:
                if platform not in self.platforms and re.fullmatch(r"[a-z0-9]+", platform):
                    raise Refine("platform", platform)
        elif variable == "platform_machine" and "has" not in op:
            known = {m for p in self.platforms for m in self._machines_of(p)}
            for machine in re.split(r"[\s,|]+", value) if op in ("in", "not in") else [value]:
                if machine not in known and re.fullmatch(r"[A-Za-z0-9_]+", machine):
                    raise Refine("machine", machine)

    def _refine_python(self, op: str, value: str, minor: bool = False) -> None:
        text = value.strip().removesuffix(".*")
        try:
            release = Version(Version(text).base_version)
        except InvalidVersion:
            return
        if minor:
            release = Version(".".join(map(str, (*release.release, 0)[:2])))
            needed = [release, _after(str(release))]
        else:
            needed = [release]
            if op in ("<=", ">", "==", "!=", "~="):
                needed.append(
                    _after(text if value.endswith(".*") or op == "~=" else _full(release))
                )
        wanted = SpecifierSet(self.requires_python)
        for version in needed:
            full = _full(version)
            if (
                full not in self.pythons
                and version.major < 4  # what Python 4 would be, nobody knows
                and self._above_lowest(version)
                and wanted.contains(full, prereleases=True)
            ):
                raise Refine("python", full)

    def _above_lowest(self, version: Version) -> bool:
        return version > Version(self.pythons[0])

    def python_mask(self, requires: str) -> int:
        """Points whose Python is inside a `requires-python` range; a malformed one excludes nothing."""
        if not requires:
            return self.full
        if requires not in self._ranges:
            try:
                bounds = SpecifierSet(requires)
            except InvalidSpecifier:
                self._ranges[requires] = self.full
                return self.full
            for bound in bounds:
                self._refine_python(bound.operator, bound.version)
            inside = {p for p in self.pythons if bounds.contains(p, prereleases=True)}
            self._ranges[requires] = self.select(lambda point: point.python in inside)
        return self._ranges[requires]

    def wheel_mask(self, tag: str) -> int:
        """Points an interpreter-abi-platform tag can be installed on."""
        if tag not in self._tags:
            interpreter, abi, platform = tag.split("-")
            self._tags[tag] = self.select(
                lambda point: (
                    _python_fits(point, interpreter, abi) and _platform_fits(point, platform)
                )
            )
        return self._tags[tag]

    def first(self, mask: int) -> Point:
        return self.points[(mask & -mask).bit_length() - 1]

    # -- Back to marker text -----------------------------------------------------------------

    def express(self, mask: int) -> str:
        """A marker that holds on exactly the points of `mask`, as short as a greedy cover gets."""
        mask &= self.full
        if mask not in self._texts:
            self._texts[mask] = self._cover(mask)
        return self._texts[mask]

    def _cover(self, mask: int) -> str:
        if mask == self.full:
            return ""
        alternatives = []
        left = mask
        while left:
            cube = self._grow(self.first(left), mask)
            left &= ~self._cube_mask(cube)
            alternatives.append(self._conjunction(cube))
        if not alternatives:
            return 'python_version < "0"'
        if len(alternatives) == 1:
            return " and ".join(alternatives[0])
        parts = (f"({' and '.join(a)})" if len(a) > 1 else a[0] for a in alternatives)
        return " or ".join(parts)

    def _axes(self) -> dict[str, list[str]]:
        machines = dict.fromkeys(m for p in self.platforms for m in self._machines_of(p))
        return {
            "machine": list(machines),
            "implementation": list(IMPLEMENTATIONS),
            "python": self.pythons,
            "platform": self.platforms,
        }

    def _cube_mask(self, cube: dict[str, list[str]]) -> int:
        mask = self.full
        for axis, values in cube.items():
            union = 0
            for value in values:
                union |= self._value_mask(axis, value)
            mask &= union
        return mask

    def _value_mask(self, axis: str, value: str) -> int:
        key = (axis, value)
        if key not in self._values:
            self._values[key] = self.select(lambda p: getattr(p, axis) == value)
        return self._values[key]

    def _grow(self, seed: Point, allowed: int) -> dict[str, list[str]]:
        """The product of axis subsets around `seed`, widened while it stays inside `allowed`."""
        cube = {axis: [getattr(seed, axis)] for axis in self._axes()}
        for axis, values in self._axes().items():
            if not self._cube_mask({**cube, axis: values}) & ~allowed:
                cube[axis] = values
        for axis, values in self._axes().items():
            start = values.index(cube[axis][0])
            # Python grows as one interval, both ways from the seed; other axes as plain sets
            order = [*values[start:], *values[:start][::-1]]
            blocked = {"up": False, "down": False}
            for value in order:
                side = "up" if values.index(value) >= start else "down"
                if value in cube[axis] or (axis == "python" and blocked[side]):
                    continue
                if self._cube_mask({**cube, axis: [*cube[axis], value]}) & ~allowed:
                    blocked[side] = True
                else:
                    cube[axis] = [v for v in values if v in cube[axis] or v == value]
        return cube

    def _conjunction(self, cube: dict[str, list[str]]) -> list[str]:
        parts = self._python_bounds(cube["python"])
        parts += _membership("sys_platform", cube["platform"], self.platforms)
        machines = [
            m
            for m in self._axes()["machine"]
            if any(m in self._machines_of(p) for p in cube["platform"])
        ]
        parts += _membership(
            "platform_machine", [m for m in machines if m in cube["machine"]], machines
        )
        if len(cube["implementation"]) == 1:
            parts.append(
                f'implementation_name {"==" if cube["implementation"] == ["cpython"] else "!="} "cpython"'
            )
        return parts or ['python_version >= "3"']

    def _python_bounds(self, inside: list[str]) -> list[str]:
        low, high = self.pythons.index(inside[0]), self.pythons.index(inside[-1]) + 1
        bounds = []
        if low > 0:
            bounds.append(_bound(">=", inside[0]))
        if high < len(self.pythons):
            bounds.append(_bound("<", self.pythons[high]))
        return bounds


def _bound(op: str, release: str) -> str:
    minor, _, patch = release.rpartition(".")
    if patch == "0":
        return f'python_version {op} "{minor}"'
    return f'python_full_version {op} "{release}"'


def _membership(variable: str, inside: list[str], every: list[str]) -> list[str]:
    if len(inside) == len(every):
        return []
    if "other" in inside:
        return [f'{variable} != "{v}"' for v in every if v not in inside]
    terms = [f'{variable} == "{v}"' for v in inside]
    return terms if len(terms) == 1 else [f"({' or '.join(terms)})"]


def _compare(variable: str, actual: str, op: str, value: str) -> bool:
    if op.startswith("has "):
        return (value in actual) == (op == "has in")
    if op in ("in", "not in"):
        return (actual in value) == (op == "in")
    try:
        if variable in PYTHON_VARIABLES or op == "~=":
            return Specifier(op + value).contains(actual, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        pass
    operations: dict[str, bool] = {
        "==": actual == value,
        "===": actual == value,
        "!=": actual != value,
        "<": actual < value,
        ">": actual > value,
        "<=": actual <= value,
        ">=": actual >= value,
    }
    return operations.get(op, False)


def _full(version: Version) -> str:
    return ".".join(map(str, (*version.release, 0, 0)[:3]))


def _after(text: str) -> Version:
    """The next release at the precision written: 3.11 -> 3.12, 3.11.4 -> 3.11.5."""
    release = list(Version(text).release)
    release[-1] += 1
    return Version(".".join(map(str, release)))


def _python_fits(point: Point, interpreter: str, abi: str) -> bool:
    major, minor = (int(p) for p in point.python.split(".")[:2])
    kind, digits = interpreter[:2], interpreter[2:]
    if not digits.isdigit():
        return False
    wanted = (int(digits[0]), int(digits[1:] or 0))
    if kind == "py":
        return wanted[0] == major and wanted <= (major, minor)
    if kind != {"cpython": "cp", "pypy": "pp"}[point.implementation]:
        return False
    if abi == "abi3":
        return wanted <= (major, minor)
    return wanted == (major, minor) and not abi.endswith("t")


_MAC = {
    "x86_64": ("x86_64", "universal2", "intel", "fat64", "universal"),
    "arm64": ("arm64", "universal2"),
}
_WINDOWS = {"AMD64": "win_amd64", "ARM64": "win_arm64", "x86": "win32"}


def _platform_fits(point: Point, platform: str) -> bool:
    if platform == "any":
        return True
    if platform.startswith(("manylinux", "linux_")):
        return point.platform == "linux" and (
            platform.endswith("_" + point.machine) or point.machine == "other"
        )
    if platform.startswith("macosx_"):
        return point.platform == "darwin" and platform.endswith(_MAC.get(point.machine, ()))
    if platform.startswith("win"):
        return point.platform == "win32" and platform == _WINDOWS.get(point.machine)
    return point.platform == "other"
