"""A private PostgreSQL cluster on a free port, run by an unprivileged user.

Its address goes into FORGE_PG, which the settings read. Without PostgreSQL's programs
the tests that need it are skipped; with FORGE_REQUIRE_PG set, and in CI, there are no tests.
"""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

_running = []  # (command, directory) of the cluster this process started


def _programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: p.split("/")[4])
    if found:
        return os.path.dirname(found[-1])
    path = shutil.which("initdb")
    return os.path.dirname(path) if path else None


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _as_user():
    """PostgreSQL refuses root: the postgres user, or nobody, when we are root."""
    if os.geteuid() != 0:
        return [], None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return [
            "setpriv",
            f"--reuid={user.pw_uid}",
            f"--regid={user.pw_gid}",
            "--clear-groups",
        ], user
    return None, None


def start():
    """Start a cluster; its "host:port", or None when it can't be."""
    programs = _programs()
    prefix, user = _as_user()
    if programs is None or prefix is None:
        return None
    directory = tempfile.mkdtemp(prefix="forge-pg-")
    if user is not None:
        os.chown(directory, user.pw_uid, user.pw_gid)
    port = _free_port()
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    env.pop("LD_PRELOAD", None)  # a sanitizer is for us, not for the server

    def run(*command):
        subprocess.run([*prefix, *command], check=True, env=env, cwd=directory,
                       stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)  # fmt: skip

    data = f"{directory}/data"
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={directory} "
        "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    )
    run(
        f"{programs}/initdb",
        "-D",
        data,
        "-U",
        "forge",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    )
    _running.append(
        ([*prefix, f"{programs}/pg_ctl", "-D", data, "-m", "immediate", "stop"], directory)
    )
    run(f"{programs}/pg_ctl", "-D", data, "-w", "-o", options, "-l", f"{directory}/log", "start")
    client = [f"{programs}/psql", "-h", "127.0.0.1", "-p", str(port), "-U", "forge", "-d"]
    run(*client, "postgres", "-c", "create database forge")
    for extension in ("hstore", "citext"):
        run(*client, "forge", "-c", f"create extension {extension}")
        run(*client, "template1", "-c", f"create extension {extension}")
    return f"127.0.0.1:{port}"


def start_if_wanted():
    if os.environ.get("FORGE_PG") or os.environ.get("FORGE_NO_PG"):
        return
    try:
        address = start()
    except (OSError, subprocess.CalledProcessError):
        address = None
    if address is not None:
        os.environ["FORGE_PG"] = address
    elif os.environ.get("FORGE_REQUIRE_PG") or os.environ.get("CI") == "true":
        raise RuntimeError("PostgreSQL is required here and could not be started")


def stop():
    while _running:
        command, directory = _running.pop()
        subprocess.run(
            command, check=False, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        shutil.rmtree(directory, ignore_errors=True)
        os.environ.pop("FORGE_PG", None)


if __name__ == "__main__":  # for benches and shells: prints the address, runs until killed
    import signal
    import sys

    print(start(), flush=True)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit())
    try:
        signal.pause()
    finally:
        stop()
