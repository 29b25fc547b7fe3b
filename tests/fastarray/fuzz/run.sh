#!/bin/sh
# tests/fastarray/fuzz/run.sh [executions]: builds with clang's libFuzzer, ASan and UBSan, runs,
# and reports the executions and which part of each C file they reached.
# CLANG names the compiler (LLVM its tools' suffix); PYTHON the interpreter whose libpython is
# used.  The kernels are compiled without instrumentation: they have tests of their own.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
clang=${CLANG:-$(command -v clang || command -v clang-19 || command -v clang-14)}
llvm=${LLVM:-$("$clang" -dumpversion | sed 's/\..*//;s/^/-/')}
work=${WORK:-$(mktemp -d)}
config() { "$python" -c "import sysconfig as s; print(s.$1)"; }
include=$(config 'get_paths()["include"]')
libdir=$(config 'get_config_var("LIBDIR")')
common="-std=gnu11 -O1 -g -w -fno-strict-aliasing -I$root/src/fastarray -I$root/src -I$include"
checked="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
    -fprofile-instr-generate -fcoverage-mapping"
objects=
mkdir -p "$work/corpus"
for name in $(sed 's/#.*//' "$root/src/fastarray/SOURCES") "$here/fuzz_main.c"; do
    case $name in /*) file=$name ;; *) file=$root/src/fastarray/$name ;; esac
    case $name in kernels/*) flags= ;; *) flags=$checked ;; esac
    object=$work/$(basename "$name").o
    # shellcheck disable=SC2086
    [ "$object" -nt "$file" ] || "$clang" $common $flags -c "$file" -o "$object"
    objects="$objects $object"
done
# shellcheck disable=SC2086
"$clang" -fsanitize=fuzzer,address,undefined -fprofile-instr-generate $objects \
    -L"$libdir" -Wl,-rpath,"$libdir" -lpython"$(config 'get_config_var("LDVERSION")')" -lm -o "$work/fuzz"
# Python is not instrumented: its allocator hides errors from ASan, hence malloc
PYTHONMALLOC=malloc PYTHONPATH="$here:$root/python" ASAN_OPTIONS=detect_leaks=0 \
    LLVM_PROFILE_FILE="$work/fuzz.profraw" "$work/fuzz" -runs="${1:-20000}" -max_len=200 \
    -len_control=0 -print_final_stats=1 -timeout=120 -rss_limit_mb=4096 -verbosity=0 \
    -artifact_prefix="$work/" "$work/corpus"
"llvm-profdata$llvm" merge -o "$work/fuzz.profdata" "$work/fuzz.profraw"
"llvm-cov$llvm" report "$work/fuzz" -instr-profile="$work/fuzz.profdata" \
    --show-branch-summary=false
