#!/bin/sh
# The VM against plain CPython, as bench/pyrs/run.py measures it; arguments go there.
#   bench/cpython_compare.sh                      everything, a few minutes
#   bench/cpython_compare.sh loop_sum --modes vm  one program
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${VENV:-$root/.venv}/bin/python
"$python" -c 'import pyperf, pyrs' 2>/dev/null || {
    echo "bench: run 'make bench' once, it installs what is needed" >&2
    exit 2
}
exec "$python" "$root/tools/variants.py" profiled "$root/bench/pyrs/run.py" "$@"
