"""Does what is built install where nothing is, and how large is it? A wheel, a fresh environment, a search.

    python benchmarks/package.py --python python3.12
    python benchmarks/package.py --extras [NAME ...]

Builds the wheel with `pip wheel`, installs it and its newest dependencies into a new environment of the given
interpreter, outside of the project, and there runs a search of MobileNetV2, its report, and the optimum of a
part of the space. Adds to results/package.json, by version of Python: versions and megabytes. A megabyte is
2**20 bytes. `--extra NAME` installs an extra, too, and `--constraint FILE` pins versions; both are then part of
the key.

`--extras` tries each extra of the project by itself: it is installed alone into a copy of an environment that
has none and has run the search, and something that needs it is run (`NEEDS`), which must have failed before.
Adds to results/extras.json, by extra: the distributions that came with it, and megabytes.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "package.json"
EXTRAS = Path(__file__).parent / "results" / "extras.json"
MEGABYTE = 2**20
LARGEST = 6
COMMANDS = (
    "explore --workload mobilenet_v2 --constraint area<=20mm2 --trials 32 --study first",
    "report first -o first.html",
    "studies --json",
    "optimum --workload mobilenet_v2 --constraint area<=20mm2 --fix pe_x=4 --fix pe_y=4 --fix cores=4 --json",
    "evaluate --workload resnet18 --preset edge-tpu-v1",
)
EXPLORE = "explore --workload mobilenet_v2 --constraint area<=20mm2 --trials 4 --batch 2"
KEEP = "priors add old --file old.parquet --workload mobilenet_v2 --space edge --constraint area<=20mm2"
CARRY = "transfer --to resnet18 --from prior:old --trials 4 --study carried"
NETWORK = """
import onnx
from onnx import TensorProto, helper
words = helper.make_tensor("w", TensorProto.FLOAT, (64, 32), [0.0] * 2048)
x, y = (helper.make_tensor_value_info(*end) for end in (("x", 1, (1, 64)), ("y", 1, (1, 32))))
graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "net", [x], [y], [words])
onnx.save(helper.make_model(graph), "net.onnx")
"""
EPISODE = """
from gymnasium.utils.env_checker import check_env
from apollo_dse.benchmark.gym import DesignEnv
from apollo_dse.benchmark.suite import TASKS
environment = DesignEnv(TASKS["edge-resnet18-latency-tight"], trials=4)
check_env(environment, skip_render_check=True)
environment.reset(seed=0)
steps = [environment.step(environment.action_space.sample()) for _ in range(4)]
assert [truncated for _, _, _, truncated, _ in steps] == [False, False, False, True]
assert all(-4 <= reward <= 0 for _, reward, _, _, _ in steps)
"""
PARQUET = """
import pyarrow.csv, pyarrow.parquet
from pathlib import Path
from apollo_dse.export import to_csv
from apollo_dse.storage import Store
with Store(Path("apollo-dse.sqlite"), read_only=True) as store:
    Path("old.csv").write_text(to_csv(store.records("first")))
pyarrow.parquet.write_table(pyarrow.csv.read_csv("old.csv"), "old.parquet")
"""
PAGE = """
import json, subprocess, sys
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, build_opener
words = [sys.executable, "-c", "from apollo_dse.cli import main; main()", "dashboard"]
words += ["--host", "0.0.0.0", "--port", "0"]
with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
    try:
        url = urlsplit(server.stdout.readline().split(" is at ")[1].split()[0])
        here = f"http://127.0.0.1:{url.port}/"
        browser = build_opener(HTTPCookieProcessor())
        try:
            browser.open(here)
            raise AssertionError("without its token nobody may be answered")
        except HTTPError as error:
            assert error.code == 401, error
        page = browser.open(f"{here}?{url.query}").read().decode()
        document = json.load(browser.open(here + "api/studies/first"))
        design = json.load(browser.open(here + "api/studies/first/trials/0"))
    finally:
        server.terminate()
