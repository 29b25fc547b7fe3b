"""Source distributions and local folders: built in isolation, once, and only when allowed."""

import pytest
from pyrs.pm import link
from pyrs.pm.build import Builder
from support.package_index import make_sdist


def test_source_archive_is_built_and_kept(project, index, store):
    index.sdist("lib", "1.0", ["leaf"])
    index.wheel("leaf", "1.0")
    project.declare({"lib": "*"})

    project.pyrs("install")
    assert project.run("-c", "import lib; print(lib.built)").out == "True\n"
    kept = list(store.glob("builds/*/lib-1.0-py3-none-any.whl"))
    assert len(kept) == 1
    before = kept[0].stat().st_mtime_ns
    project.pyrs("install", "--dev")

    assert kept[0].stat().st_mtime_ns == before


def test_wheel_is_preferred_to_the_source_archive(project, index):
    index.sdist("lib", "1.0", fail=True)
    index.wheel("lib", "1.0")
    project.declare({"lib": "*"})

    project.pyrs("install")


def test_source_archive_whose_metadata_is_dynamic_is_asked(project, index):
    index.sdist("lib", "1.0", ["leaf"], dynamic=True)
    index.wheel("leaf", "1.0")
    project.declare({"lib": "*"})

    assert project.pyrs("lock", "--json").json()["packages"] == {"leaf": "1.0", "lib": "1.0"}


def test_build_requirements_are_installed_for_the_build_only(project, index):
    index.wheel("helper", "1.0")
    index.sdist("lib", "1.0", build_requires=["helper"])
    project.declare({"lib": "*"})

    project.pyrs("install")

    assert "helper" not in project.lock.read_text()
    project.run("-c", "import helper", expect=1)


def test_failing_build_gives_the_reason_and_the_log(project, index, store):
    index.sdist("lib", "1.0", fail=True)
    project.declare({"lib": "*"})

    error = project.pyrs("install", expect=8).err

    assert "error[pyrs-8]: building lib-1.0 failed" in error
    assert "because the compiler is missing" in error
    log = error.rpartition("the whole output is in ")[2].strip()
    assert "the compiler is missing" in open(log).read()
    assert not (project.root / ".pyrs").exists()


@pytest.mark.parametrize("how", ["option", "manifest"])
def test_building_can_be_refused(project, index, how):
    index.sdist("lib", "1.0")
    project.declare({"lib": "*"}, more='[build]\nsdists = "deny"\n' if how == "manifest" else "")
    options = ["--no-build"] if how == "option" else []

    error = project.pyrs("install", *options, expect=8).err

    assert "would have to be built, and building is not allowed" in error


def test_build_requirement_that_does_not_exist_is_explained(project, index):
    index.sdist("lib", "1.0", build_requires=["ghost"])
    project.declare({"lib": "*"})

    error = project.pyrs("install", expect=8).err

    assert "the build requirements cannot be had" in error and "ghost" in error


def test_local_folder_is_built_again_when_it_changes(project, index, tmp_path):
    import io
    import tarfile

    _, body = make_sdist("lib", "1.0")
    tarfile.open(fileobj=io.BytesIO(body)).extractall(tmp_path)
    folder = tmp_path / "lib-1.0"
    project.declare({"lib": {"path": "../lib-1.0"}})
    project.pyrs("install")
    assert project.run("-c", "import lib; print(lib.built)").out == "True\n"
    assert 'path = "../lib-1.0"' in project.lock.read_text()
    (folder / "backend.py").write_text(
        (folder / "backend.py").read_text().replace("built = True", "built = 2")
    )

    project.pyrs("install")

    assert project.run("-c", "import lib; print(lib.built)").out == "2\n"


def test_editable_folder_is_imported_from_where_it_is(project, tmp_path):
    import io
    import tarfile

    _, body = make_sdist("lib", "1.0")
    tarfile.open(fileobj=io.BytesIO(body)).extractall(tmp_path)
    (tmp_path / "lib-1.0" / "lib.py").write_text("where = __file__\n")
    project.declare({"lib": {"path": "../lib-1.0", "editable": True}})
    project.pyrs("install")

    code = "import lib, importlib.metadata as m; print(lib.where, m.version('lib'))"

    assert project.run("-c", code).out == f"{tmp_path}/lib-1.0/lib.py 1.0\n"


def test_nothing_is_collected_while_something_is_built(project, index, store, monkeypatch):
    index.sdist("lib", "1.0", dynamic=True)
    project.declare({"lib": "*"})
    hook, tried = Builder._hook, []

    def guarded(*args):
        with pytest.raises(BlockingIOError):
            link.Flock(str(store / "lock"), exclusive=True, wait=False)
        tried.append(args)
        return hook(*args)

    monkeypatch.setattr(Builder, "_hook", guarded)

    project.pyrs("lock")
    project.pyrs("install")

    assert len(tried) >= 2


def test_collection_takes_what_only_builds_needed(project, index, store):
    index.wheel("helper", "1.0")
    index.sdist("lib", "1.0", build_requires=["helper"])
    project.declare({"lib": "*"})
    project.pyrs("install")
    assert list(store.glob("builds/env-*")) and list(store.glob("builds/*/lib-1.0-*.whl"))
    assert {p.name.partition("@")[0] for p in store.glob("pkgs/*")} == {"lib", "helper"}

    project.pyrs("store", "gc")
    assert not list(store.glob("builds/env-*")) and list(store.glob("builds/*/lib-1.0-*.whl"))
    assert {p.name.partition("@")[0] for p in store.glob("pkgs/*")} == {"lib"}
    project.declare({})
    project.pyrs("install")
    project.pyrs("store", "gc")

    assert not list(store.glob("builds/*/*.whl"))
    project.declare({"lib": "*"})
    project.pyrs("install")
    project.run("-c", "import lib")
