"""Pins, wheel, Makefile and CI script."""

import ast
import email
import hashlib
import importlib.metadata
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

import wg2

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = tuple(
    name for name in ("wg2", "export", "tfrecords_tools") if (ROOT / name).is_dir()
)
FOLDERS = (*PACKAGES, "tools", "tests", "benchmarks")
# Imported where they are installed, or only to skip a test where they are not.
OPTIONAL = {"jax"}
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64"}
ENVIRONMENTS = [
    {**default_environment(), **LINUX, "python_version": version}
    for version in ("3.10", "3.11", "3.12")
] + [
    {
        **default_environment(),
        "sys_platform": "darwin",
        "platform_machine": "arm64",
        "python_version": "3.11",
    }
]
EVERYWHERE = pytest.mark.parametrize(
    "environment",
    ENVIRONMENTS,
    ids=lambda e: f"{e['python_version']}-{e['sys_platform']}",
)


def normalized(name: str) -> str:
    return name.lower().replace("_", "-")


def requirements() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pins(environment) -> dict[str, str]:
    """Name -> version of what is installed there; no name may come twice."""
    chosen = {}
    for requirement in requirements():
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = normalized(requirement.name)
            assert name not in chosen
            (chosen[name],) = (s.version for s in requirement.specifier)
    return chosen


def test_every_requirement_is_pinned_to_one_version():
    for requirement in requirements():
        (specifier,) = requirement.specifier
        assert specifier.operator == "==" and "*" not in specifier.version


@EVERYWHERE
def test_every_environment_has_one_version_of_each_package(environment):
    missing = {normalized(r.name) for r in requirements()} - set(pins(environment))
    assert not missing


def third_party_imports() -> dict[str, Path]:
    """Imported top-level module -> a file that imports it."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module]
                for name in names:
                    found.setdefault(name.partition(".")[0], path)
    own = {*FOLDERS, *sys.stdlib_module_names}
    return {name: path for name, path in found.items() if name not in own}


def test_everything_imported_is_pinned():
    known = importlib.metadata.packages_distributions()
    available = set(pins(ENVIRONMENTS[0])) | OPTIONAL
    # Comes with pytest, and only tests import it.
    available.add("packaging")
    imports = third_party_imports()
    assert {"tensorflow", "keras", "numpy", "yaml"} <= set(imports)
    for name, path in imports.items():
        distributions = {normalized(d) for d in known.get(name, [name])}
        assert distributions & available, f"{path} imports {name}, which is not pinned"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """Built from a copy of the tree, without network or isolation."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for folder in FOLDERS:
        shutil.copytree(
            ROOT / folder,
            source / folder,
            ignore=shutil.ignore_patterns("__pycache__", ".*"),
        )
    output = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from setuptools import build_meta;"
            "build_meta.build_wheel(sys.argv[1])",
            output,
        ],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (path,) = output.glob("*.whl")
    return zipfile.ZipFile(path)


def metadata(wheel) -> email.message.Message:
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    return email.message_from_string(wheel.read(name).decode("utf-8"))


def test_wheel_holds_the_packages_their_data_and_nothing_else(wheel):
    contents = {n for n in wheel.namelist() if ".dist-info/" not in n}
    expected = {
        path.relative_to(ROOT).as_posix()
        for folder in PACKAGES
        for path in (ROOT / folder).rglob("*.py")
    }
    data = {
        path.relative_to(ROOT).as_posix()
        for folder in ("wg2/text/data", "export/client", "export/serving")
        for path in (ROOT / folder).iterdir()
        if path.is_file() and path.suffix != ".py"
    }
    assert "wg2/text/data/cmudict.txt.xz" in data
    assert contents == expected | data
    for name in data:
        assert wheel.read(name) == (ROOT / name).read_bytes()


def test_wheel_has_the_packages_version_and_licences(wheel):
    assert metadata(wheel)["Version"] == wg2.__version__
    assert metadata(wheel)["License-Expression"] == "Apache-2.0"
    licences = {n.rpartition("/licenses/")[2] for n in wheel.namelist()}
    assert {"LICENSE", "wg2/text/data/cmudict.LICENSE"} <= licences


@EVERYWHERE
def test_pins_lie_in_the_ranges_that_the_wheel_requires(wheel, environment):
    """And every extra but "gpu" and "jax" is installed by requirements.txt."""
    installed = pins(environment)
    for text in metadata(wheel).get_all("Requires-Dist"):
        requirement = Requirement(text)
        name = normalized(requirement.name)
        extras = ("gpu", "jax")
        if any(f'extra == "{extra}"' in text for extra in extras):
            continue
        assert requirement.specifier.contains(installed[name]), text