assert url.query.startswith("token="), url
assert page.startswith("<!doctype html>") and "<script" in page
assert document["study"]["trials"] == 32 and design["point"]
"""
# Noise in the format of CIFAR-10, whose checksums torchvision would compare: nothing is downloaded.
PHOTOGRAPHS = """
import pickle
from pathlib import Path
import numpy as np
import torch, torchvision
from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.training import Schedule, train
torchvision.datasets.cifar.check_integrity = lambda path, md5=None: Path(path).is_file()
folder = Path("photographs/cifar-10-batches-py")
folder.mkdir(parents=True)
rng = np.random.default_rng(0)
for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
    labels = [number % 10 for number in range(2000)]
    data = rng.integers(0, 256, (2000, 3072), dtype=np.uint8)
    folder.joinpath(name).write_bytes(pickle.dumps({"data": data, "labels": labels}))
folder.joinpath("batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
found = load("cifar10:photographs")
assert [len(split) for split in (found.train, found.validation, found.test)] == [5000, 5000, 2000]
assert found.shape == (3, 32, 32) and found.classes == 10
network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10))
train(network, found, Schedule(epochs=1))
try:
    load("cifar10:empty")
except ValueError as error:
    assert "must hold CIFAR-10, but torchvision says" in str(error), error
else:
    raise AssertionError("a folder without photographs must be refused")
"""
MAIN = "from apollo_dse.cli import main; raise SystemExit(main())"
Need = tuple[str, ...]
NEEDS: dict[str, tuple[Need, ...]] = {
    "onnx": (("python", "-c", NETWORK), ("apollo-dse", "trace", "--onnx", "net.onnx", "-o", "net.json")),
    "peers": tuple(
        ("apollo-dse", *EXPLORE.split(), "--optimizer", name, "--study", name)
        for name in ("optuna-tpe", "nevergrad-portfolio", "smac")
    ),
    "gym": (("python", "-c", EPISODE),),
    "parquet": (
        ("python", "-c", PARQUET),
        ("apollo-dse", *KEEP.split()),
        ("apollo-dse", *CARRY.split()),
    ),
    "ui": (("python", "-c", PAGE),),
    "ray": (("apollo-dse", *EXPLORE.split(), "--engine", "ray", "--workers", "2", "--study", "ray"),),
    "images": (("python", "-c", PHOTOGRAPHS),),
}
"""What is run for each extra: all of it must succeed with the extra, and the first not without."""

WHAT_IS_THERE = """
import json
from importlib.metadata import version
from platform import python_version
names = ("apollo-dse", "torch", "numpy", "botorch", "scikit-learn", "scipy", "numba", "cyclopts")
print(json.dumps({"python": python_version(), "versions": {name: version(name) for name in names}}))
"""


def main() -> None:
    """Build, install, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the new environment")
    parser.add_argument("--extra", action="append", default=[], help="an extra to install, too")
    parser.add_argument("--constraint", type=Path, help="a file of pinned versions")
    parser.add_argument("--extras", nargs="*", choices=NEEDS, help="each by itself, nothing else; all if none")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.extras is not None:
        each_extra(given.extras or list(NEEDS), given.python, given.constraint, given.out or EXTRAS)
        return
    out = given.out or RESULTS
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        found = try_out(Path(folder), given.python, given.extra, given.constraint)
    told = json.loads(out.read_text()) if out.exists() else {}
    pinned = ["pinned"] if given.constraint else []
    key = " ".join([str(found["python"]).rpartition(".")[0], *given.extra, *pinned])
    told = dict(sorted({**told, key: found}.items()))
    out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def try_out(folder: Path, python: str, extras: list[str], constraint: Path | None) -> dict[str, object]:
    """What comes of an installation into a new environment in `folder`.

    Raises:
        subprocess.CalledProcessError: a step failed; its output is on the terminal.
    """
    [wheel] = built(folder / "dist")
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    bin_folder = folder / "venv" / "bin"
    install(bin_folder, f"{wheel}[{','.join(extras)}]" if extras else str(wheel), constraint)
    told = search(folder / "home", bin_folder)
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as opened:
        unpacked = sum(each.file_size for each in opened.infolist())
    return {
        **told,
        "platform": f"{platform.system()} {platform.machine()}",
        "wheel_mb": round(wheel.stat().st_size / MEGABYTE, 2),
        "unpacked_mb": round(unpacked / MEGABYTE, 1),
        "site_packages_mb": round(size(packages)),
        "largest_mb": largest(packages),
    }


