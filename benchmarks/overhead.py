"""What a suggestion costs after many trials: processor time of one ask and one tell, and what memory they take.

    python benchmarks/overhead.py OUT.json [--task NAME] [--optimizers A,B] [--rounds 10]

Each optimizer, in a process of its own with one thread, is told the same trials, uniform draws that fit the
area. Then come rounds of one suggestion, its measurement, and its tell; measuring is left out, and of the
rounds the median and the longest are reported, for models are fitted anew only now and then. `memory` is by
how many MiB the largest size of the process has grown to the end of the rounds, from when another optimizer of
the kind had made one suggestion, and that was priced: without the libraries that are loaded.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import process_time

from apollo_dse import optimizers
from apollo_dse.benchmark.run import world
from apollo_dse.benchmark.suite import TASKS
from apollo_dse.study import Study
from apollo_dse.trial import Trial

TOLD = (50, 200, 1000)
TASK = "edge-resnet18-latency-medium"


def drawn(task):
    """Random trials of a task, as many as are told at most."""
    problem, _ = world(task)
    study = Study(problem, optimizers.get("random")(problem, 0), batch=50)
    study.run(max(TOLD))
    return study.trials


def largest_mib():
    """The most memory that this process has had so far."""
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


def measured(task, name, told, rounds):
    """Seconds of the rounds, and growth in MiB."""
    problem, _ = world(task)
    trials = drawn(task)[:told]
    kind = optimizers.get(name)
    first = kind(problem, 1)
    first.tell(trials[: TOLD[0]])
    TASKS[task].problem().evaluate(first.ask(1))
    before = largest_mib()
    optimizer = kind(problem, 0)
    optimizer.tell(trials)
    taken = []
    for number in range(told, told + rounds):
        start = process_time()
        (point,) = optimizer.ask(1)
        asked = process_time() - start
        trial = Trial(number, point, problem.evaluate([point])[0])
        start = process_time()
        optimizer.tell([trial])
        taken.append(asked + process_time() - start)
    return {"median_s": median(taken), "longest_s": max(taken), "memory_mib": largest_mib() - before}


def main():
    """Measure every optimizer and write and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--task", default=TASK)
    parser.add_argument("--optimizers", default=",".join(optimizers.names()))
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    drawn(given.task)
    found = {}
    for name in given.optimizers.split(","):
        for told in TOLD:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                done = pool.submit(measured, given.task, name, told, given.rounds).result()
            found.setdefault(name, {})[str(told)] = {key: float(f"{each:.3g}") for key, each in done.items()}
            print(name, told, found[name][str(told)], flush=True)
            command = f"benchmarks/overhead.py --task {given.task} --rounds {given.rounds}"
            given.out.write_text(json.dumps({"command": command, "optimizers": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
