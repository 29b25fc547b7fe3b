"""src/stacklessvm/jit/generated/: stencils cut from what clang makes of the instruction bodies.

Needs clang 19 and the headers of the CPython the stencils are for, that is, of the one that
runs this.  Without them there are no outputs: what is committed stays as it is.
"""

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = "src/stacklessvm/jit/stencils/t2.c"
CLANG = "clang-19"
PYTHON = (3, 11)
TARGET = "x86_64"
FLAGS = [
    *f"--target={TARGET}-linux-gnu -std=gnu11 -O2 -DNDEBUG -fno-pic -mcmodel=small".split(),
    *["-fno-stack-protector", "-fcf-protection=none", "-fno-asynchronous-unwind-tables"],
    *["-fno-unwind-tables", "-fno-jump-tables", "-fomit-frame-pointer", "-fno-strict-aliasing"],
    *["-ffunction-sections", "-fdata-sections", "-Wno-incompatible-pointer-types"],
    # CPython's data may be anywhere: through a slot beside the code
    "-fno-direct-access-external-data",
    # a call into the object file itself would have nowhere to go
    *["-mllvm", "-inline-cold-callsite-threshold=225"],
]

# instruction -> its stencil, or its stencils for jumps forward and back
STENCILS = {
    "MOV": ["MOV"],
    "MOV_L": ["MOV_L"],
    "K": ["K"],
    "K_L": ["K_L"],
    "ADD": ["ADD"],
    "ADD_L": ["ADD_L"],
    "JF_LT": ["JF_LT", "JF_LT_BACK"],
    "JT_LT": ["JT_LT", "JT_LT_BACK"],
    "RET": ["RET"],
}
ALONE = ["ENTER", "LEAVE"]  # of no instruction

FILLS = {
    "HOLE_A": "FILL_A",
    "HOLE_B": "FILL_B",
    "HOLE_C": "FILL_C",
    "HOLE_PC": "FILL_PC",
    "HOLE_TARGET": "FILL_TARGET",
    "STENCIL_NEXT": "FILL_NEXT",
    "STENCIL_JUMP": "FILL_JUMP",
}
KINDS = {
    "R_X86_64_32": "HOLE_ABS32",
    "R_X86_64_32S": "HOLE_ABS32S",
    "R_X86_64_64": "HOLE_ABS64",
    "R_X86_64_PC32": "HOLE_REL32",
    "R_X86_64_PLT32": "HOLE_REL32",
    "R_X86_64_GOTPCREL": "HOLE_SLOT",
    "R_X86_64_GOTPCRELX": "HOLE_SLOT",
    "R_X86_64_REX_GOTPCRELX": "HOLE_SLOT",
}
JMP = 0xE9


@dataclass
class Hole:
    offset: int
    kind: str
    symbol: str
    addend: int


@dataclass
class Stencil:
    name: str
    code: bytes
    holes: list[Hole] = field(default_factory=list)

    def without_last_jump(self) -> "Stencil":
        """The code behind it is what the last jump goes to."""
        last = self.holes[-1] if self.holes else None
        start = len(self.code) - 5
        if last and last.symbol == "STENCIL_NEXT" and last.offset == start + 1:
            assert self.code[start] == JMP and last.addend == -4
            return Stencil(self.name, self.code[:start], self.holes[:-1])
        return self


def missing() -> str | None:
    """What this machine lacks to make them."""
    if sys.version_info[:2] != PYTHON:
        return "CPython {}.{}".format(*PYTHON)
    if shutil.which(CLANG) is None:
        return CLANG
    if importlib.util.find_spec("elftools") is None:
        return "pyelftools"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "CPython's headers"
    return None


def compiled(source: Path, folder: Path) -> Path:
    includes = [ROOT / "src", ROOT / "src/stacklessvm", Path(sysconfig.get_path("include"))]
    target = folder / "stencils.o"
    command = [CLANG, *FLAGS, *(f"-I{path}" for path in includes), "-c", source, "-o", target]
    subprocess.run([str(part) for part in command], check=True)
    return target


