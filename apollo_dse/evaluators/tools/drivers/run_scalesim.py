"""Runs SCALE-Sim on the files of its directory, without the traces that its command line always writes.

    python run_scalesim.py

It is run by the interpreter that has SCALE-Sim, and knows nothing of this project.
"""

from scalesim.scale_sim import scalesim

if __name__ == "__main__":
    simulation = scalesim(
        save_disk_space=True, verbose=False, config="scale.cfg", topology="topology.csv", layout="layout.csv"
    )
    simulation.run_scale(top_path=".")
