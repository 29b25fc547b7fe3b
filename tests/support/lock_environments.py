"""The environments a lock is asked for: (platform, machine, Python)."""

ENVIRONMENTS = [
    (platform, machine, python)
    for platform, machines in (
        ("linux", ("x86_64", "aarch64")),
        ("darwin", ("x86_64", "arm64")),
        ("win32", ("AMD64", "ARM64")),
    )
    for machine in machines
    for python in ("3.11.0", "3.14.0")
]
