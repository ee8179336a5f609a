"""What the wheel has, and what it has not."""

import re
import zipfile

import pytest

from tests.pages import ROOT

builders = pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the wheel")
PACKAGES = ("accel_models", "search_spaces", "apollo_dse")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Files of the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    [wheel] = builders.WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def test_the_wheel_has_the_packages_whole(names):
    ours = [file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file()]
    wanted = {str(file.relative_to(ROOT)) for file in ours if "__pycache__" not in file.parts}
    assert wanted <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {"apollo_dse/benchmark/solutions.json", "apollo_dse/report/page/app.js"} <= names
    assert "accel_models/zoo/data/resnet18.json" in names


def test_the_wheel_has_nothing_else(names):
    others = {name.partition("/")[0] for name in names} - set(PACKAGES)
    [info] = others
    assert re.fullmatch(r"apollo_dse-[\d.]+\.dist-info", info)
    assert any(name.endswith("licenses/LICENSE") for name in names)
