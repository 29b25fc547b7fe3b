"""One process of a measurement: worker.py vm|plain PROGRAM VALUES.

Imports the program, times its run(N) and prints the times as JSON, with what it answered
and how much of it ran where.  The plain side imports nothing of ours.  Times are CPU
seconds: what else the machine is doing then matters little.
"""

import importlib.util
import json
import os
import platform
import sys
import time


def load(path):
    spec = importlib.util.spec_from_file_location("program", path)
    module = importlib.util.module_from_spec(spec)
    # found by name, as a program's functions may look for their module
    sys.modules["program"] = module
    spec.loader.exec_module(module)
    return module


def in_plain(function, n):
    return function(n)


def measure(call, function, n, count):
    """Times of `count` calls, the first of them cold, and the last answer."""
    times = []
    for _ in range(count):
        start = time.process_time()
        answer = call(function, n)
        times.append(time.process_time() - start)
    return times, answer


def main(mode, path, count):
    stats = {}
    if mode == "vm":
        import pyrs

        pyrs.run("None")  # the machine itself is loaded; nothing of the program is
        program = load(path)
        before = pyrs.stats()
        times, answer = measure(pyrs.run, program.run, program.N, count)
        after = pyrs.stats()
        stats = {name: after[name] - before[name] for name in ("native", "delegated")}
        stats["reasons"] = {
            reason: number - before["reasons"].get(reason, 0)
            for reason, number in after["reasons"].items()
            if number != before["reasons"].get(reason, 0)
        }
    else:
        program = load(path)
        times, answer = measure(in_plain, program.run, program.N, count)
    result = {
        "times": times,
        "right": answer == program.EXPECTED,
        "answer": repr(answer),
        "stats": stats,
        "python": platform.python_version(),
        "executable": os.path.realpath(sys.executable),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
