"""Code objects no compiler made crash nothing that they don't crash in plain CPython."""

import dis
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

_pyrs = pytest.importorskip("pyrs._pyrs", reason="needs the VM")

FUZZER = Path(__file__).with_name("fuzz_code.py")


def fuzz(seed, count):
    env = os.environ | {"PYTHONHASHSEED": "0", "PYRS_FALLBACK": "error"}
    command = [sys.executable, str(FUZZER), seed, str(count)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_changed_code_objects():
    found = fuzz("ci", 600)

    print(found)
    assert found["broken here only"] == []
    assert found["let through"] == []
    assert found["ran"] > 150 and found["refused"] > 150
    assert found["distinct opcodes"] > 60


@pytest.mark.long
@pytest.mark.parametrize("seed", "abcd")
def test_many_changed_code_objects(seed):
    found = fuzz(seed, 20_000)

    print(found)
    assert found["broken here only"] == []
    assert found["let through"] == []


# -- by hand ------------------------------------------------------------------------------------

made_by_hand = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="needs CPython 3.11: these are its instructions"
)


def entry(start, end, target, depth, lasti):
    """A line of an exception table; places are words."""
    numbers = [start, end - start, target, depth << 1 | lasti]
    assert max(numbers) < 64
    return bytes([numbers[0] | 128, *numbers[1:]])


def assembled(instructions, table=(), like=lambda x=1: x, consts=(None, 5, "s"), **changes):
    """A function of these instructions, such as "LOAD_CONST 1"; jumps count words."""
    raw = bytearray()
    for text in instructions:
        name, _, arg = text.partition(" ")
        opcode = dis.opmap[name]
        raw += bytes([opcode, int(arg or 0)]) + bytes(2 * dis._inline_cache_entries[opcode])
    changes = {"co_stacksize": 8, "co_consts": consts} | changes
    code = like.__code__.replace(
        co_code=bytes(raw), co_exceptiontable=b"".join(entry(*row) for row in table), **changes
    )
    return types.FunctionType(code, {}, "made", like.__defaults__, like.__closure__)


def outcome(execute, function):
    try:
        return execute(function)
    except Exception as e:
        return type(e), str(e)


def inner():
    x = 1
    return lambda: x


def stored(x=1):
    y = x
    return y


