"""pyforge's figures: ratios of one run against Django and others.

    python bench/pyforge/run.py [--gate] [validation encoding querysets items]

Each ratio is printed with its goal and how much fell back; --gate makes the exit status 1
when one is worse than its floor. A private PostgreSQL is started when there is one.
"""

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parents[1] / "tests/pyforge"
SECTIONS = ["validation", "encoding", "querysets", "items"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("section", nargs="*", metavar="section", help=" ".join(SECTIONS))
    options = parser.parse_args()
    sys.path[:0] = [str(HERE), str(TESTS)]
    os.environ["PYTHONPATH"] = f"{TESTS}:{os.environ.get('PYTHONPATH', '')}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    import pgserver

    pgserver.start_if_wanted()
    try:
        import django

        django.setup()
        import harness

        print(
            f"Python {platform.python_version()}, Django {django.get_version()}, {platform.machine()}"
        )
        for name in options.section or SECTIONS:
            importlib.import_module(name).main()
        print("\nsummary")
        for line in harness.LINES:
            print(line.text())
        below = [line for line in harness.LINES if not line.above_gate]
        missed = [line for line in harness.LINES if not line.met]
        print(
            f"{len(harness.LINES)} figures, {len(missed)} goals missed, {len(below)} below the floor"
        )
        return int(options.gate and bool(below))
    finally:
        pgserver.stop()


if __name__ == "__main__":
    sys.exit(main())
