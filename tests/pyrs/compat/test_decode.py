"""The neutral stream equals what `dis` says, on the whole standard library."""

import dis
import marshal
import opcode
import sys
import sysconfig
from pathlib import Path

import pytest

VERSION = sys.version_info[:2]
JUMPS = {dis.opname[op] for op in [*dis.hasjrel, *dis.hasjabs]}

SAME = set(
    """
    RESUME COPY SWAP PUSH_NULL LOAD_CONST LOAD_SMALL_INT LOAD_FAST_CHECK STORE_FAST DELETE_FAST
    LOAD_GLOBAL STORE_GLOBAL DELETE_GLOBAL LOAD_NAME STORE_NAME DELETE_NAME LOAD_LOCALS
    LOAD_FROM_DICT_OR_GLOBALS LOAD_FROM_DICT_OR_DEREF LOAD_CLASSDEREF LOAD_DEREF STORE_DEREF
    DELETE_DEREF LOAD_CLOSURE MAKE_CELL COPY_FREE_VARS SETUP_ANNOTATIONS LOAD_BUILD_CLASS
    LOAD_ATTR LOAD_METHOD LOAD_SPECIAL STORE_ATTR DELETE_ATTR BINARY_SUBSCR STORE_SUBSCR
    DELETE_SUBSCR BINARY_SLICE STORE_SLICE UNARY_NEGATIVE UNARY_POSITIVE UNARY_INVERT UNARY_NOT
    TO_BOOL IS_OP CONTAINS_OP GET_LEN BUILD_TUPLE BUILD_LIST BUILD_SET BUILD_MAP
    BUILD_CONST_KEY_MAP BUILD_STRING BUILD_SLICE BUILD_TEMPLATE BUILD_INTERPOLATION LIST_APPEND
    SET_ADD MAP_ADD LIST_EXTEND SET_UPDATE DICT_UPDATE DICT_MERGE LIST_TO_TUPLE UNPACK_SEQUENCE
    UNPACK_EX FORMAT_VALUE CONVERT_VALUE MAKE_FUNCTION SET_FUNCTION_ATTRIBUTE KW_NAMES CALL
    CALL_KW RETURN_VALUE POP_JUMP_IF_TRUE POP_JUMP_IF_FALSE POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE
    JUMP_IF_TRUE_OR_POP JUMP_IF_FALSE_OR_POP GET_ITER FOR_ITER RETURN_GENERATOR YIELD_VALUE SEND
    END_SEND CLEANUP_THROW GET_YIELD_FROM_ITER GET_AWAITABLE GET_AITER GET_ANEXT END_ASYNC_FOR
    ASYNC_GEN_WRAP BEFORE_WITH BEFORE_ASYNC_WITH PUSH_EXC_INFO POP_EXCEPT CHECK_EXC_MATCH
    CHECK_EG_MATCH PREP_RERAISE_STAR RERAISE WITH_EXCEPT_START MATCH_CLASS MATCH_KEYS
    MATCH_MAPPING MATCH_SEQUENCE IMPORT_NAME IMPORT_FROM IMPORT_STAR PRINT_EXPR NOP
    """.split()
)
RENAMED = {
    "POP_TOP": "POP",
    "POP_ITER": "POP",
    "RAISE_VARARGS": "RAISE",
    "LOAD_COMMON_CONSTANT": "LOAD_COMMON",
    "LOAD_FAST_AND_CLEAR": "LOAD_FAST_CLEAR",
    "LOAD_FAST_BORROW": "LOAD_FAST",
    "LOAD_FAST": "LOAD_FAST_CHECK" if VERSION == (3, 11) else "LOAD_FAST",
    "JUMP_FORWARD": "JUMP",
    "JUMP_BACKWARD": "JUMP",
    "JUMP_BACKWARD_NO_INTERRUPT": "JUMP_NO_INTERRUPT",
    "CALL_FUNCTION_EX": "CALL_EX",
    **{
        f"POP_JUMP_{way}_IF_{what}": f"POP_JUMP_IF_{what}"
        for way in ("FORWARD", "BACKWARD")
        for what in ("TRUE", "FALSE", "NONE", "NOT_NONE")
    },
}
INTRINSICS_1 = {
    1: ("PRINT_EXPR", 1),
    2: ("IMPORT_STAR", 1),
    3: ("STOPITERATION_ERROR", 0),
    4: ("ASYNC_GEN_WRAP", 0),
    5: ("UNARY_POSITIVE", 0),
    6: ("LIST_TO_TUPLE", 0),
}