LOOP = ["BUILD_LIST 0", "LOAD_CONST 2", "GET_ITER"]
# what is wrong -> why it does not run here, and the code
REFUSED = {
    "an exhausted loop jumps into its body, one slot short": (
        "stack depth differs",
        [*LOOP, "FOR_ITER 3", "STORE_FAST 0", "LIST_APPEND 1", "JUMP_BACKWARD 4", "JUMP_BACKWARD 4"],
    ),
    "a number where a handler of a lasti range appends": (
        "what a list takes",
        ["BUILD_LIST 0", "LOAD_CONST 1", "RAISE_VARARGS 1", "LIST_APPEND 1", "POP_TOP", "RETURN_VALUE"],
        [(1, 3, 3, 1, 1)],
    ),
    "a string that is extended": (
        "what a list takes",
        ["LOAD_CONST 2", "LOAD_CONST 2", "LIST_EXTEND 1", "RETURN_VALUE"],
    ),
    "a list on one way only": (
        "what a list takes",
        ["BUILD_LIST 0", "LOAD_FAST 0", "POP_JUMP_FORWARD_IF_TRUE 2", "POP_TOP", "LOAD_CONST 2",
         "LOAD_CONST 1", "LIST_APPEND 1", "RETURN_VALUE"],
    ),
    "a list that a way back replaces": (
        "a way back",
        ["BUILD_LIST 0", "LOAD_FAST 0", "LIST_APPEND 1", "POP_TOP", "LOAD_CONST 2", "JUMP_BACKWARD 5"],
    ),
    "a variable that a way back leaves unbound": (
        "a way back",
        ["LOAD_CONST 1", "POP_JUMP_FORWARD_IF_TRUE 4", "LOAD_CONST 1", "STORE_FAST 1", "LOAD_FAST 1",
         "RETURN_VALUE", "JUMP_BACKWARD 3"],
        (), stored,
    ),
    "a set in itself": ("something put into itself", ["BUILD_SET 0", "SET_ADD 0", "RETURN_VALUE"]),
    "a return with items below": ("a return from", ["LOAD_FAST 0", "LOAD_CONST 1", "RETURN_VALUE"]),
    "a handler deeper than the stack": (
        "a handler wants more",
        ["LOAD_FAST 0", "LOAD_CONST 1", "BINARY_OP 0", "RETURN_VALUE", "POP_TOP", "POP_TOP", "RETURN_VALUE"],
        [(2, 4, 5, 2, 0)],
    ),
    "a handler at two depths": (
        "stack depth differs",
        ["LOAD_FAST 0", "UNARY_NEGATIVE", "UNARY_INVERT", "RETURN_VALUE", "RETURN_VALUE"],
        [(1, 2, 4, 0, 0), (2, 3, 4, 0, 1)],
    ),
    "names of arguments that are none": (
        "keyword names",
        ["PUSH_NULL", "LOAD_FAST 0", "LOAD_CONST 1", "KW_NAMES 1", "PRECALL 1", "CALL 1", "RETURN_VALUE"],
    ),
    "closure cells of another number": (
        "free variables", ["COPY_FREE_VARS 2", "LOAD_CONST 1", "RETURN_VALUE"], (), inner(),
    ),
    "a cell that was not made": ("a variable that is no cell", ["LOAD_DEREF 0", "RETURN_VALUE"], (), inner()),
    "a variable that was a cell": (
        "a variable that is a cell",
        ["COPY_FREE_VARS 1", "LOAD_CONST 1", "STORE_FAST 0", "LOAD_DEREF 0", "RETURN_VALUE"], (), inner(),
    ),
    "a call announced with other arguments": (
        "undecodable code", ["PUSH_NULL", "LOAD_FAST 0", "PRECALL 93", "CALL 0", "RETURN_VALUE"],
    ),
    "a call announced that does not come": ("undecodable code", ["LOAD_FAST 0", "PRECALL 0", "RETURN_VALUE"]),
    "a call announced at the end": ("undecodable code", ["LOAD_FAST 0", "RETURN_VALUE", "PRECALL 0"]),
    "a slice of nothing": ("a slice", ["BUILD_SLICE 0", "RETURN_VALUE"]),
    "NULL in a variable": ("NULL", ["PUSH_NULL", "STORE_FAST 0", "LOAD_FAST 0", "RETURN_VALUE"]),
    "a function with other flags": (
        "a function made otherwise", ["LOAD_CONST 3", "MAKE_FUNCTION 128", "RETURN_VALUE"],
    ),
}  # fmt: skip


@made_by_hand
@pytest.mark.parametrize("what", REFUSED)
def test_lowering_refuses(what):
    why, *made = REFUSED[what]
    function = assembled(*made, consts=(None, 5, "s", inner.__code__))

    assert _pyrs.dis(function).startswith(f"runs on CPython: {why}")


# plain CPython says the same of them: by calling it, or by being handed the code
ALIKE = {
    "a return with items below": ["LOAD_FAST 0", "LOAD_CONST 1", "RETURN_VALUE"],
    "NULL in a variable": ["PUSH_NULL", "STORE_FAST 0", "LOAD_FAST 0", "RETURN_VALUE"],
    "a number that is no list": ["LOAD_CONST 1", "LIST_TO_TUPLE", "RETURN_VALUE"],
    "a number that is no set": ["LOAD_CONST 1", "LOAD_CONST 1", "SET_ADD 1", "RETURN_VALUE"],
    "a number that is no dict": ["LOAD_CONST 1", "BUILD_MAP 0", "DICT_UPDATE 1", "RETURN_VALUE"],
    "a caught number": [
        "LOAD_CONST 1", "LOAD_CONST 1", "CHECK_EXC_MATCH", "RETURN_VALUE",
    ],
}  # fmt: skip


