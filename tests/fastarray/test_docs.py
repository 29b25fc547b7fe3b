"""Every Python example in the pages runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = sorted((ROOT / "docs" / "fastarray").glob("*.md"))
EXAMPLES = [(page, match) for page in PAGES for match in FENCE.findall(page.read_text("utf-8"))]


def test_there_are_examples():
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize(("page", "code"), EXAMPLES, ids=lambda v: getattr(v, "name", ""))
def test_example_runs(page, code):
    exec(compile(code, str(page), "exec"), {"__name__": "example"})