def expected_ops(name: str, arg: int) -> list[tuple[str, int, int]]:
    """(operation, arg, arg2) for one instruction, written from CPython's documentation of it."""
    if name in ("PRECALL", "NOT_TAKEN"):
        return []
    if name == "LOAD_GLOBAL":
        load, null = ("LOAD_GLOBAL", arg >> 1, 0), ("PUSH_NULL", 0, 0)
        if not arg & 1:
            return [load]
        return [null, load] if VERSION <= (3, 12) else [load, null]
    if name == "LOAD_ATTR" and VERSION >= (3, 12):
        return [("LOAD_METHOD" if arg & 1 else "LOAD_ATTR", arg >> 1, 0)]
    if name == "LOAD_SUPER_ATTR":
        return [("LOAD_SUPER_METHOD" if arg & 1 else "LOAD_SUPER_ATTR", arg >> 2, arg >> 1 & 1)]
    if name == "BINARY_OP":
        if arg == 26:
            return [("BINARY_SUBSCR", 0, 0)]
        return [("INPLACE_OP", arg - 13, 0) if arg >= 13 else ("BINARY_OP", arg, 0)]
    if name == "COMPARE_OP":
        shift = {(3, 11): 0, (3, 12): 4}.get(VERSION, 5)
        return [(name, arg >> shift, arg >> 4 & 1 if shift == 5 else 0)]
    if name == "RETURN_CONST":
        return [("LOAD_CONST", arg, 0), ("RETURN_VALUE", 0, 0)]
    if name in ("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"):
        return [("LOAD_FAST", arg >> 4, 0), ("LOAD_FAST", arg & 15, 0)]
    if name == "STORE_FAST_LOAD_FAST":
        return [("STORE_FAST", arg >> 4, 0), ("LOAD_FAST", arg & 15, 0)]
    if name == "STORE_FAST_STORE_FAST":
        return [("STORE_FAST", arg >> 4, 0), ("STORE_FAST", arg & 15, 0)]
    if name == "END_FOR":
        return [("POP", 0, 0)] * (2 if VERSION == (3, 12) else 1)
    if name == "LOAD_ASSERTION_ERROR":
        return [("LOAD_COMMON", 0, 0)]
    if name in ("FORMAT_SIMPLE", "FORMAT_WITH_SPEC"):
        return [("FORMAT_VALUE", 4 if name == "FORMAT_WITH_SPEC" else 0, 0)]
    if name == "CALL_INTRINSIC_1":
        return [(*INTRINSICS_1.get(arg, ("INTRINSIC_1", arg)), 0)]
    if name == "CALL_INTRINSIC_2":
        return [("PREP_RERAISE_STAR", 0, 0) if arg == 1 else ("INTRINSIC_2", arg, 0)]
    if name == "CALL_FUNCTION_EX" and VERSION >= (3, 14):
        return [("CALL_EX", 1, 0)]
    if name == "RESUME":
        return [(name, arg & 3, 0)]
    if name == "YIELD_VALUE":
        return [(name, arg if VERSION >= (3, 13) else 0, 0)]
    if name == "DICT_MERGE":
        return [(name, arg, arg + (2 if VERSION <= (3, 12) else 3))]
    if name == "WITH_EXCEPT_START":
        return [(name, 5 if VERSION >= (3, 14) else 4, 0)]
    if name in ("FOR_ITER", "SEND"):
        return [(name, 0, int(VERSION >= ((3, 13) if name == "FOR_ITER" else (3, 12))))]
    if name in ("END_ASYNC_FOR", "GET_ITER") or name in JUMPS:
        return [(RENAMED.get(name, name), 0, 0)]
    assert name in SAME or name in RENAMED, f"no expectation for {name}"
    return [(RENAMED.get(name, name), arg, 0)]


def caches_of(op: int) -> int:
    table = opcode._inline_cache_entries
    return table[op] if isinstance(table, list) else table.get(dis.opname[op], 0)


