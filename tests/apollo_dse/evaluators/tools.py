"""Stand-ins for published simulators: programs of a few lines that read what the tools are given."""

import stat
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
POINT = {
    "arrays": 1,
    "rows": 16,
    "columns": 32,
    "buffer_bytes": 1 << 20,
    "accumulator_bytes": 1 << 16,
    "dram_bandwidth_gb_per_s": 64.0,
    "stationary": "weights",
}
"""A design of the space `systolic`."""

SCALESIM = '''
import configparser, os

class scalesim:
    """Cycles of folds whose fills are exposed (Samajdar et al., ISPASS 2020), without stalls."""

    def __init__(self, save_disk_space, verbose, config, topology, layout):
        assert save_disk_space and not verbose and os.path.exists(layout)
        self.config = configparser.ConfigParser()
        self.config.read(config)
        self.topology = topology

    def run_scale(self, top_path):
        presets = self.config["architecture_presets"]
        r, c, flow = int(presets["ArrayHeight"]), int(presets["ArrayWidth"]), presets["Dataflow"]
        rows = ["LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %,"]
        for number, line in enumerate(open(self.topology).read().splitlines()[1:]):
            h, w, fh, fw, channels, filters, stride = map(int, line.split(",")[1:-1])
            m, k, n = ((h - fh) // stride + 1) * ((w - fw) // stride + 1), fh * fw * channels, filters
            if flow == "os":
                cycles = -(-m // r) * -(-n // c) * (k + r + c - 2)
            else:
                along, past = (n, m) if flow == "ws" else (m, n)
                cycles = -(-k // r) * -(-along // c) * (past + 2 * r + c - 2)
            rows.append(f"{number}, {cycles + 99}, {cycles - 1}, {number}, 50.0,")
        os.makedirs(os.path.join(top_path, self.config["general"]["run_name"]))
        open(os.path.join(top_path, "run", "COMPUTE_REPORT.csv"), "w").write("\\n".join(rows) + "\\n")
'''

ZIGZAG = """
import json, yaml
layers = yaml.safe_load(open("workload.yaml"))
machine, asked = yaml.safe_load(open("accelerator.yaml")), json.load(open("question.json"))
cost = machine["operational_array"]["unit_energy"]
answer = []
for layer in layers:
    macs = 1
    for size in layer["loop_sizes"]:
        macs *= size
    answer.append({"cycles": macs / 4, "energy_pj": macs * cost})
json.dump(answer, open("answer.json", "w"))
"""

TIMELOOP = """
import sys
from pathlib import Path
from accel_models.interop import timeloop
assert sys.argv[1:] == ["architecture.yaml", "problem.yaml", "mapping.yaml", "ERT.yaml"], sys.argv
result = timeloop.load(*sys.argv[1:]).counts(counting="timeloop", link_transfers=False)
total = 1e3 * result.energy_pj / result.computes
Path("timeloop-model.stats.txt").write_text(
    f"Summary Stats\\n-------------\\nCycles: {result.cycles}\\nEnergy: 0.00 uJ\\n\\n"
    f"Computes = {result.computes}\\nfJ/Compute\\n    MAC = 1.00\\n    Total      = {total!r}\\n"
)
"""


def program(path: Path, words: str) -> str:
    """An executable of one line of shell."""
    path.write_text(f"#!/bin/sh\n{words}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def scalesim(folder: Path) -> str:
    """An interpreter in whose environment there is a SCALE-Sim of version 3.0.0."""
    package = folder / "scalesim"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "scale_sim.py").write_text(SCALESIM)
    _distribution(folder, "scalesim", "3.0.0")
    return program(folder / "python", f'PYTHONPATH={folder} exec {sys.executable} "$@"')


def zigzag(folder: Path) -> str:
    """An interpreter in whose environment there is a ZigZag of version 3.9.1, and that runs nothing of it."""
    _distribution(folder, "zigzag_dse", "3.9.1")
    (folder / "stand_in.py").write_text(ZIGZAG)
    ask = f'PYTHONPATH={folder} exec {sys.executable} "$@"'
    run = f"exec {sys.executable} {folder}/stand_in.py"
    return program(folder / "python", f'case "$1" in *run_zigzag.py) {run};; *) {ask};; esac')


def timeloop(folder: Path) -> str:
    """A `timeloop-model` that reads what it is given by our own reader, and counts it."""
    (folder / "stand_in.py").write_text(TIMELOOP)
    run = f"PYTHONPATH={ROOT} exec {sys.executable} {folder}/stand_in.py"
    return program(folder / "timeloop-model", f'{run} "$@"')


QUICK = {
    "scalesim": r"mkdir run; printf 'Total Cycles, Stall Cycles,\n%s, 5,\n' $N >run/COMPUTE_REPORT.csv",
    "zigzag": """printf '[{"cycles": %s, "energy_pj": 7}]' $N >answer.json""",
    "timeloop": r"printf 'Cycles: %s\nComputes = 9\npJ/Compute\n Total = 2\n' $N >timeloop-model.stats.txt",
}


def quick(name: str, folder: Path) -> str:
    """A stand-in that answers at once for a network of one layer: with a checksum of what it is given."""
    answer = f"N=$(cat *.* | cksum | cut -d ' ' -f 1); {QUICK[name]}"
    return program(folder / "program", f'case "$1" in -c) printf 1.0;; *) {answer};; esac')


def _distribution(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