def each_extra(extras: list[str], python: str, constraint: Path | None, out: Path) -> None:
    """Try extras of the project, each by itself, and add what came of it to those that were tried before.

    Raises:
        subprocess.CalledProcessError: a step failed; its output is on the terminal.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert NEEDS.keys() == project["optional-dependencies"].keys(), "each extra has something that needs it"
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        [wheel] = built(folder / "dist")
        subprocess.run([python, "-m", "venv", folder / "without"], check=True)
        install(folder / "without" / "bin", str(wheel), constraint)
        told = search(folder / "home", folder / "without" / "bin")
        before = json.loads(out.read_text())["extras"] if out.exists() else {}
        for extra in extras:
            world = {"python": told["python"], "pinned": constraint is not None}
            before[extra] = {**world, **tried(folder, extra, wheel, constraint)}
            out.write_text(json.dumps({"extras": before}, indent=1) + "\n")


def tried(folder: Path, extra: str, wheel: Path, constraint: Path | None) -> dict[str, object]:
    """One extra in a copy of the environment `folder`/without; the distributions that it brought."""
    before, after, home = folder / "without", folder / extra, folder / "home"
    environment = {**without_ours(), "APOLLO_DSE_CACHE": str(home / "cache")}

    def run(venv: Path, words: Need, **more: str) -> int:
        own = {**environment, "PATH": f"{venv / 'bin'}:{environment['PATH']}", **more}
        first = ["-c", MAIN] if words[0] == "apollo-dse" else []
        command = [venv / "bin" / "python", *first, *words[1:]]
        return subprocess.run(command, cwd=home, env=own, stdout=subprocess.DEVNULL).returncode

    failed = run(before, NEEDS[extra][0], APOLLO_DSE_STORE=str(home / "before.sqlite"))
    assert failed, f"{extra} must be needed"
    shutil.copytree(before, after, symlinks=True, copy_function=os.link)
    install(after / "bin", f"{wheel}[{extra}]", constraint)
    for words in NEEDS[extra]:
        assert run(after, words) == 0, f"{words} must work with {extra}"
    [old], [new] = ((venv / "lib").glob("python*/site-packages") for venv in (before, after))
    brought = sorted(
        {each.name for each in new.glob("*.dist-info")} - {each.name for each in old.glob("*.dist-info")}
    )
    found = {
        "brings": [each.removesuffix(".dist-info").replace("-", " ") for each in brought],
        "added_mb": round(size(new) - size(old)),
        "ran": len(NEEDS[extra]),
    }
    shutil.rmtree(after)
    print(extra, json.dumps(found), flush=True)
    return found


def install(bin_folder: Path, wanted: str, constraint: Path | None) -> None:
    """Install a distribution into an environment, with pinned versions if there is a file of them."""
    pins = ["--constraint", constraint] if constraint else []
    subprocess.run([bin_folder / "python", "-m", "pip", "install", "--quiet", *pins, wanted], check=True)


def without_ours() -> dict[str, str]:
    """The variables of this process, but those that lead to the project."""
    ours = ("PYTHONPATH", "APOLLO_DSE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def search(home: Path, bin_folder: Path) -> dict[str, object]:
    """Run the commands in a new folder, with nothing known from before; the versions that they ran on."""
    home.mkdir()
    environment = {**without_ours(), "APOLLO_DSE_CACHE": str(home / "cache")}
    for command in COMMANDS:
        words = [bin_folder / "apollo-dse", *command.split()]
        subprocess.run(words, cwd=home, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert (home / "first.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    asked = [bin_folder / "python", "-c", WHAT_IS_THERE]
    done = subprocess.run(asked, cwd=home, env=environment, check=True, capture_output=True, text=True)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def built(folder: Path) -> list[Path]:
    """The wheel, built by pip in an environment of its own."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True)
    return list(folder.glob("*.whl"))


def size(folder: Path) -> float:
    """Megabytes of the files in a folder, compiled bytecode left out."""
    files = (file for file in folder.rglob("*") if file.suffix != ".pyc" and not file.is_symlink())
    return sum(file.stat().st_size for file in files if file.is_file()) / MEGABYTE


def largest(packages: Path) -> dict[str, int]:
    """The folders of site-packages that take most, with their megabytes."""
    sizes = {folder.name: round(size(folder)) for folder in packages.iterdir() if folder.is_dir()}
    return dict(sorted(sizes.items(), key=lambda pair: -pair[1])[:LARGEST])


if __name__ == "__main__":
    main()
