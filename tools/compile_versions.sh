#!/bin/sh
# Do the compatibility layer and the VM compile, without a warning, for each of these Pythons?
#
#   tools/compile_versions.sh [PYTHON | INCLUDE_DIR ...]
#   CC=clang CFLAGS=-DNDEBUG tools/compile_versions.sh python3.12 /somewhere/include/python3.14
#
# Only C headers are needed: those of an interpreter (python3-dev), or a directory with Python.h.
# Default: python3.11 to python3.14 of PATH, and what PYTHON_HEADERS names.
set -u
cd "$(dirname "$0")/.."

FLAGS="$(sed 's/#.*//' src/CFLAGS) -fsyntax-only -Werror -Wno-cast-function-type"

if [ $# -eq 0 ]; then
    for minor in 11 12 13 14; do
        # a name on PATH may be a launcher of something that isn't there
        "python3.$minor" -c '' 2> /dev/null && set -- "$@" "python3.$minor"
    done
    # shellcheck disable=SC2086  # a list
    set -- "$@" ${PYTHON_HEADERS:-}
fi
if [ $# -eq 0 ]; then
    echo "no python3.11 to python3.14 on PATH; name one, or a directory of headers" >&2
    exit 2
fi

include_flags() {
    if [ -d "$1" ]; then
        # Debian keeps a part of them in a folder beside
        echo "-I$1 -idirafter $(dirname "$1")"
    else
        "$1" -c 'import sysconfig as s; print("-I" + s.get_path("include"), "-I" + s.get_path("platinclude"))'
    fi
}

compile() {
    # shellcheck disable=SC2086  # lists of flags
    ${CC:-cc} $FLAGS ${CFLAGS:-} -Isrc -Isrc/stacklessvm $include "$@"
}

failed=0
for python; do
    include=$(include_flags "$python") || exit 2
    version=$(echo PY_VERSION | compile -P -E -include Python.h -x c - | tail -n 1 | tr -d '"')
    bad=0
    # without the stencils, which are clang's alone
    for file in $(find src/cpyext_compat src/stacklessvm tests/pyrs/compat -name '*.c' ! -path '*/stencils/*' | sort); do
        compile "$file" || bad=1
    done
    # a header compiles by itself, first in a file
    for file in $(find src/cpyext_compat -name 'cpy_*.h' ! -name 'cpy_frame_3*' | sort); do
        echo "#include \"${file#src/}\"" | compile -x c - || bad=1
    done
    if [ $bad -eq 0 ]; then echo "$version: compiles"; else echo "$version: FAILS"; failed=1; fi
done
exit $failed