def test_every_supported_python_is_declared(wheel):
    declared = metadata(wheel).get_all("Classifier")
    for environment in ENVIRONMENTS:
        version = environment["python_version"]
        assert f"Programming Language :: Python :: {version}" in declared
        assert Requirement(f"x{metadata(wheel)['Requires-Python']}").specifier.contains(
            version
        )


def test_licence_is_apache_2_word_for_word():
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    # Of https://www.apache.org/licenses/LICENSE-2.0.txt
    assert digest == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


# -- Makefile and CI script, with programs that only write down their calls ----------

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="make is missing")


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


WORKING_PYTHON = """
echo "$(basename "$0") $*" >> "$LOG"
case "$*" in
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip install"*) exit "${PIP_STATUS:-0}" ;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """Makefile and requirements, and a PATH of fakes and of what recipes need."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("", encoding="utf-8")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("make", "rm", "mkdir", "cp", "touch", "basename", "bash"):
        (programs / name).symlink_to(shutil.which(name))
    return tmp_path


def make(project, *arguments, **variables):
    environment = {
        "PATH": str(project / "programs"),
        "LOG": str(project / "calls"),
        **variables,
    }
    result = subprocess.run(
        [project / "programs" / "make", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    log = project / "calls"
    calls = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return result, [c for c in calls if " -c " not in c and not c.endswith(" -V")]


INSTALL = (
    "python -m pip install --quiet --disable-pip-version-check -r requirements.txt"
)


@needs_make
def test_first_python_that_runs_makes_the_environment(project):
    """python3.11 is a stub, as pyenv leaves them; python3.12 is not there."""
    script(project / "programs/python3.11", "exit 127")
    script(project / "programs/python3.10", WORKING_PYTHON)
    script(project / "programs/python3", WORKING_PYTHON)
    result, calls = make(project, ".venv/.installed")
    assert result.returncode == 0, result.stderr
    assert calls == ["python3.10 -m venv .venv", INSTALL]
    # A second time there is nothing to do; new requirements go into what is there.
    assert make(project, ".venv/.installed")[1] == []
    stamp = project / ".venv/.installed"
    os.utime(stamp, (0, 0))
    assert make(project, ".venv/.installed")[1] == [INSTALL]


@needs_make
def test_named_python_is_used_and_no_other(project):
    script(project / "programs/python3.11", WORKING_PYTHON)
    script(project / "programs/mine", WORKING_PYTHON)
    _, calls = make(project, ".venv/.installed", "PYTHON=mine")
    assert calls == ["mine -m venv .venv", INSTALL]


@needs_make
def test_broken_environment_is_made_anew(project):
    script(project / "programs/python3", WORKING_PYTHON)
    (project / ".venv/bin").mkdir(parents=True)
    script(project / ".venv/bin/python", "exit 127")
    (project / ".venv/old").touch()
    _, calls = make(project, ".venv/.installed")
    assert calls == ["python3 -m venv .venv", INSTALL]
    assert not (project / ".venv/old").exists()


@needs_make
@pytest.mark.parametrize("arguments", [(), ("PYTHON=missing",)])
def test_without_a_python_one_line_says_what_to_do(project, arguments):
    script(project / "programs/python3", "exit 1")
    result, _ = make(project, ".venv/.installed", *arguments)
    assert result.returncode == 2
    (line,) = (x for x in result.stderr.splitlines() if not x.startswith("make: ***"))
    assert "no Python 3.10, 3.11 or 3.12" in line and "make PYTHON=" in line
    assert not (project / ".venv").exists()


@needs_make
def test_failed_installation_is_tried_again(project):
    script(project / "programs/python3", WORKING_PYTHON)
    result, _ = make(project, ".venv/.installed", PIP_STATUS="1")
    assert result.returncode == 2
    assert not (project / ".venv/.installed").exists()
    _, calls = make(project, ".venv/.installed")
    assert calls == [INSTALL]


@needs_make
@pytest.mark.parametrize("target", ["demo", "test", "lint", "format"])
def test_every_target_installs_first(project, target):
    script(project / "programs/python3", WORKING_PYTHON)
    result, _ = make(project, "--dry-run", target)
    assert result.returncode == 0, result.stderr
    assert "-m venv" in result.stdout
    assert result.stdout.index("pip install") < result.stdout.rindex(".venv/bin/")


def test_ci_script_runs_make_test_in_the_root_from_anywhere(tmp_path):
    root, elsewhere, programs = (tmp_path / n for n in ("root", "else", "programs"))
    for folder in (root / ".ci", elsewhere, programs):
        folder.mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", root / ".ci/run")
    assert os.access(root / ".ci/run", os.X_OK)
    script(programs / "make", 'echo "$PWD|$*|$CI|$(cat)"; exit 3')
    result = subprocess.run(
        [root / ".ci/run"],
        cwd=elsewhere,
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        input="never read",
        capture_output=True,
        text=True,
    )
    assert result.stdout == f"{root}|test|true|\n"
    assert result.returncode == 3
