#!/bin/sh
# Does the compatibility layer compile, without a warning, against each of these interpreters?
#
#   tools/compile_versions.sh [PYTHON ...]     default: python3.11 to python3.14 of PATH
#   CC=clang CFLAGS=-DNDEBUG tools/compile_versions.sh python3.12
#
# An interpreter needs its C headers (python3-dev); it is not needed for anything else.
set -u
cd "$(dirname "$0")/.."

FLAGS="-std=gnu11 -O2 -fsyntax-only -Wall -Wextra -Werror
    -Wno-unused-parameter -Wno-missing-field-initializers -Wno-cast-function-type"

if [ $# -eq 0 ]; then
    for minor in 11 12 13 14; do
        command -v "python3.$minor" > /dev/null && set -- "$@" "python3.$minor"
    done
fi
if [ $# -eq 0 ]; then
    echo "no python3.11 to python3.14 on PATH; name one" >&2
    exit 2
fi

failed=0
for python; do
    include=$("$python" -c 'import sysconfig as s; print("-I" + s.get_path("include"), "-I" + s.get_path("platinclude"))') || exit 2
    version=$("$python" -c 'import platform; print(platform.python_version())')
    bad=0
    for file in $(find src/cpyext_compat tests/pyrs/compat -name '*.c' | sort); do
        # shellcheck disable=SC2086  # lists of flags
        ${CC:-cc} $FLAGS ${CFLAGS:-} -Isrc $include "$file" || bad=1
    done
    # a header compiles by itself, first in a file
    for file in $(find src/cpyext_compat -name 'cpy_*.h' ! -name 'cpy_frame_3*' | sort); do
        # shellcheck disable=SC2086
        echo "#include \"${file#src/}\"" | ${CC:-cc} $FLAGS ${CFLAGS:-} -Isrc $include -x c - || bad=1
    done
    if [ $bad -eq 0 ]; then echo "$version: compiles"; else echo "$version: FAILS"; failed=1; fi
done
exit $failed
