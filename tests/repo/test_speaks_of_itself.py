"""Code and pages speak of the project: no machine's paths, tracker numbers or private hosts."""

import re

import pytest
from support.tree import ROOT, files

FOREIGN = {
    "a path of some machine": r"(?<![\w./-])/(?:root|work|home/\w+|Users/\w+|farm)/",
    "a number of some tracker": r"\bissues? #?\d+\b|\bticket #?\d+\b",
    "how the work was organised": r"\bin this session\b|\bsub-?agents?\b|\bworktrees?\b|\bthe brief\b",
    "a tool that wrote it": r"\b(?:chatgpt|copilot|claude|as an ai)\b",
    "a private host": r"https?://(?:10\.|192\.168\.|[\w-]+\.(?:internal|corp|lan)\b)",
}
TEXT = {
    ".py", ".pyi", ".c", ".h", ".def", ".inc", ".in", ".md", ".toml", ".txt", ".yaml", ".yml",
    ".sh", ".cmake", ".out", ".json", ".html", ".jinja", "",
}  # fmt: skip


def foreign_words(text):
    """(line number, what it is, the line) for each line that speaks of something else."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in FOREIGN.items():
            if re.search(pattern, line, re.IGNORECASE):
                yield number, what, line.strip()


def test_tree_speaks_of_itself():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {what}: {line[:120]}"
        for path in files()
        if path.suffix in TEXT and path.name != "test_speaks_of_itself.py"
        for number, what, line in foreign_words(path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []


@pytest.mark.parametrize(
    "line",
    ["see /root/x", "as issue 12 asks", "from http://10.0.0.1/simple", "written in this session"],
)
def test_foreign_words_are_found(line):
    assert [number for number, _, _ in foreign_words(f"ok\n{line}\n")] == [2]
