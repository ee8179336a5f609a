"""Does what is built install where nothing is, and how large is it? A wheel, a fresh environment, a search.

    python benchmarks/package.py --python python3.12

Builds the wheel with `pip wheel`, installs it and its newest dependencies into a new environment of the given
interpreter, outside of the project, and there runs a search of MobileNetV2, its report, and the optimum of a
part of the space. Adds to results/package.json, by version of Python: versions and megabytes. A megabyte is
2**20 bytes. `--extra NAME` installs an extra, too, and `--constraint FILE` pins versions; both are then part of
the key.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "package.json"
MEGABYTE = 2**20
LARGEST = 6
COMMANDS = (
    "explore --workload mobilenet_v2 --constraint area<=20mm2 --trials 32 --study first",
    "report first -o first.html",
    "studies --json",
    "optimum --workload mobilenet_v2 --constraint area<=20mm2 --fix pe_x=4 --fix pe_y=4 --fix cores=4 --json",
    "evaluate --workload resnet18 --preset edge-tpu-v1",
)
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
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        found = try_out(Path(folder), given.python, given.extra, given.constraint)
    told = json.loads(given.out.read_text()) if given.out.exists() else {}
    pinned = ["pinned"] if given.constraint else []
    key = " ".join([str(found["python"]).rpartition(".")[0], *given.extra, *pinned])
    told = dict(sorted({**told, key: found}.items()))
    given.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def try_out(folder: Path, python: str, extras: list[str], constraint: Path | None) -> dict[str, object]:
    """What comes of an installation into a new environment in `folder`.

    Raises:
        subprocess.CalledProcessError: a step failed; its output is on the terminal.
    """
    [wheel] = built(folder / "dist")
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    bin_folder = folder / "venv" / "bin"
    wanted = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
    pins = ["--constraint", constraint] if constraint else []
    subprocess.run([bin_folder / "python", "-m", "pip", "install", "--quiet", *pins, wanted], check=True)
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


def search(home: Path, bin_folder: Path) -> dict[str, object]:
    """Run the commands in a new folder, with nothing known from before; the versions that they ran on."""
    home.mkdir()
    ours = ("PYTHONPATH", "APOLLO_DSE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["APOLLO_DSE_CACHE"] = str(home / "cache")
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
