"""Source distributions: built in isolation by their own backend (PEP 517), cached by hash.

Building runs the distribution's code with the user's rights.  That is why it can be refused, and
why nothing is built when a wheel fits.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from . import link
from .errors import BuildError, PyrsError
from .interpreter import Interpreter
from .metadata import Metadata, parse_metadata
from .sdist import unpack_sdist
from .store import Store

_LEGACY = {"requires": ["setuptools>=40.8.0"], "build-backend": "setuptools.build_meta:__legacy__"}

# resolves and places build requirements; given the requirement strings, returns the environment's folder
MakeEnvironment = Callable[[list[str]], Path]


class Builder:
    def __init__(
        self, store: Store, interpreter: Interpreter, make_environment: MakeEnvironment
    ) -> None:
        self.store = store
        self.interpreter = interpreter
        self.make_environment = make_environment

    def wheel(self, archive: Path, sha256: str) -> Path:
        """The wheel of a source archive: from an earlier build, or built now."""
        known = self._known(sha256)
        if known:
            return known
        with self._workspace() as work:
            source = unpack_sdist(archive, Path(work))
            wheel = self.build_tree(source, Path(work) / "out.wheels")
            return self._keep(sha256, wheel)

    def wheel_of_tree(self, source: Path) -> Path:
        """The wheel of a local folder, built again whenever its content changed."""
        sha256 = _tree_digest(source)
        known = self._known(sha256)
        if known:
            return known
        with self._workspace() as work:
            return self._keep(sha256, self.build_tree(source, Path(work)))

    def _key(self, sha256: str) -> Path:
        return self.store.base / "builds" / f"{sha256}-{self.interpreter.cache_tag}"

    def _known(self, sha256: str) -> Path | None:
        try:
            name, digest = (self._key(sha256) / "wheel").read_text().split("\n")
            path = self._key(sha256) / name
            return path if hashlib.sha256(path.read_bytes()).hexdigest() == digest else None
        except (OSError, ValueError):
            return None

    def _keep(self, sha256: str, wheel: Path) -> Path:
        folder = self._key(sha256)
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / wheel.name
        link.replace_file(str(kept), wheel.read_bytes())
        digest = hashlib.sha256(kept.read_bytes()).hexdigest()
        link.replace_file(str(folder / "wheel"), f"{wheel.name}\n{digest}".encode())
        return kept

    @contextmanager
    def _workspace(self) -> Iterator[str]:
        """A folder that is not collected meanwhile, nor is the environment the backend runs in."""
        place = self.store.base / "tmp"
        with self.store.lock(), tempfile.TemporaryDirectory(dir=place, prefix="build-") as work:
            yield work

    def build_tree(self, source: Path, out: Path) -> Path:
        out.mkdir(exist_ok=True)
        name = self._hook(source, "build_wheel", str(out))
        wheel = out / name
        if os.path.basename(name) != name or not wheel.is_file():
            raise BuildError(f"{source.name}: the build backend named no wheel ({name!r})")
        return wheel

    def metadata_of_tree(self, source: Path) -> Metadata:
        with self._workspace() as work:
            folder = self._hook(source, "prepare_metadata_for_build_wheel", work)
            return parse_metadata((Path(work) / folder / "METADATA").read_bytes())

    def metadata_of_archive(self, name: str, body: bytes) -> Metadata:
        with self._workspace() as work:
            archive, source = Path(work) / name, Path(work) / "source"
            archive.write_bytes(body)
            source.mkdir()
            return self.metadata_of_tree(unpack_sdist(archive, source))

    def _hook(self, source: Path, hook: str, target: str) -> str:
        from pyproject_hooks import BackendUnavailable, BuildBackendHookCaller, HookMissing

        system = _build_system(source)
        log: list[str] = []
        try:
            python = self._environment(system["requires"])
            caller = BuildBackendHookCaller(
                str(source),
                system["build-backend"],
                system.get("backend-path"),
                runner=partial(_run, log),
                python_executable=str(python),
            )
            extra = getattr(
                caller, f"get_requires_for_{hook.replace('prepare_metadata_for_', '')}"
            )()
            if extra:
                caller.python_executable = str(self._environment([*system["requires"], *extra]))
            return str(getattr(caller, hook)(target))
        except (subprocess.CalledProcessError, BackendUnavailable, HookMissing, OSError) as e:
            raise self._failed(source, log, e) from None

    def _environment(self, requires: list[str]) -> Path:
        try:
            return self.make_environment(requires) / "bin" / "python"
        except PyrsError as e:
            raise BuildError(
                "the build requirements cannot be had", [e.message, *e.because], e.help
            ) from None

    def _failed(self, source: Path, log: list[str], error: Exception) -> BuildError:
        folder = self.store.base / "builds"
        path = folder / f"{source.name}.log"
        path.write_text("\n".join(log), encoding="utf-8", errors="replace")
        lines = [line for line in "\n".join(log).splitlines() if line.strip()]
        reason = lines[-1] if lines else f"{type(error).__name__}: {error}"
        return BuildError(
            f"building {source.name} failed", [reason], help=f"the whole output is in {path}"
        )


_NOT_CONTENT = {
    ".git",
    ".pyrs",
    ".venv",
    "build",
    "dist",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
}


def _tree_digest(folder: Path) -> str:
    h = hashlib.sha256()
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(
            f for f in folders if f not in _NOT_CONTENT and not f.endswith(".egg-info")
        )
        for name in sorted(files):
            path = Path(base) / name
            if path.is_file():
                h.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
                h.update(path.read_bytes())
    return h.hexdigest()


def _build_system(source: Path) -> dict[str, Any]:
    path = source / "pyproject.toml"
    try:
        system = (
            tomllib.loads(path.read_text(encoding="utf-8")).get("build-system", {})
            if path.exists()
            else {}
        )
    except (ValueError, OSError) as e:
        raise BuildError(f"{path.parent.name}/pyproject.toml: {e}") from None
    if "requires" not in system:
        return dict(_LEGACY)
    return {**_LEGACY, **system}


def _run(
    log: list[str],
    command: list[str],
    cwd: str | None = None,
    extra_environ: dict[str, str] | None = None,
) -> None:
    environment = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("PYTHON", "PYRS_ENV", "PYRS_OWNER"))
    }
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**environment, **(extra_environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    log.append(done.stdout.decode("utf-8", "replace"))
    done.check_returncode()