def expected_stream(code):
    stream, handlers = [], []
    start = None
    for i in dis.get_instructions(code):
        word = i.offset // 2
        if start is None:
            start = word
        if i.opname == "EXTENDED_ARG":
            continue
        target = 0
        if i.opname in JUMPS and i.opname != "END_ASYNC_FOR":
            target = i.argval // 2
            if i.opname == "FOR_ITER" and VERSION >= (3, 12):  # past END_FOR
                target = word + 1 + caches_of(i.opcode) + (i.arg or 0) + 1
        after = word + 1 + caches_of(i.opcode)
        for op, arg, arg2 in expected_ops(i.opname, i.arg or 0):
            stream.append((op, arg, arg2, word, start, after, target))
        start = None
    for e in dis._parse_exception_table(code):
        handlers.append((e.start // 2, e.end // 2, e.target // 2, e.depth, e.lasti))
    return stream, handlers


def codes_in(code):
    yield code
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            yield from codes_in(const)


def library_codes(limit=None):
    lib = Path(sysconfig.get_path("stdlib"))
    files = sorted(p for p in lib.rglob("*.py") if "site-packages" not in p.parts)
    for path in files[:: max(1, len(files) // limit) if limit else 1]:
        try:
            yield from codes_in(compile(path.read_bytes(), str(path), "exec", dont_inherit=True))
        except (SyntaxError, ValueError):
            continue  # deliberately broken test data


def check(cpy, code):
    stream, handlers, at = cpy.decode(code)
    want, want_handlers = expected_stream(code)

    assert stream == want
    assert handlers == want_handlers
    starts = {}
    for i, insn in enumerate(stream):
        starts.setdefault(insn[4], i)
    for word, index in starts.items():
        assert at[word] == index
    assert len(at) == len(code.co_code) // 2


def test_stream_equals_dis_on_a_sample_of_the_library(cpy):
    n = 0
    for code in library_codes(limit=120):
        check(cpy, code)
        n += 1
    assert n > 1000


@pytest.mark.slow
def test_stream_equals_dis_on_the_whole_library(cpy):
    n = 0
    for code in library_codes():
        check(cpy, code)
        n += 1
    assert n > 15_000


def test_decoding_leaves_no_copy_of_the_bytecode(cpy):
    codes = [compile(f"x = {i}", "f", "exec") for i in range(200)]
    cpy.decode(compile("x = 0", "f", "exec"))

    before = sys.getallocatedblocks()
    for code in codes:
        cpy.decode(code)
    assert sys.getallocatedblocks() - before < 50, "a copy for each would be 200"

    kept = codes[0].co_code
    stream = cpy.decode(codes[0])
    assert codes[0].co_code == kept
    assert stream == cpy.decode(codes[0])


def test_specialised_code_decodes_like_fresh_code(cpy):
    def hot(n):
        total = 0
        for i in range(n):
            total += i if i % 2 else -i
        return total

    before = cpy.decode(hot.__code__)
    hot(5000)

    assert cpy.decode(hot.__code__) == before


def test_rows_give_the_interpreters_cache_counts(cpy):
    seen = {}
    for code in library_codes(limit=60):
        raw = code.co_code
        for insn in cpy.decode(code)[0]:
            seen[raw[2 * insn[3]]] = insn[5] - insn[3] - 1

    assert seen == {op: caches_of(op) for op in seen}


def test_handler_lookup_finds_the_covering_entry(cpy):
    def f():
        try:
            g()  # noqa: F821
        except E:  # noqa: F821
            h()  # noqa: F821
        finally:
            k()  # noqa: F821

    code = f.__code__
    handlers = cpy.decode(code)[1]
    for word in range(len(code.co_code) // 2):
        want = next((i for i, h in enumerate(handlers) if h[0] <= word < h[1]), None)
        assert cpy.find_handler(code, word) == want


def bad_code(raw: bytes, **changes):
    return (lambda x: x).__code__.replace(co_code=raw, **changes)


NOP, RETURN = opcode.opmap["NOP"], opcode.opmap["RETURN_VALUE"]
LOAD = opcode.opmap["LOAD_FAST"]
CONST = opcode.opmap["LOAD_CONST"]
FORWARD, BACKWARD = opcode.opmap["JUMP_FORWARD"], opcode.opmap["JUMP_BACKWARD"]
EXTENDED = opcode.EXTENDED_ARG
UNUSED = opcode.opmap.get("RESERVED", 254)


@pytest.mark.parametrize(
    "raw, changes, message",
    [
        ([UNUSED, 0, RETURN, 0], {}, r"unknown opcode .*at word 0"),
        ([LOAD, 9, RETURN, 0], {}, r"argument out of range .*at word 0"),
        ([CONST, 200, RETURN, 0], {}, r"argument out of range"),
        ([NOP, 0, FORWARD, 50], {}, r"jump out of the code .*at word 1"),
        ([BACKWARD, 50, RETURN, 0], {}, r"jump out of the code"),
        ([FORWARD, 1, EXTENDED, 0, LOAD, 0, RETURN, 0], {}, r"jump into the middle .*at word 0"),
        ([LOAD, 0, EXTENDED, 1], {}, r"EXTENDED_ARG at the end"),
        ([LOAD, 0, NOP, 0], {}, r"code runs off its end"),
        ([LOAD, 0, RETURN, 0], {"co_exceptiontable": b"\x80\x01"}, r"bad exception table"),
        ([LOAD, 0, RETURN, 0], {"co_exceptiontable": b"\x80\x01\x30\x00"}, r"bad exception table"),
    ],
)
def test_ill_formed_code_is_refused_by_name(cpy, raw, changes, message):
    code = bad_code(bytes(raw), **changes)

    with pytest.raises(ValueError, match=message):
        cpy.decode(code)


@pytest.mark.slow
def test_decoding_stays_in_its_budget(cpy):
    """Fresh code objects in quantities that stay in the cache, as they come from an import."""
    codes = marshal.dumps(list(library_codes(limit=10)))

    runs = [cpy.decode_time(marshal.loads(codes)) for _ in range(50)]
    words, ns = min(runs, key=lambda r: r[1])[:2]

    assert words > 5000
    assert ns / words < 15, f"{ns / words:.1f} ns per unit"
