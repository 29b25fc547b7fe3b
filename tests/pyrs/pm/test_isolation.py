"""What may be imported: every way to reach an undeclared distribution, and none that is legitimate."""

import os
import subprocess
import sys

import pytest

# each has `NAME` for the undeclared module; the code must end in ModuleNotFoundError (or find nothing)
FORMS = {
    "statement": "import hidden",
    "after another distribution loaded it": "import shown\nassert shown.uses\nimport hidden",
    "from": "import shown\nfrom hidden import version",
    "from a submodule": "import shown\nfrom hidden.sub import x",
    "import_module": "import shown, importlib\nimportlib.import_module('hidden')",
    "__import__": "import shown\n__import__('hidden')",
    "exec with fresh globals": "import shown\nexec('import hidden', {})",
    "inside a function": "import shown\ndef f():\n    import hidden\nf()",
    "runpy": "import shown, runpy\nrunpy.run_module('hidden.sub')",
    "find_spec": "import shown, importlib.util\nif importlib.util.find_spec('hidden') is None:\n"
    "    raise ModuleNotFoundError('run: pyrs add hidden', name='hidden')",
    "resolve_name": "import shown, pkgutil\npkgutil.resolve_name('hidden:version')",
}


@pytest.fixture
def phantom(project, index):
    index.wheel(
        "hidden", "1.0", files={"hidden/__init__.py": "version = 1\n", "hidden/sub.py": "x = 1\n"}
    )
    index.wheel(
        "shown",
        "1.0",
        ["hidden"],
        files={
            "shown/__init__.py": "import hidden\nuses = hidden.version\ndef lazily():\n    import hidden.sub\n    return hidden.sub.x\n"
        },
        scripts={"show": "shown:lazily"},
    )
    project.declare({"shown": "*"})
    project.pyrs("install")
    return project


@pytest.mark.parametrize("form", FORMS)
def test_project_code_cannot_import_what_it_does_not_declare(phantom, form):
    body = "\n".join("    " + line for line in FORMS[form].splitlines())
    code = f"try:\n{body}\nexcept ImportError as e:\n    print(e)\nelse:\n    print('imported')\n"
    (phantom.root / "p.py").write_text(code)

    for command in (["p.py"], ["-c", code], ["-m", "p"]):
        out = phantom.run(*command).out
        assert "imported" not in out
        assert "run: pyrs add hidden" in out


def test_message_says_who_brought_it_and_what_to_run(phantom):
    error = phantom.run("-c", "import hidden", expect=1).err

    assert error.splitlines()[-1] == (
        "ModuleNotFoundError: No module named 'hidden' (installed for shown, but app does not declare it; "
        "run: pyrs add hidden)"
    )
    assert "pyrs_" not in error  # the traceback ends at the import


def test_module_option_does_not_run_what_is_not_declared(phantom):
    assert "No module named" in phantom.run("-m", "hidden.sub", expect=1).err


def test_subprocess_of_the_project_is_guarded_too(phantom):
    code = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'import shown, hidden']))"

    assert "run: pyrs add hidden" in phantom.run("-c", code, expect=1).err


def test_distributions_see_their_closure_also_later(phantom):
    code = "import shown, pickle; print(shown.lazily(), pickle.loads(pickle.dumps(shown.hidden)) if 0 else '')"

    assert phantom.run("-c", code).out == "1 \n"


def test_entry_point_script_runs_as_its_own_distribution(project, index):
    index.wheel("hidden", "1.0")
    index.wheel(
        "shown",
        "1.0",
        ["hidden"],
        files={"shown.py": "def main():\n    import hidden\n    print('ran')\n"},
        scripts={"show": "shown:main"},
    )
    project.declare({"shown": "*"})
    project.pyrs("install")

    assert project.run("show").out == "ran\n"
    script = project.root / ".pyrs" / "bin" / "show"
    assert subprocess.run([script], capture_output=True, text=True, cwd="/").stdout == "ran\n"


def test_declared_is_visible_to_everyone(project, index):
    index.wheel("plug", "1.0")
    index.wheel(
        "host",
        "1.0",
        files={
            "host.py": "import importlib\ndef load(n):\n    return importlib.import_module(n)\n"
        },
    )
    project.declare({"host": "*", "plug": "*"})
    project.pyrs("install")

    assert "plug" in project.run("-c", "import host; print(host.load('plug').__name__)").out


