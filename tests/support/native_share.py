"""How many of a program's frames ran in the VM, those of CPython counted from outside.

    python native_share.py PROGRAM.py [ARGUMENT...]     or -m MODULE, -c CODE, as python -m pyrs
    python native_share.py --suite                      CPython's own tests, the quick modules

The share is VM frames / (VM frames + frames CPython's evaluator was entered with), the second
counted by an eval-frame hook.  The VM would leave everything to CPython with a foreign hook, so it
is told of this one; and with any hook CPython calls through vectorcall what it else enters at once,
so those calls are left to it, as without a hook.
"""

import atexit
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = "NATIVE_SHARE_OUT"  # the file each counted process adds its line to
MOST = "NATIVE_SHARE_MOST"  # how many of CPython's most frequent code objects it names


def counter():
    """The counting extension, built when its source is newer."""
    source = HERE / "frame_counter.c"
    folder = HERE.parents[1] / "build" / f"counter-{sys.implementation.cache_tag}"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"frame_counter{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        fresh = target.with_name(f"{os.getpid()}.so")
        include = f"-I{sysconfig.get_path('include')}"
        command = [os.environ.get("CC", "cc"), "-O2", "-fPIC", "-shared", include]
        subprocess.run([*command, str(source), "-o", str(fresh)], check=True)
        fresh.replace(target)
    spec = importlib.util.spec_from_file_location("frame_counter", target)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def count_and_run(words):
    """Be the program, and say at the end what ran where."""
    from pyrs import _pyrs
    from pyrs.__main__ import main

    frames = counter()
    pid = os.getpid()

    def tell():
        counts = {"native": _pyrs.stats()["native"], "cpython": frames.count()}
        if most := int(os.environ.get(MOST, "0")):
            by_code = sorted(frames.codes().items(), key=lambda item: -item[1])
            for code, n in by_code[:most]:
                print(
                    f"{n:8} {code.co_filename}:{code.co_firstlineno} {code.co_qualname}",
                    file=sys.stderr,
                )
        if os.getpid() == pid:  # not in a child that was forked
            with open(os.environ[OUT], "a", encoding="utf-8") as file:
                file.write(json.dumps(counts) + "\n")

    atexit.register(tell)
    _pyrs.reset_stats()
    _pyrs._tolerate_eval_hook(frames.start())
    sys.exit(main(words))


def counted(command, words, env=None):
    """The counts of a run, over all processes that told; and how it ended."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
        env = os.environ | {OUT: file.name} | (env or {})
        code = subprocess.run([*command, *words], env=env).returncode
        told = [json.loads(line) for line in file]
    return sum(t["native"] for t in told), sum(t["cpython"] for t in told), code


def share(native, cpython):
    return native / max(native + cpython, 1)


def of_program(words):
    """(VM frames, CPython frames, exit code) of one program."""
    return counted([sys.executable, str(Path(__file__).resolve()), "--counted"], words)


def quick_modules():
    text = (HERE.parent / "pyrs/conformance/modules.txt").read_text(encoding="utf-8")
    return [line.split()[0] for line in text.splitlines() if line.endswith(" quick")]


def of_suite(modules):
    """The same over modules of CPython's own tests."""
    native = cpython = 0
    with tempfile.TemporaryDirectory() as folder:
        for module in modules:
            out = os.path.join(folder, module)
            a, b, _code = of_program([str(HERE / "run_cases.py"), f"test.{module}", out])
            print(f"{module:40} {a:10} {b:10} {share(a, b):8.2%}", flush=True)
            native, cpython = native + a, cpython + b
    return native, cpython, 0


if __name__ == "__main__":
    if sys.argv[1] == "--counted":
        count_and_run(sys.argv[2:])
    suite = sys.argv[1] == "--suite"
    native, cpython, code = (
        of_suite(sys.argv[2:] or quick_modules()) if suite else of_program(sys.argv[1:])
    )
    print(f"frames: {native} in the VM, {cpython} in CPython: {share(native, cpython):.2%} native")
    sys.exit(code)
