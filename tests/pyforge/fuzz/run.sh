#!/bin/sh
# tests/pyforge/fuzz/run.sh [seconds]: builds with clang's libFuzzer, ASan and UBSan, and runs.
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
    "$here/fuzz_main.c" $sources -L"$libdir" -lpython"$version" -lm -o "$work/fuzz"
mkdir -p "$work/corpus"
i=0 # a few seeds, one or two for each target
for seed in '0{"a": [1.5e3, "\\u00e9", null]}' '1[{"a":"x","b":"2024-01-02T03:04:05Z","d":"1.5","e":null}]' \
    '2{"a": [1, "b\\n"]}' '3user@example.com' '3http://u:p@example.com:80/p?q#f' '3::1' '4^[a-f]{2,3}(x|y)*$' \
    '5aa{1,2,NULL}' '5ab"k"=>"v", "n"=>NULL' '5aa2024-01-02 03:04:05.123+00' '5aa1 day 02:03:04' '6[1, "\\ud800"]'; do
    i=$((i + 1))
    printf '%s' "$seed" > "$work/corpus/seed$i"
done
packages=$(config 'get_paths()["purelib"]')
# Python is not instrumented: its allocator hides errors from ASan, hence malloc
PYTHONMALLOC=malloc PYTHONPATH="$here:$root/python:$packages" ASAN_OPTIONS=detect_leaks=0 \
    "$work/fuzz" -max_total_time="${1:-60}" -max_len=120 -len_control=0 -print_final_stats=1 \
    -timeout=20 -rss_limit_mb=4096 "$work/corpus"
