"""dev.py: its command line, how it finds Python and Node, what it remembers, and that two at a time do not collide."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local import interpreters, preparation
from infra.local.interpreters import Missing, find_npm, find_python, output_of, pyenv_pythons, version_of
from infra.local.preparation import Preparation, npm_fingerprint, only_one, stamp, stamped

ROOT = Path(__file__).resolve().parents[2]
FIRST_FILES = ("dev.py", "infra/__init__.py", "infra/local/__init__.py", "infra/local/interpreters.py")
BENCH_FILES = ("infra/local/bench/__init__.py", "infra/local/bench/options.py")
BEFORE_INSTALLING = (*FIRST_FILES, *BENCH_FILES, "infra/local/preparation.py")

posix = pytest.mark.skipif(os.name == "nt", reason="the stand-in programs are shell scripts")

type MakeProgram = Callable[[str, str], Path]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a fresh clone has of the files that run before anything is installed."""
    for name in BEFORE_INSTALLING:
        target = tmp_path / "clone" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return tmp_path / "clone"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeProgram:
    """Makes programs; PATH has nothing but them."""
    folders: list[str] = []

    def make(name: str, script: str) -> Path:
        file = tmp_path / f"bin{len(folders)}" / name
        file.parent.mkdir()
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        folders.append(str(file.parent))
        monkeypatch.setenv("PATH", os.pathsep.join(folders))
        return file

    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr(interpreters.sys, "executable", str(tmp_path / "older python"))
    return make


def run_dev(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "dev.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("arguments", [[], ["demo"], ["up"], ["test"], ["bench"]])
def test_help_comes_at_once_and_installs_nothing(clone: Path, arguments: list[str]) -> None:
    done = run_dev(clone, *arguments, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: dev.py")
    assert not (clone / ".dev").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "COMMAND"),
        (["dance"], "dance"),
        (["demo", "twice"], "twice"),
        (["up", "--set", "NAME"], "NAME=VALUE"),
        (["up", "--set", "=value"], "NAME=VALUE"),
        (["up", "--info"], "--info"),
        (["bench", "--records", "many"], "--records"),
        (["bench", "--cases", "everything"], "--cases"),
    ],
)
def test_a_wrong_command_line_is_named_before_anything_is_installed(
    clone: Path, arguments: list[str], named: str
) -> None:
    done = run_dev(clone, *arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert not (clone / ".dev").exists()


@pytest.mark.parametrize("name", BEFORE_INSTALLING)
def test_what_runs_before_installing_is_python_3_9_and_standard_library(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        part.split(".")[0]
        for node in ast.walk(tree)
        for part in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= {*sys.stdlib_module_names, "infra"}


@posix
def test_a_shim_that_does_not_work_is_passed_over(program: MakeProgram, tmp_path: Path) -> None:
    program("python3.13", "exit 127")
    program("python3", "echo 3.11")
    right = program("python3.13", f'exec "{sys.orig_argv[0]}" "$@"')
    assert version_of([str(right)]) == interpreters.PYTHON
    assert Path(find_python()).samefile(output_of([str(right), "-c", "import sys; print(sys.executable)"]) or "")


@posix
def test_the_python_that_is_asked_for_comes_first(program: MakeProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    program("python3.13", "echo 3.13")
    wanted = program("mine", "echo 3.13")
    monkeypatch.setenv("PYTHON", str(wanted))
    assert next(iter(interpreters.python_candidates())) == [str(wanted)]


@posix
@pytest.mark.parametrize("answer", ["3.12", "3.14", "3.13t", ""])
def test_another_python_is_not_taken_and_the_sentence_says_what_to_do(program: MakeProgram, answer: str) -> None:
    program("python3.13", f"echo {answer}")
    program("python3", f"echo {answer}")
    with pytest.raises(Missing, match=r"Python 3\.13 is needed .* or set PYTHON to its path\."):
        find_python()


def test_pyenv_has_its_newest_version_tried_first(program: MakeProgram, tmp_path: Path) -> None:
    for version in ("3.13.2", "3.12.9", "3.13.10"):
        (tmp_path / "pyenv" / "versions" / version).mkdir(parents=True)
    assert [path.parents[os.name != "nt"].name for path in pyenv_pythons()] == ["3.13.10", "3.13.2"]


@posix
@pytest.mark.parametrize(
    ("version", "said"),
    [(None, "it was not found on PATH"), ("echo v18.19.1", "v18.19.1"), ("exit 1", "not working")],
)
def test_node_that_is_missing_or_old_is_one_sentence(program: MakeProgram, version: str | None, said: str) -> None:
    if version:
        program("node", version)
        program("npm", "exit 0")
    with pytest.raises(Missing, match=rf"Node.js 20 or newer with npm is needed for Azurite.*{said}") as caught:
        find_npm()
    assert "\n" not in str(caught.value)


@posix
def test_node_that_is_new_enough_leads_to_npm(program: MakeProgram) -> None:
    program("node", "echo v22.3.0")
    npm = program("npm", "exit 0")
    assert find_npm() == str(npm)


@pytest.fixture
def prepared(tmp_path: Path) -> Preparation:
    """A project that says it is prepared."""
    for name in preparation.REQUIREMENTS:
        (tmp_path / name).write_text("rich==15.0.0\n")
    packages = tmp_path / "infra/local"
    packages.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        (packages / name).write_text("{}")
    project = Preparation(tmp_path)
    project.python.parent.mkdir(parents=True)
    project.python.touch()
    (project.environment / "pyvenv.cfg").write_text("version = 3.13.0\n")
    stamp(project.environment, project._python_fingerprint())
    (project.home / "node").mkdir()
    stamp(project.home / "node", npm_fingerprint(packages))
    return project


def test_preparing_again_is_nearly_free(prepared: Preparation) -> None:
    start = time.perf_counter()
    assert prepared.prepare() == prepared.python
    assert time.perf_counter() - start < 0.1
    assert not (prepared.home / "lock").exists()


@pytest.mark.parametrize(
    "change",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "infra/local/package.json",
        "infra/local/package-lock.json",
        ".dev/venv/pyvenv.cfg",
    ],
)
def test_a_changed_file_means_preparing_anew(prepared: Preparation, change: str) -> None:
    (prepared.root / change).write_text("something else")
    assert not prepared._is_prepared()


def test_line_ends_of_a_checkout_mean_nothing(prepared: Preparation) -> None:
    (prepared.root / "requirements.txt").write_bytes(b"rich==15.0.0\r\n")
    assert prepared._is_prepared()


@pytest.mark.parametrize("lost", [".dev/venv/bin/python", ".dev/venv/prepared", ".dev/node/prepared"])
def test_what_was_lost_is_prepared_anew(prepared: Preparation, lost: str) -> None:
    file = prepared.python if lost.endswith("python") else prepared.root / lost
    file.unlink()
    assert not prepared._is_prepared()


def test_a_folder_that_is_gone_is_not_finished(tmp_path: Path) -> None:
    assert not stamped(tmp_path / "nowhere", "anything")


HOLDER = """
import sys, time
from pathlib import Path
from infra.local.preparation import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_free_and_that_of_a_living_one_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with file.open("a+b") as handle:
            assert not preparation.try_lock(handle.fileno())
    finally:
        holder.kill()
        holder.communicate()
    with only_one(file):
        assert "waiting" not in capsys.readouterr().err
