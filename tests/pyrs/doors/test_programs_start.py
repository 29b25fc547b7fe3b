"""`python -m pyrs X` starts X as `python X` does: the same output, messages and exit code."""

import io
import marshal
import py_compile
import zipfile
from importlib.util import MAGIC_NUMBER

import pytest

from conftest_import import Case  # noqa: F401