def cut(elf: Any, name: str) -> Stencil:
    """One function, alone in its section."""
    section = elf.get_section_by_name(f".text.stencil_{name}")
    relocations = elf.get_section_by_name(f".rela.text.stencil_{name}")
    stencil = Stencil(name, section.data())
    for r in relocations.iter_relocations() if relocations else ():
        symbol = elf.get_section(relocations["sh_link"]).get_symbol(r["r_info_sym"])
        stencil.holes.append(
            Hole(r["r_offset"], kind_of(r["r_info_type"]), symbol_name(name, symbol), r["r_addend"])
        )
    stencil.holes.sort(key=lambda hole: hole.offset)
    return stencil.without_last_jump()


def kind_of(number: int) -> str:
    from elftools.elf.enums import ENUM_RELOC_TYPE_x64

    names = {value: key for key, value in ENUM_RELOC_TYPE_x64.items()}
    return KINDS[names[number]]


def symbol_name(stencil: str, symbol: Any) -> str:
    """Only names can be filled in: data of the object file itself can't come along."""
    if symbol["st_shndx"] != "SHN_UNDEF":
        raise ValueError(f"stencil {stencil} needs something of its own file (a constant?)")
    return str(symbol.name)


def stencils() -> list[Stencil]:
    from elftools.elf.elffile import ELFFile

    names = [*ALONE, *(name for each in STENCILS.values() for name in each)]
    with tempfile.TemporaryDirectory() as folder:
        path = compiled(ROOT / SOURCE, Path(folder))
        with path.open("rb") as file:
            elf = ELFFile(file)
            return [cut(elf, name) for name in names] + [layout(elf)]


def layout(elf: Any) -> Stencil:
    """Not code: the offsets the code relies on."""
    return Stencil("layout", elf.get_section_by_name(".rodata.stencil_layout").data())


def outside(made: list[Stencil]) -> list[str]:
    """The functions and objects that stencils use, in the order they are met."""
    names = [hole.symbol for stencil in made for hole in stencil.holes]
    return list(dict.fromkeys(name for name in names if name not in FILLS))


def numbers(data: bytes) -> Iterator[str]:
    for at in range(0, len(data), 16):
        yield "    " + " ".join(f"0x{byte:02x}," for byte in data[at : at + 16])


def stencil_text(stencil: Stencil, symbols: list[str]) -> Iterator[str]:
    yield f"static const unsigned char {stencil.name}_bytes[] = {{"
    yield from numbers(stencil.code)
    yield "};"
    yield f"static const StencilHole {stencil.name}_holes[] = {{"
    for hole in stencil.holes:
        fill = FILLS.get(hole.symbol) or f"FILL_SYMBOL + {symbols.index(hole.symbol)}"
        yield f"    {{{hole.offset}, {hole.kind}, {fill}, {hole.addend}}},"
    yield "    {0},"
    yield "};"


def stencil_row(stencil: Stencil) -> str:
    name = stencil.name
    return f"{{{name}_bytes, {name}_holes, {len(stencil.code)}, {len(stencil.holes)}}}"


def header(made: list[Stencil]) -> str:
    by_name = {stencil.name: stencil for stencil in made}
    symbols = outside(made)
    lines = [f"/* Made by `python tools/regen.py stencils` from {SOURCE}; not edited. */"]
    offsets = by_name.pop("layout").code
    values = [int.from_bytes(offsets[i : i + 2], "little") for i in range(0, len(offsets), 2)]
    lines.append(f"static const uint16_t made_for_layout[] = {{{', '.join(map(str, values))}}};")
    lines.append("static const void *const stencil_symbols[] = {")
    lines += [f"    (const void *)&{name}," for name in symbols]
    lines.append("};")
    for stencil in by_name.values():
        lines += stencil_text(stencil, symbols)
    lines += [f"static const Stencil {n}_stencil = {stencil_row(by_name[n])};" for n in ALONE]
    lines.append("/* by instruction; the second one is for jumps back */")
    lines.append("static const Stencil stencils[VM_OP_COUNT][2] = {")
    for op, names in STENCILS.items():
        lines.append(f"    [VM_{op}] = {{")
        lines += [f"        {stencil_row(by_name[name])}," for name in names]
        lines.append("    },")
    lines.append("};")
    return "\n".join(lines) + "\n"


def outputs() -> dict[str, str]:
    lacking = missing()
    if lacking:
        print(f"stencils: left as they are without {lacking}", file=sys.stderr)
        return {}
    name = "stencils_{}_py{}{}.h".format(TARGET, *PYTHON)
    return {f"src/stacklessvm/jit/generated/{name}": header(stencils())}
