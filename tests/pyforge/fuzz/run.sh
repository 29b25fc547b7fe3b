#!/bin/sh
# tests/pyforge/fuzz/run.sh [seconds] [target ...]: builds with clang's libFuzzer, ASan and
# UBSan, and runs each target (all of targets.py) for that long; a line of figures for each.
# CLANG names the compiler; PYTHON the interpreter whose packages and libpython are used.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
clang=${CLANG:-$(command -v clang || command -v clang-14)}
work=$(mktemp -d)
config() { "$python" -c "import sysconfig as s; print(s.$1)"; }
include=$(config 'get_paths()["include"]')
version=$(config 'get_config_var("LDVERSION")')
libdir=$(config 'get_config_var("LIBDIR")')
sources=$(grep -v '#' "$root/src/pyforge/SOURCES" | sed "s|^|$root/src/pyforge/|")
# shellcheck disable=SC2086
"$clang" -std=gnu11 -O1 -g -w -fno-strict-aliasing -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=undefined -I"$root/src/pyforge" -I"$root/src" -I"$include" \
    "$here/fuzz_main.c" $sources -L"$libdir" -Wl,-rpath,"$libdir" -lpython"$version" -lm -o "$work/fuzz"
packages=$(config 'get_paths()["purelib"]')
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- loads rows canonical rules automaton pg values
# Python is not instrumented: its allocator hides errors from ASan, hence malloc
export PYTHONMALLOC=malloc PYTHONPATH="$here:$root/python:$packages" ASAN_OPTIONS=detect_leaks=0
for target in "$@"; do
    export FUZZ_TARGET="$target" FUZZ_SEEDS="$work/$target"
    mkdir -p "$FUZZ_SEEDS"
    "$work/fuzz" -max_total_time="$seconds" -max_len=160 -len_control=0 -print_final_stats=1 \
        -timeout=20 -rss_limit_mb=4096 -artifact_prefix="$work/" "$FUZZ_SEEDS" \
        > "$work/$target.log" 2>&1 || { tail -40 "$work/$target.log"; exit 1; }
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target.log")
    reached=$(grep -o 'cov: [0-9]* ft: [0-9]*' "$work/$target.log" | tail -1)
    edges=$(sed -n 's/.*inline 8-bit counters.*(\([0-9]*\) .*/\1/p;s/.*(\([0-9]*\) inline 8-bit.*/\1/p' \
        "$work/$target.log" | head -1)
    echo "$target: $runs executions, $reached of $edges edges, no finding"
done
