#!/bin/sh
# Makes a virtual environment: tools/prepare.sh <python> <venv>
#
# Takes what is there.  What the machine lacks (interpreter, headers, compiler)
# is installed with apt-get when we may, and named in one line when we may not.
# An environment made by another interpreter is replaced; its .interpreter file
# says who made it, and is what the Makefile waits for.
set -eu

python=$1
venv=$2

die() {
    echo "make: $*" >&2
    exit 1
}

# The Debian packages that provide what is missing for $python, if any.
missing_packages() {
    missing=
    command -v "${CC:-cc}" >/dev/null 2>&1 || missing="gcc libc6-dev"
    if ! path=$(command -v "$python" 2>/dev/null); then
        case $python in
            python3 | python3.[0-9]*) name=$python ;;
            /usr/bin/python3*) name=${python#/usr/bin/} ;;
            *) die "PYTHON=$python: no such interpreter" ;;
        esac
        echo "$missing $name $name-dev $name-venv"
        return
    fi
    case $path in
        /usr/bin/* | /bin/*) name=$(basename "$path") ;;
        *) name= ;;   # not Debian's: it has its own headers and venv, or we can't add them
    esac
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        missing="$missing ${name:+$name-venv}"
        [ -n "$name" ] || die "$python has no venv and ensurepip modules"
    fi
    if ! has_headers; then
        missing="$missing ${name:+$name-dev}"
        [ -n "$name" ] || die "$python has no headers (Python.h)"
    fi
    echo "$missing"
}

has_headers() {
    "$python" -c '
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' 2>/dev/null
}

install_packages() {
    say="apt-get install -y $*"
    command -v apt-get >/dev/null 2>&1 || die "missing on this machine: $* (Debian's names)"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        die "please install what is missing, then run make again: sudo $say"
    fi
    echo "make: $say"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    $as_root apt-get update -qq || die "apt-get update failed; needed: $say"
    $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        die "failed: $say"
}

check_version() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die \
        "Python 3.11 or newer is needed, $python is $("$python" -c \
        'import platform; print(platform.python_version())'); choose one with PYTHON="
}

packages=$(missing_packages)
# an interpreter that is too old is not worth headers
! command -v "$python" >/dev/null 2>&1 || check_version
# shellcheck disable=SC2086
[ -z "$(echo $packages)" ] || install_packages $packages
check_version

# What tells two interpreters apart as makers of an environment: not the date of the build,
# or an upgrade of the system would cost everything that is installed.
maker=$("$python" -c 'import platform, sys; print("#", platform.python_version(), sys.base_prefix)')
if [ "$(sed 's/ (.*]//' "$venv/.interpreter" 2>/dev/null)" != "$maker" ]; then
    # $python may be the environment's own, which goes now
    base=$("$python" -c 'import sys; print(sys._base_executable)')
    rm -rf "$venv"
    "$base" -m venv "$venv"
    echo "$maker" >"$venv/.interpreter"
fi