def test_undeclared_plugin_of_another_distribution_is_missing_for_it(project, index):
    index.wheel("plug", "1.0")
    index.wheel("other", "1.0", ["plug"])
    index.wheel(
        "host",
        "1.0",
        files={"host.py": "try:\n    import plug\nexcept ImportError:\n    plug = None\n"},
    )
    project.declare({"host": "*", "other": "*"})
    project.pyrs("install")

    assert project.run("-c", "import host; print(host.plug)").out == "None\n"


def test_policy_per_distribution_and_off(project, index):
    index.wheel("plug", "1.0")
    index.wheel("other", "1.0", ["plug"])
    index.wheel("host", "1.0", files={"host.py": "import plug\n"})
    project.declare({"host": "*", "other": "*"}, more='[isolation.allow]\nhost = ["plug"]\n')
    project.pyrs("install")
    project.run("-c", "import host")
    project.run("-c", "import plug", expect=1)

    project.declare(
        {"host": "*", "other": "*"}, more='[isolation]\nproject = "warn"\ndeps = "off"\n'
    )
    project.pyrs("install")
    assert "warning: No module named 'plug'" in project.run("-c", "import plug, host").err
    project.declare({"host": "*", "other": "*"}, more='[isolation]\nproject = "off"\n')
    project.pyrs("install")

    assert project.run("-c", "import plug, host").err == ""


def test_own_module_of_the_same_name_is_not_denied(phantom):
    (phantom.root / "hidden.py").write_text("own = True\n")

    assert phantom.run("-c", "import hidden; print(hidden.own)").out == "True\n"


def test_shared_namespace_is_judged_by_its_parts(project, index):
    index.wheel("space-a", "1.0", files={"space/a/__init__.py": "x = 1\n"})
    index.wheel("space-b", "1.0", files={"space/b/__init__.py": "x = 2\n"})
    index.wheel("brings-b", "1.0", ["space-b"])
    project.declare({"space-a": "*", "brings-b": "*"})
    project.pyrs("install")

    assert project.run("-c", "from space import a; import space.a; print(a.x)").out == "1\n"
    assert "run: pyrs add space-b" in project.run("-c", "from space import b", expect=1).err
    assert "run: pyrs add space-b" in project.run("-c", "import space.b", expect=1).err


ENCODED = {
    "utf8.py": "print(ascii('\u00e9'))\n".encode(),
    "latin.py": "# coding: latin-1\nprint(ascii('\u00e9'))\n".encode("latin-1"),
    "mark.py": "print(ascii('\u00e9'))\n".encode("utf-8-sig"),
    "crlf.py": b"text = '''a\r\nb'''\r\nprint(ascii(text))\r\n",
    "open.py": b"print(1)\nif True:\n    print((2)",
    "n\u00e4me.py": b"print(ascii(__file__))\n1/0\n",
}


def test_interpreter_entry_behaves_like_python(project):
    project.declare()
    project.pyrs("install")
    (project.root / "s.py").write_text(
        "import sys; print(sys.argv, __name__, __file__, sys.path[0])\n"
    )
    for name, source in ENCODED.items():
        (project.root / name).write_bytes(source)
    python = project.root / ".pyrs" / "bin" / "python"

    def both(*args, **options):
        answers = []
        for executable in (python, sys.executable):
            done = subprocess.run(
                [executable, *args], capture_output=True, text=True, cwd=project.root, **options
            )
            answers.append((done.returncode, done.stdout, done.stderr))
        return answers

    for args in (
        ["s.py", "a", "-b"],
        ["-c", "import sys; print(sys.argv, __name__)", "-x"],
        ["-O", "-c", "print(__debug__)"],
        ["-W", "error", "-c", "import sys; print(sys.warnoptions)"],
        ["-Werror", "-c", "import sys; print(sys.warnoptions)"],
        ["-X", "dev", "-c", "import sys; print(sys.flags.dev_mode)"],
        ["-Bc", "import sys; print(sys.dont_write_bytecode)"],
        ["-c", "raise SystemExit('bye')"],
        ["-c", "raise SystemExit(3)"],
        ["-c", "1/0"],
        ["-c", "x ="],
        ["-c", "exit(4)"],
        ["-c", "# coding: latin-1\nprint(ascii('\u00e9'))"],
        ["-c", "print(ascii('\u00e9\u20ac'))"],
        *([name] for name in ENCODED),
        ["-c", "import atexit; atexit.register(print, 'end'); print('begin')"],
        ["-m", "json.tool", "--bad"],
        ["-V"],
    ):
        ours, theirs = both(*args)
        assert ours == theirs, args
    ours, theirs = both(input="import sys; print(sys.argv, 5)\n")
    assert ours == theirs
    ours, theirs = both("-", "a", input="import sys; print(sys.argv)\n")
    assert ours == theirs
    for args in (["absent.py"], ["-m", "no_such_module"]):
        ours, theirs = both(*args)
        assert ours[0] == theirs[0] and ours[2].replace(str(python), "") == theirs[2].replace(
            sys.executable, ""
        )


