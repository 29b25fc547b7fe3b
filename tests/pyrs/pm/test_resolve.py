"""Resolving: chosen cases, then random indexes against a brute-force search."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from pyrs.pm.errors import NoSolution
from pyrs.pm.manifest import DEV, PROD, group_id
from support.lock_environments import ENVIRONMENTS
from support.memory_index import satisfiable, solve, versions


def test_newest_allowed_version_is_taken():
    packages = {"a": {"1": [], "2": ["b<3"], "3": ["b"]}, "b": {"1": [], "2": [], "3": []}}

    assert versions(solve(packages, ["a<3"])) == {"a": "2", "b": "2"}


def test_older_version_is_taken_when_the_newest_contradicts():
    packages = {"a": {"1": [], "2": ["c<2"]}, "b": {"1": ["c>=2"]}, "c": {"1": [], "2": []}}

    assert versions(solve(packages, ["a", "b"])) == {"a": "1", "b": "1", "c": "2"}


def test_cycles_are_fine():
    packages = {"a": {"1": ["b"]}, "b": {"1": ["a"]}}

    assert versions(solve(packages, ["a"])) == {"a": "1", "b": "1"}


def test_what_only_a_given_up_version_needed_is_not_in_the_solution():
    packages = {"a": {"1": [], "2": ["b", "c"]}, "b": {"1": ["c<1"]}, "c": {"1": []}}

    assert versions(solve(packages, ["a"])) == {"a": "1"}


@pytest.mark.parametrize(
    ("deps", "expected"),
    [
        (["a"], "1.0"),
        (["a>=2.0b1"], "2.0b1"),
        (["a>1.5"], "2.0b1"),
        (["only"], "0.1a1"),
    ],
)
def test_prereleases_only_when_named_or_nothing_else_fits(deps, expected):
    packages = {"a": {"1.0": [], "2.0b1": []}, "only": {"0.1a1": []}}

    assert expected in versions(solve(packages, deps)).values()


def test_extras_bring_their_requirements_and_only_theirs():
    packages = {
        "a": {"1": ["x; extra == 'fast'", "y; extra == 'slow'", "z"]},
        "x": {"1": ["a"]},
        "y": {"1": []},
        "z": {"1": []},
    }

    assert versions(solve(packages, ["a[fast]"])) == {"a": "1", "x": "1", "z": "1"}
    assert versions(solve(packages, ["a"])) == {"a": "1", "z": "1"}


def test_markers_fork_the_solution():
    packages = {
        "a": {"1": ["w; sys_platform == 'win32'", "o; python_version < '3.12'"]},
        "w": {"1": []},
        "o": {"1": []},
    }

    solution = solve(packages, ["a"])

    markers = {p.release.name: solution.universe.express(p.groups[PROD]) for p in solution.packages}
    assert markers == {"a": "", "w": 'sys_platform == "win32"', "o": 'python_version < "3.12"'}


def test_requires_python_forks_the_solution():
    packages = {"a": {"1": [], "2": []}}

    solution = solve(packages, ["a"], needs={("a", "2"): ">=3.12"})

    markers = {str(p.release): solution.universe.express(p.groups[PROD]) for p in solution.packages}
    assert markers == {"a 1": 'python_version < "3.12"', "a 2": 'python_version >= "3.12"'}


def test_patch_releases_in_markers_are_told_apart():
    packages = {"a": {"1": ["b; python_full_version < '3.11.3'"]}, "b": {"1": []}}

    solution = solve(packages, ["a"])

    marker = next(
        solution.universe.express(p.groups[PROD])
        for p in solution.packages
        if p.release.name == "b"
    )
    assert marker == 'python_full_version < "3.11.3"'


def test_conflicting_requirements_on_different_platforms_are_no_conflict():
    packages = {
        "a": {"1": ["b<2; sys_platform == 'linux'", "b>=2; sys_platform != 'linux'"]},
        "b": {"1": [], "2": []},
    }

    solution = solve(packages, ["a"])

    markers = {str(p.release): solution.universe.express(p.groups[PROD]) for p in solution.packages}
    assert markers == {
        "a 1": "",
        "b 1": 'sys_platform == "linux"',
        "b 2": 'sys_platform != "linux"',
    }


def test_other_groups_never_move_a_production_version():
    packages = {
        "s": {"1": [], "2": []},
        "t": {"1": ["s"], "2": ["s<2"]},
        "u": {"1": ["s", "v"]},
        "v": {"1": [], "2": []},
    }

    solution = solve(packages, ["s"], ["t"], {"f": ["u", "v<2"]})

    assert versions(solution) == {"s": "2"}
    assert versions(solution, DEV) == {"s": "2", "t": "1"}
    assert versions(solution, group_id("f")) == {"s": "2", "u": "1", "v": "1"}


def test_missing_name_and_impossible_range_are_explained():
    with pytest.raises(NoSolution, match="no index has b") as found:
        solve({"a": {"1": ["b"]}}, ["a"])
    assert "a 1 requires b" in found.value.because
    with pytest.raises(NoSolution, match="no version of a satisfies all requirements") as found:
        solve({"a": {"1": []}}, ["a>5"])
    assert found.value.because == [
        "app requires a>5",
        "the newest version of a for this Python is 1",
    ]
    with pytest.raises(NoSolution) as found:
        solve({"a": {"1": ["c<2"]}, "b": {"1": ["c>=2"]}, "c": {"1": [], "2": []}}, ["a", "b"])
    assert {"a 1 requires c<2", "b 1 requires c>=2"} <= set(found.value.because)


# -- Random indexes --------------------------------------------------------------------------------

NAMES = list("abcdef")
specs = st.sampled_from(["", "==1", "==2", ">=2", "<2", "<3", ">=1", "!=2", ">=3"])
requirement = st.builds(lambda n, s: n + s, st.sampled_from(NAMES), specs)
release = st.lists(requirement, max_size=2)
index = st.dictionaries(
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from("123"), release, min_size=1, max_size=3),
    min_size=1,
)
roots = st.lists(requirement, min_size=1, max_size=3, unique=True)


def one_per_name(texts):
    return list({Requirement(t).name: t for t in texts}.values())


def check_valid(packages, chosen, deps):
    asked = [Requirement(r) for r in deps]
    asked += [Requirement(r) for n, v in chosen.items() for r in packages[n][v]]
    for r in asked:
        assert r.name in chosen and r.specifier.contains(chosen[r.name]), (r, chosen)
    reached = {Requirement(d).name for d in deps}
    while True:
        more = {Requirement(r).name for n in reached for r in packages[n][chosen[n]]} - reached
        if not more:
            break
        reached |= more
    assert set(chosen) == reached


def agree_with_brute_force(packages, deps):
    deps = one_per_name(deps)
    try:
        chosen = versions(solve(packages, deps, python="==3.11.*"))
    except NoSolution:
        assert not satisfiable(packages, deps)
        return
    check_valid(packages, chosen, deps)


def groups_keep_production(packages, deps, dev, feature):
    deps, dev, feature = map(one_per_name, (deps, dev, feature))
    try:
        alone = versions(solve(packages, deps, python="==3.11.*"))
        solution = solve(packages, deps, dev, {"f": feature}, python="==3.11.*")
    except NoSolution:
        return
    assert versions(solution) == alone
    for group, asked in ((DEV, dev), (group_id("f"), feature)):
        chosen = versions(solution, group)
        check_valid(packages, chosen, asked)
        for name in chosen.keys() & alone.keys():
            assert chosen[name] == alone[name]


quick = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
long = settings(
    max_examples=5000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@quick
@given(index, roots)
def test_random_indexes_agree_with_brute_force(packages, deps):
    agree_with_brute_force(packages, deps)


@quick
@given(index, roots, roots, roots)
def test_random_groups_leave_production_alone(packages, deps, dev, feature):
    groups_keep_production(packages, deps, dev, feature)


@pytest.mark.long
@long
@given(index, roots)
def test_five_thousand_random_indexes_agree_with_brute_force(packages, deps):
    agree_with_brute_force(packages, deps)


@pytest.mark.long
@long
@given(index, roots, roots, roots)
def test_five_thousand_random_groups_leave_production_alone(packages, deps, dev, feature):
    groups_keep_production(packages, deps, dev, feature)


# -- Every environment at once equals one at a time --------------------------------------------------

marked = st.builds(
    lambda r, m: f"{r}; {m}" if m else r,
    requirement,
    st.sampled_from(
        [
            "",
            "",
            "sys_platform == 'win32'",
            "sys_platform != 'darwin'",
            "python_version < '3.13'",
            "platform_machine == 'aarch64'",
            "python_version >= '3.12' and sys_platform == 'linux'",
        ]
    ),
)
forked = st.dictionaries(
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from("123"), st.lists(marked, max_size=3), min_size=1),
    min_size=1,
)


def at(environment):
    """A restriction to one of ENVIRONMENTS."""

    def select(universe):
        return universe.select(
            lambda p: (
                (p.platform, p.machine, p.python) == environment and p.implementation == "cpython"
            )
        )

    return select


def needed(solution, environment):
    where = at(environment)(solution.universe)
    return {str(p.release) for p in solution.packages if p.groups[PROD] & where}


def universal_equals_direct(packages, deps):
    deps = one_per_name(deps)
    try:
        everywhere = solve(packages, deps)
    except NoSolution:
        return
    for environment in ENVIRONMENTS:
        alone = solve(packages, deps, restrict=at(environment))
        assert needed(everywhere, environment) == needed(alone, environment)


@settings(quick, max_examples=60)
@given(forked, roots)
def test_universal_solution_is_the_direct_one_in_every_environment(packages, deps):
    universal_equals_direct(packages, deps)


@pytest.mark.long
@settings(quick, max_examples=2000)
@given(forked, roots)
def test_universal_solution_is_the_direct_one_for_two_thousand_indexes(packages, deps):
    universal_equals_direct(packages, deps)
