"""`python -m pyrs.pm` is the same as `pyrs`."""

import sys

from pyrs.pm.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
