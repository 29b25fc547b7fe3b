"""Runs code objects that no compiler made: bytes changed, jumps bent, tables cut.

    PYRS_FALLBACK=error python fuzz_code.py SEED COUNT [FIRST]     what came of them, as JSON

What the VM refuses is not given to CPython here, so only the VM runs anything, each code object in a
child process.  One that dies or hangs is run again in plain CPython: the lists hold the number of the
case, how and in which Python line it ended here, and how and where there.  Nothing may be lowered that
the verifier, which looks at all ways through the code, has something against.
"""

import dis
import faulthandler
import importlib.util
import json
import os
import random
import re
import resource
import signal
import sys
import types
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parents[1] / "foundations"
SECONDS = 0.2  # for one code object: a bent jump may loop for ever
HUNG = 10  # after so many it does not even look for signals: the process ends with 1
TRIES = 4  # of plain CPython, with what breaks here
MEMORY = 2 << 30  # more than at the start, when a sanitizer has terabytes of addresses


def load(name):
    spec = importlib.util.spec_from_file_location(name, PROGRAMS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def corpus():
    """(function, arguments) of all programs that are there anyway."""
    cases = corpus_by_name()
    return [cases[name] for name in sorted(cases)]


def corpus_by_name():
    return {**load("handover_programs").CASES, **load("handover_generators").CASES}


def bent(rng, raw):
    """Bytes of code with some changed: opcodes, arguments, whole words, a cut, a repetition."""
    raw = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(raw) // 2) * 2
        kind = rng.randrange(8)
        if kind == 0:
            raw[at] = rng.choice(list(dis.opmap.values()))
        elif kind == 1:
            raw[at + 1] = rng.randrange(256)
        elif kind == 2:
            raw[at + 1] = max(0, min(255, raw[at + 1] + rng.choice((-2, -1, 1, 2))))
        elif kind == 3:
            raw[at], raw[at + 1] = rng.randrange(256), rng.randrange(256)
        elif kind == 4:
            other = rng.randrange(len(raw) // 2) * 2
            raw[at : at + 2], raw[other : other + 2] = raw[other : other + 2], raw[at : at + 2]
        elif kind == 5 and len(raw) > 20:
            del raw[at : at + 2 * rng.randrange(1, 4)]
        elif kind == 6:
            raw[at:at] = raw[at : at + 2 * rng.randrange(1, 6)]
        else:
            raw[at : at + 2] = bytes((dis.opmap["NOP"], 0))
    return bytes(raw) or bytes((dis.opmap["RETURN_VALUE"], 0))


def scrambled(rng, table):
    table = bytearray(table) or bytearray(rng.randbytes(8))
    for _ in range(rng.randrange(1, 4)):
        table[rng.randrange(len(table))] = rng.randrange(256)
    return bytes(table[: rng.randrange(1, len(table) + 1)] if rng.random() < 0.3 else table)


def mutated(rng, code, opcodes):
    """A code object like `code`, but for something; the opcodes in it are added.

    CPython writes behind the end of some when asked for their co_code: so that is not done.
    """
    consts = code.co_consts
    inner = [i for i, c in enumerate(consts) if isinstance(c, types.CodeType)]
    if inner and rng.random() < 0.4:
        i = rng.choice(inner)
        return code.replace(
            co_consts=(*consts[:i], mutated(rng, consts[i], opcodes), *consts[i + 1 :])
        )
    kind = rng.randrange(10)
    raw = bent(rng, code.co_code) if kind < 6 else code.co_code
    opcodes.update(raw[::2])
    if kind < 6:
        return code.replace(co_code=raw)
    if kind == 6:
        return code.replace(
            co_stacksize=rng.choice((0, 1, code.co_stacksize // 2, code.co_stacksize + 9))
        )
    if kind == 7:
        return code.replace(co_exceptiontable=scrambled(rng, code.co_exceptiontable))
    if kind == 8:
        return code.replace(co_flags=code.co_flags ^ rng.choice((1, 2, 4, 8, 32, 128, 256, 512)))
    at = rng.randrange(len(consts))
    return code.replace(
        co_consts=(*consts[:at], rng.choice((None, 7, (), "x", (1, "k"))), *consts[at + 1 :])
    )


def case(functions, seed, number):
    """The function of a number, with its changed code, and arguments for it."""
    rng = random.Random(f"{seed}:{number}")
    function, args = rng.choice(functions)()
    opcodes = set()
    code = mutated(rng, function.__code__, opcodes)
    if len(code.co_freevars) != len(function.__code__.co_freevars):
        raise ValueError("closures of another size")
    changed = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__,
                                 function.__closure__)  # fmt: skip
    changed.__kwdefaults__ = function.__kwdefaults__
    return changed, args, opcodes


class Late(BaseException):
    """It ran too long."""


def too_late(*_):
    raise Late


def outcome(execute, function, args):
    try:
        execute(function, args)
        return "returned"
    except BaseException as e:
        return type(e).__name__


def in_child(execute, function, args):
    """Call it in a child of its own, so that what it breaks is gone with it: how it ended, and where."""
    inside, outside = os.pipe()
    child = os.fork()
    if child == 0:
        faulthandler.enable(file=outside, all_threads=False)
        faulthandler.dump_traceback_later(HUNG, exit=True, file=outside)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            how = outcome(execute, function, args)
        except Late:  # after its end
            how = "Late"
        os.write(outside, how.encode())
        os._exit(0)
    os.close(outside)
    with open(inside, "rb") as file:
        told = file.read().decode()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        return told, ""
    place = re.search(r'File ".*?([^/]+)", line (\d+) in (.+)', told)
    return f"died of {-status}" if status < 0 else "hung", ":".join(
        place.groups()
    ) if place else "?"


def broken(how):
    return how == "hung" or how.startswith("died")


def plainly(function, args):
    return function(*args)


def ends_plainly(function, args):
    """What is undefined breaks with some things below the stack, and not with others."""
    for _ in range(TRIES):
        there = in_child(plainly, function, args)
        if broken(there[0]):
            break
    return there


def codes(code):
    """It and all that stand in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from codes(const)


def let_through(code):
    """What the verifier has against the code that is going to run."""
    from pyrs import _pyrs

    found = ((_pyrs.verify(c), c) for c in codes(code))
    return [why for why, c in found if why is not None and not refused(c)]


def refused(code):
    from pyrs import _pyrs

    return _pyrs.dis(code).startswith("runs on CPython: ")


def given_to_cpython(code):
    """Not run here; where frames are handed over at any time, CPython calls what is in them by itself."""
    hands_over = os.environ.get("PYFORGE_VARIANT", "").startswith("hostile")
    return any(map(refused, codes(code) if hands_over else (code,)))


def fuzz(seed, count, first=0):
    """What came of `count` changed code objects, from number `first` on."""
    from pyrs import _pyrs

    functions = corpus()
    found = {"ran": 0, "refused": 0, "not made": 0, "broken plainly too": [], "broken here only": [],
             "let through": []}  # fmt: skip
    ways, seen = {}, set()
    for number in range(first, first + count):
        try:
            function, args, made = case(functions, seed, number)
        except (ValueError, IndexError):
            found["not made"] += 1
            continue
        found["let through"] += [[number, why] for why in let_through(function.__code__)]
        if given_to_cpython(function.__code__):
            found["refused"] += 1
            continue
        found["ran"] += 1
        seen |= made
        how, place = in_child(_pyrs.run_function, function, args)
        ways[how] = ways.get(how, 0) + 1
        if broken(how):
            there = ends_plainly(function, args)
            where = "broken plainly too" if broken(there[0]) else "broken here only"
            found[where].append([number, how, place, *there])
    return found | {"distinct opcodes": len(seen), "ways": ways}


def limit_memory():
    """Code with an odd count may ask for all there is; /proc says what is taken already, in pages."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


if __name__ == "__main__":
    told = os.fdopen(os.dup(1), "w")
    sys.stdout = sys.stderr = open(os.devnull, "w")
    sys.unraisablehook = lambda *_: None
    signal.signal(signal.SIGALRM, too_late)
    limit_memory()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(300)
    json.dump(fuzz(sys.argv[1], *map(int, sys.argv[2:])), told)
    told.close()
    os._exit(0)
