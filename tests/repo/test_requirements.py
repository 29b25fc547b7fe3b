"""What the commands install covers what the package offers."""

import tomllib

from support.tree import ROOT


def requirements(name):
    lines = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8").splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_tests_get_every_extra():
    extras = project()["project"]["optional-dependencies"]

    assert {need for needs in extras.values() for need in needs} <= requirements("test")


def test_the_package_itself_needs_nothing():
    assert project()["project"]["dependencies"] == []


def test_environment_gets_what_a_build_needs():
    assert set(project()["build-system"]["requires"]) <= requirements("build")