@made_by_hand
@pytest.mark.parametrize("what", ALIKE)
def test_odd_code_does_the_same(what):
    plain = outcome(lambda f: f(), assembled(ALIKE[what]))

    assert outcome(lambda f: _pyrs.run_function(f, ()), assembled(ALIKE[what])) == plain


# CPython takes these for what they are not, with luck or without: here they raise
TYPES = {
    "no code": ["LOAD_CONST 1", "MAKE_FUNCTION 0", "RETURN_VALUE"],
    "defaults that are a number": ["LOAD_CONST 1", "LOAD_CONST 3", "MAKE_FUNCTION 1", "RETURN_VALUE"],
    "a closure that is a string": ["LOAD_CONST 2", "LOAD_CONST 3", "MAKE_FUNCTION 8", "RETURN_VALUE"],
    "a closure that is too long": [
        "LOAD_CONST 1", "BUILD_TUPLE 1", "LOAD_CONST 3", "MAKE_FUNCTION 8", "RETURN_VALUE",
    ],
    "a with statement left by a number": [
        "LOAD_FAST 0", "LOAD_CONST 1", "LOAD_CONST 1", "LOAD_CONST 1", "WITH_EXCEPT_START 4",
        "SWAP 5", "POP_TOP", "POP_TOP", "POP_TOP", "POP_TOP", "RETURN_VALUE",
    ],
    "a loop ended by a number": [
        "LOAD_CONST 1", "LOAD_CONST 1", "END_ASYNC_FOR", "LOAD_CONST 1", "RETURN_VALUE",
    ],
    "keys that are a number": [
        "BUILD_MAP 0", "LOAD_CONST 1", "MATCH_KEYS", "SWAP 3", "POP_TOP", "POP_TOP", "RETURN_VALUE",
    ],
    "a number raised again": ["LOAD_CONST 1", "RERAISE 0"],
}  # fmt: skip


# A frame handed over goes on in CPython, which does not look.
@pytest.mark.native
@made_by_hand
@pytest.mark.parametrize("what", TYPES)
def test_a_wrong_type_raises(what):
    function = assembled(TYPES[what], consts=(None, 5, "s", inner.__code__))

    with pytest.raises(SystemError):
        _pyrs.run_function(function, ())


@made_by_hand
def test_a_handled_number():
    """It is pushed as the handled exception, and popped again."""
    function = assembled(
        ["LOAD_CONST 1", "PUSH_EXC_INFO", "POP_TOP", "POP_EXCEPT", "LOAD_FAST 0", "RETURN_VALUE"]
    )

    assert _pyrs.run_function(function, ()) == 1
    assert sys.exc_info() == (None, None, None)


@made_by_hand
@pytest.mark.parametrize("how", ["exec", "eval"])
def test_refused_code_of_exec_and_eval_is_counted(how):
    """It runs on CPython, once, and through the one door."""
    refused = compile("events.append(1)", "<refused>", how)
    refused = refused.replace(co_stacksize=0x7FFF)
    space = {"events": [], "refused": refused}
    before = _pyrs.stats()["delegated"]
    _pyrs.run_code(compile(f"result = {how}(refused)", "<outer>", "exec"), space, space)
    assert (space["events"], space["result"]) == ([1], None)
    assert _pyrs.stats()["delegated"] == before + 1


def test_a_refused_class_body_is_counted():
    body = assembled(["LOAD_FAST 0", "LOAD_CONST 0", "RETURN_VALUE"])
    makes = types.FunctionType(
        compile("__build_class__(body, 'Made')", "made", "eval"),
        {"body": body, "__builtins__": __builtins__},
    )
    before = _pyrs.stats()["delegated"]

    assert _pyrs.run_function(makes, ()).__name__ == "Made"
    assert _pyrs.stats()["delegated"] == before + 1
