"""Installs what the local stack and the checks need into `.dev/`, once. Runs in any Python from 3.9.

Each folder that was finished holds a stamp of the files it was made from; while these stay as they are, preparing is
reading a handful of small files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.local.interpreters import PYTHON, WINDOWS, Missing, find_npm, find_python, version_of, work_environment

STAMP = "prepared"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
NPM_PACKAGES = {"infra/local": "node", "tests/contract/javascript": "javascript"}
"""Folders that may hold a package.json, and where below `.dev/` its packages go."""


class Preparation:
    """What `root/.dev` has to hold before anything can run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / ".dev"
        self.environment = self.home / "venv"
        self.python = self.environment / ("Scripts/python.exe" if WINDOWS else "bin/python")

    def prepare(self) -> Path:
        """Install what is not there yet; answers the environment's Python.

        Raises:
            Missing: this machine lacks something, or a package could not be installed.
        """
        if not self._is_prepared():
            with only_one(self.home / "lock"):
                self._install()
        return self.python

    def _is_prepared(self) -> bool:
        return self._python_is_ready() and all(stamped(to, npm_fingerprint(of)) for of, to in self._npm_packages())

    def _install(self) -> None:
        if not self._python_is_ready():
            self._install_python_packages()
        for source, target in self._npm_packages():
            if not stamped(target, npm_fingerprint(source)):
                self._install_npm_packages(source, target)

    def _python_is_ready(self) -> bool:
        return self.python.exists() and stamped(self.environment, self._python_fingerprint())

    def _python_fingerprint(self) -> str:
        """The requirement files and, by pyvenv.cfg, the Python that the environment belongs to."""
        return fingerprint([*(self.root / name for name in REQUIREMENTS), self.environment / "pyvenv.cfg"])

    def _npm_packages(self) -> list[tuple[Path, Path]]:
        folders = ((self.root / source, self.home / target) for source, target in NPM_PACKAGES.items())
        return [(source, target) for source, target in folders if (source / "package.json").exists()]

    def _install_python_packages(self) -> None:
        if version_of([str(self.python)]) != PYTHON:
            found = find_python()
            say(f"Making the environment with {found}")
            shutil.rmtree(self.environment, ignore_errors=True)
            make_environment(found, self.environment)
        say("Installing the Python packages (once, some seconds)")
        files = [argument for name in REQUIREMENTS for argument in ("-r", str(self.root / name))]
        if not install_packages(str(self.python), files):
            raise Missing("the Python packages could not be installed; the message above is pip's.")
        stamp(self.environment, self._python_fingerprint())

    def _install_npm_packages(self, source: Path, target: Path) -> None:
        npm = find_npm()
        say(f"Installing the npm packages of {source.relative_to(self.root).as_posix()} (once, some seconds)")
        target.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(source / name, target / name)
        if not run([npm, "ci", "--no-audit", "--no-fund", "--loglevel", "error"], folder=target):
            raise Missing("the npm packages could not be installed; the message above is npm's.")
        stamp(target, npm_fingerprint(source))


def make_environment(python: str, folder: Path) -> None:
    """Make a virtual environment with pip in it."""
    uv = shutil.which("uv")
    if run([python, "-m", "venv", str(folder)], quiet=True):
        return
    # Debian splits ensurepip off from its Python, and venv needs it; uv does not.
    if uv and run([uv, "venv", "--quiet", "--seed", "--clear", "--python", python, str(folder)]):
        return
    raise Missing(
        f"{python} cannot make a virtual environment: install its venv package (Debian: python{PYTHON}-venv)."
    )


def install_packages(python: str, files: Sequence[str]) -> bool:
    """Install by uv where it is there, for it is quick; else by pip, which also knows the settings of pip.conf."""
    uv = shutil.which("uv")
    if uv and run([uv, "pip", "install", "--compile-bytecode", "--python", python, *files], quiet=True):
        return True
    return run([python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", *files])


def npm_fingerprint(source: Path) -> str:
    """What the npm packages of a folder were made from."""
    return fingerprint([source / "package.json", source / "package-lock.json"])


def fingerprint(files: Sequence[Path]) -> str:
    """One value for the content of some files, there or not, whatever their line ends."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes().replace(b"\r\n", b"\n") if file.exists() else b"")
        digest.update(b"\0")
    return digest.hexdigest()


def stamped(folder: Path, expected: str) -> bool:
    """Whether the folder was finished from these files. The stamp is inside it, so it goes when the folder goes."""
    file = folder / STAMP
    return file.exists() and file.read_text() == expected


def stamp(folder: Path, value: str) -> None:
    """Say that the folder is finished."""
    (folder / STAMP).write_text(value)


@contextlib.contextmanager
def only_one(file: Path) -> Iterator[None]:
    """Hold a lock that the operating system takes back when this process ends, however it ends: it is never stale."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a+b") as handle:
        waited = False
        while not try_lock(handle.fileno()):
            if not waited:
                say("Another dev.py is preparing; waiting for it")
            waited = True
            time.sleep(0.1)
        yield


def try_lock(number: int) -> bool:
    """Take the lock on an open file, or say that another process has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(number, 0, os.SEEK_SET)
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def run(command: Sequence[str], folder: Path | None = None, quiet: bool = False) -> bool:
    """Run a command that may take long; what it prints goes to standard error. Answers whether it succeeded."""
    output = subprocess.DEVNULL if quiet else sys.stderr.fileno()
    try:
        done = subprocess.run(
            command, cwd=folder, env=work_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    except OSError:
        return False
    return done.returncode == 0


def say(text: str) -> None:
    """Tell the person what is going on."""
    print(text, file=sys.stderr, flush=True)