def test_interrupted_program_dies_of_the_signal(project):
    project.declare()
    project.pyrs("install")
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(5)"

    done = subprocess.run(
        [project.root / ".pyrs/bin/python", "-c", code], capture_output=True, text=True
    )

    assert done.returncode == -2 and done.stderr.rstrip().endswith("KeyboardInterrupt")


def test_multiprocessing_spawn_and_subprocesses_stay_inside(phantom):
    (phantom.root / "m.py").write_text(
        "import multiprocessing as mp, subprocess, sys\n"
        "def work(n):\n    import shown\n    return n * 2, sys.executable\n"
        "if __name__ == '__main__':\n"
        "    with mp.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(work, [1, 2]))\n"
        "    print(subprocess.check_output([sys.executable, '-c', 'import shown; print(shown.uses)'], text=True))\n"
    )

    out = phantom.run("m.py").out

    python = str(phantom.root / ".pyrs" / "bin" / "python")
    assert out == f"[(2, {python!r}), (4, {python!r})]\n1\n\n"


def test_hook_lines_of_pth_files_run_at_start(project, index):
    index.wheel(
        "hook",
        "1.0",
        files={
            "hook.py": "import sys\nsys.hooked = True\n",
            "hook.pth": "import hook\nextra\n",
            "extra/inside.py": "",
        },
    )
    project.declare({"hook": "*"})
    project.pyrs("install")

    assert project.run("-c", "import sys, inside; print(sys.hooked)").out == "True\n"


def test_store_is_not_written_by_running_programs(phantom, store):
    before = sorted(str(p) for p in store.glob("pkgs/*/**/*"))

    for option in ("-c", "-Oc"):
        subprocess.run(
            [phantom.root / ".pyrs/bin/python", option, "import shown; shown.lazily()"], check=True
        )

    assert sorted(str(p) for p in store.glob("pkgs/*/**/*")) == before


def test_bytecode_in_the_store_is_used(phantom):
    code = "import shown; print(shown.__cached__, shown.__spec__.loader.get_code('shown').co_filename == shown.__file__)"
    cached, same = phantom.run("-c", code).out.split()

    assert os.path.exists(cached) and "__pycache__" in cached
    assert same == "True"


def test_data_files_and_wheel_scripts_are_placed(project, index):
    index.wheel(
        "kit",
        "1.0",
        data={
            "scripts/hey": "#!python\nimport kit\nprint('hey', kit.version)\n",
            "scripts/raw": "#!/bin/sh\necho raw\n",
            "data/share/kit/text.txt": "text",
            "purelib/more_kit.py": "y = 1\n",
        },
    )
    project.declare({"kit": "*"})
    project.pyrs("install")

    assert project.run("hey").out == "hey 1.0\n"
    assert project.run("raw").out == "raw\n"
    assert (project.root / ".pyrs/current/share/kit/text.txt").read_text() == "text"
    project.run("-c", "import more_kit")


def test_moved_project_goes_on_working(phantom, another):
    target = phantom.root.with_name("moved")
    phantom.root.rename(target)
    moved = another("moved")

    assert moved.run("-c", "import shown; print(shown.uses)").out == "1\n"
    assert moved.run("show", expect=1).code == 1
