"""src/pyforge/generated/pow10_table.h: 128-bit powers of ten for float → text."""

TARGET = "src/pyforge/generated/pow10_table.h"
FIRST, LAST = -292, 324


def significand(k: int) -> int:
    """10**k scaled into [2**127, 2**128), rounded up."""
    num, den = (10**k, 1) if k >= 0 else (1, 10**-k)
    shift = 128 - (num.bit_length() - den.bit_length())
    for s in (shift - 1, shift, shift + 1):
        scaled = -((-num << s) // den) if s >= 0 else -(-num // (den << -s))
        floor = (num << s) // den if s >= 0 else num // (den << -s)
        if 1 << 127 <= floor < 1 << 128:
            return scaled
    raise AssertionError(k)


def render() -> str:
    lines = [
        "/* Made by tools/gen/pow10_table.py (python tools/regen.py); not edited. */",
        f"enum {{ POW10_FIRST = {FIRST}, POW10_LAST = {LAST} }};",
        "static const uint64_t pow10_table[][2] = { /* high, low */",
    ]
    for k in range(FIRST, LAST + 1):
        g = significand(k)
        lines.append(f"    {{0x{g >> 64:016x}, 0x{g & (1 << 64) - 1:016x}}}, /* {k} */")
    return "\n".join([*lines, "};", ""])


def outputs() -> dict[str, str]:
    return {TARGET: render()}
