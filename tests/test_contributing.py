"""The recipes of CONTRIBUTING.md, followed literally on a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python (?P<how>title|into)=(?P<where>\S+)\n(?P<code>.*?)^```$", re.M | re.S)
INHERITED = (
    "tests/contracts/test_optimizers.py",
    "tests/contracts/test_design_spaces.py",
    "tests/accel_models/test_zoo.py",
)


def insert(file: Path, registry: str, line: str) -> None:
    """Put a line into the dictionary `registry` of a file, first."""
    head = re.compile(rf"^{registry}\b[^{{\n]*{{", re.M)
    text, times = head.subn(lambda found: f"{found[0]}\n    {line}", file.read_text())
    assert times == 1, f"{file.name} must have one {registry}"
    file.write_text(text)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which all recipes were followed."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("accel_models", "search_spaces", "apollo_dse", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    blocks = [found.groupdict() for found in BLOCK.finditer((ROOT / "CONTRIBUTING.md").read_text())]
    assert [block["how"] for block in blocks].count("title") == 5
    assert [block["how"] for block in blocks].count("into") == 3
    for block in blocks:
        if block["how"] == "title":
            assert not (copy / block["where"]).exists()
            (copy / block["where"]).write_text(block["code"])
        else:
            file, registry = block["where"].split(":")
            insert(copy / file, registry, block["code"])
    return copy


def python(project: Path, *words: str) -> str:
    """Output of an interpreter that finds the copy before the project."""
    environment = {**os.environ, "PYTHONPATH": str(project), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_was_added_passes_the_contracts_that_it_inherits(project: Path) -> None:
    python(project, "-m", "accel_models.zoo.build")
    added = "hill_climbing or stacked or lenet5 or agree"
    said = python(project, "-m", "pytest", "-vv", "-p", "no:cacheprovider", *INHERITED, "-k", added)
    passed = [line for line in said.splitlines() if "PASSED" in line]
    counts = [sum(name in line for line in passed) for name in ("hill_climbing", "stacked", "lenet5", "agree")]
    assert counts == [15, 8, 1, 1], said


def test_the_template_and_the_workload_are_priced(project: Path) -> None:
    code = (
        "from apollo_dse import recommend\n"
        "from accel_models.zoo.build import retrace\n"
        "lenet = retrace('lenet5')\n"
        "assert lenet.macs == 25 * (28**2 * 6 + 10**2 * 6 * 16) + 400 * 120 + 120 * 84 + 84 * 10\n"
        "found = recommend(lenet, space='stacked', optimizer='hill_climbing', trials=48)\n"
        "print(found.accelerator.template, found.cost.feasible)\n"
    )
    assert python(project, "-c", code).split() == ["stacked", "True"]


def test_the_evaluator_is_searched(project: Path) -> None:
    said = python(project, "roofline.py")
    assert said.startswith("Trial(number=")
    assert "latency_s" in said


def test_the_code_is_as_strict_as_the_project(project: Path) -> None:
    files = [found["where"] for found in BLOCK.finditer((ROOT / "CONTRIBUTING.md").read_text())]
    written = [file for file in files if ":" not in file]
    python(
        project, "-m", "ruff", "check", "--no-cache", "--extend-per-file-ignores", "roofline.py:T20", *written
    )
    python(project, "-m", "ruff", "format", "--no-cache", "--check", *written)
