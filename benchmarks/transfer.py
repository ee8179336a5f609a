"""What is a search worth to the next one? Exact regret of transfer methods and of cold search, in one run.

    python benchmarks/transfer.py networks budgets misled technology sizes --seeds 3 --jobs 2 --out FILE

Targets are tasks of the edge space whose optimum is known (docs/benchmark.md); priors are what the portfolio
tried in 100 trials on other tasks, from a seed of its own for each seed. A search has 60 trials, or fewer where
it finds the optimum. Protocols:

networks    leave one network out: priors are the others' tasks under the same limit, whatever their goal
budgets     Apollo's own: the same network under looser limits, the tight one seeded by the loose ones
misled      as networks, but priors lie: ranks of their losses are turned over, or dealt out at random
technology  the same task at 45 nm, under the limit that as large a share of the designs keeps
sizes       the same task in the part of the space with at most four PEs along an axis, four cores and 32 lanes

Cold search is the portfolio, and `random` draws; both know no priors, and all protocols share their runs. Of a
run is kept where its regret falls; runs that the file has are not made again. Two tables are printed: regrets
and trials to 1 %, and losses against those of cold search. The last three columns of the first are quartiles
over the runs of the trials to 1 % over those of cold search: infinite where only that got there, 0 where only
the other did, 1 where neither did.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import lru_cache
from math import isfinite
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from falls import curve, falls

from apollo_dse import optimizers, transfer
from apollo_dse.benchmark.run import regret, search, world
from apollo_dse.benchmark.statistics import quantile, trials_to
from apollo_dse.benchmark.suite import TASKS
from apollo_dse.study import Study
from apollo_dse.transfer import Experience, Prior, describe
from apollo_dse.transfer.files import past
from apollo_dse.trial import Measurement
from search_spaces import Categorical, Ordinal, SearchSpace

SOURCE_TRIALS = 100
DRAWS = 2000
"""Uniform draws by which limits of two technologies are made equally strict."""

OTHERWISE = {
    "technology": (Categorical("technology", ("45nm",)),),
    "sizes": (
        *(Ordinal(name, (1, 2, 4)) for name in ("pe_x", "pe_y", "cores")),
        Ordinal("lanes", (4, 8, 16, 32)),
    ),
}
"""Parameters of the space in which the priors of a protocol were searched, beside those of the target's."""

TRIALS = 60
RANDOM_TRIALS = 100
"""Of `random`, against whose best the first suggestions of the others are held."""

COLD = {"cold": "portfolio", "random": "random"}
METHODS = ("cold", "random", *transfer.names())
ALONE = "alone"
"""The protocol of searches that know no priors."""

LIES = ("turned", "dealt")
QUARTILES = (0.25, 0.5, 0.75)
CHECKPOINTS = (1, 2, 5, 10, 20, 40, 60)
DRAWN = (1, 5, 10)
"""Numbers of suggestions that are held against the best random draw."""

LOOSER = {"medium": ("loose",), "tight": ("loose", "medium")}


def parts(name):
    """Space, network, goal and budget of a task."""
    return name.split("-")


def targets(protocol):
    """Tasks of a protocol with the tasks that their priors are of."""
    edge = [name for name in TASKS if name.startswith("edge-") and parts(name)[2] in ("latency", "edp")]
    found = {}
    for name in edge:
        _, network, goal, budget = parts(name)
        if protocol in OTHERWISE:
            sources = [f"{name}@{protocol}"]
        elif protocol == "budgets":
            sources = [f"edge-{network}-{goal}-{looser}" for looser in LOOSER.get(budget, ())]
            sources = [each for each in sources if each in TASKS]
        else:
            sources = [each for each in edge if parts(each)[3] == budget and parts(each)[1] != network]
        if sources:
            found[name] = sources
    return found


@lru_cache
def question(task):
    """What is asked by a task, or by one of another protocol's space: TASK@PROTOCOL."""
    name, _, protocol = task.partition("@")
    asked = TASKS[name].question()
    if not protocol:
        return asked
    changed = {each.name: each for each in OTHERWISE[protocol]}
    space = asked.design_space
    kept = [changed.pop(each.name, each) for each in space.space.parameters]
    other = replace(space, space=SearchSpace((*kept, *changed.values()), space.space.rules))
    if protocol == "sizes":
        return replace(asked, space=other)
    (limit,) = asked.constraints
    rng = np.random.default_rng(0)
    here, there = (areas(each, rng) for each in (space, other))
    return replace(
        asked,
        space=other,
        constraints=(replace(limit, upper=float(np.quantile(there, (here <= limit.upper).mean()))),),
    )


def areas(space, rng):
    """Areas of uniform draws, infinite where a design cannot be built."""
    built = map(space.build, space.space.sample(rng, DRAWS))
    return np.array([float("inf") if each.violations else each.total_area_mm2 for each in built])


@lru_cache
def searched(task, seed):
    """What the portfolio tried on a task."""
    problem = question(task).problem() if "@" in task else world(task)[0]
    study = Study(problem, optimizers.get("portfolio")(problem, 1000 + seed), batch=4)
    study.run(SOURCE_TRIALS)
    return study.trials


def description(task):
    """What a task is about."""
    asked = question(task)
    space = asked.design_space
    return describe(space.name, asked.workloads, asked.constraints, space.node_nm)


def prior(task, seed, lie=None):
    """The prior of a task; with a lie its latencies and energies are turned over or dealt out anew."""
    problem, trials = question(task).problem(), searched(task, seed)
    if lie is not None:
        ran = [trial for trial in trials if trial.measurement.is_feasible]
        order = sorted(ran, key=lambda trial: trial.measurement.metrics["edp_js"])
        rng = np.random.default_rng(seed)
        others = order[::-1] if lie == "turned" else [order[row] for row in rng.permutation(len(order))]
        said = {
            trial.number: {**other.measurement.metrics, "area_mm2": trial.measurement.metrics["area_mm2"]}
            for trial, other in zip(order, others, strict=True)
        }
        trials = tuple(
            replace(trial, measurement=Measurement(said[trial.number])) if trial.number in said else trial
            for trial in trials
        )
    asked = past(problem.space, problem.objectives, problem.constraints)
    return Prior(task, description(task), asked, trials)


def run(protocol, task, method, seed, lie=None):
    """Regret after each trial."""
    problem, answer = world(task)
    if method in COLD:
        optimizer = optimizers.get(COLD[method])(problem, seed)
    else:
        priors = tuple(prior(source, seed, lie) for source in targets(protocol)[task])
        optimizer = transfer.get(method)(problem, seed, Experience(description(task), priors))
    study = Study(problem, optimizer, batch=1)
    search(study, answer, RANDOM_TRIALS if method == "random" else TRIALS)
    return regret(problem, study.trials, answer).tolist()


def over(trials, cold):
    """Trials of a search over those of the cold one, either infinite where it did not get there."""
    return (1.0 if cold == trials else 0.0) if cold == float("inf") else trials / cold


def groups(runs, asked):
    """Each protocol and lie with its cases, tasks and seeds that all methods have, and each method's curves."""
    keys = {key: tuple(json.loads(key)) for key in runs}
    found = {
        whole: curve(runs[key], RANDOM_TRIALS if whole[2] == "random" else TRIALS)
        for key, whole in keys.items()
    }
    alone = {key[1:4]: each for key, each in found.items() if key[0] == ALONE}
    for protocol, lie in sorted({(key[0], key[4]) for key in found if key[0] != ALONE}, key=str):
        ours = {key[1:4]: each for key, each in found.items() if (key[0], key[4]) == (protocol, lie)}
        tasks = {task for task, _, _ in ours}
        ours |= {key: each for key, each in alone.items() if key[0] in tasks}
        methods = [method for method in asked if any(key[1] == method for key in ours)]
        cases = sorted({(task, seed) for task, _, seed in ours}, key=str)
        cases = [case for case in cases if all((case[0], method, case[1]) in ours for method in methods)]
        curves = {method: np.array([ours[task, method, seed] for task, seed in cases]) for method in methods}
        yield (protocol, lie or ""), cases, curves


def reached(curves):
    """Trials of each run to 1 %."""
    return [trials_to(each, 0.01) for each in curves]


def table(runs, asked):
    """Rows of text: a protocol and method each, medians over the runs, quartiles of trials."""
    for names, _, curves in groups(runs, asked):
        for method, own in curves.items():
            regrets = [f"{100 * quantile(own[:, end - 1], 0.5):.1f}" for end in CHECKPOINTS]
            trials = reached(own)
            cells = [f"{quantile(trials, share):g}" for share in QUARTILES]
            cells.append(f"{sum(map(isfinite, trials)) / len(trials):.0%}")
            if "cold" in curves:
                ratios = [over(*pair) for pair in zip(trials, reached(curves["cold"]), strict=True)]
                cells += [f"{quantile(ratios, share):.2f}" for share in QUARTILES]
            yield *names, method, len(own), *regrets, *cells


def losses(runs, asked):
    """Rows of text: medians of losses over those of each method, and a median a seed of its trials over cold.

    They are of cold search after as many trials, the same under the tight limit alone, and of the best of all
    random draws.
    """
    ends = [end - 1 for end in CHECKPOINTS]
    for names, cases, curves in groups(runs, asked):
        tight = np.array([task.endswith("-tight") for task, _ in cases])
        for method, own in curves.items():
            if method in COLD or "cold" not in curves:
                continue
            cold = curves["cold"]
            with np.errstate(invalid="ignore"):
                ratios = np.nan_to_num((1 + cold[:, ends]) / (1 + own[:, ends]), nan=1.0, posinf=np.inf)
            cells = [medians(ratios.T), medians(ratios[tight].T)]
            if "random" in curves:
                drawn = 1 + curves["random"][:, -1]
                cells.append(medians(drawn / (1 + own[:, end - 1]) for end in DRAWN))
            trials = [over(*pair) for pair in zip(reached(own), reached(cold), strict=True)]
            seeds = sorted({seed for _, seed in cases})
            alone = [[n for (_, each), n in zip(cases, trials, strict=True) if each == seed] for seed in seeds]
            yield *names, method, *cells, medians(alone)


def medians(columns):
    """Text of the median of each column."""
    return ", ".join(f"{quantile(column, 0.5):.2f}" for column in columns)


def main():
    """Run what is missing, write it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("protocols", nargs="*", choices=["networks", "budgets", "misled", *OTHERWISE, []])
    parser.add_argument("--methods", nargs="*", default=METHODS, choices=METHODS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    runs = json.loads(given.out.read_text())["falls"] if given.out.exists() else {}
    wanted = [
        (ALONE, task, method, seed, None) if method in COLD else (protocol, task, method, seed, lie)
        for seed in range(given.seeds)
        for protocol in given.protocols
        for task in targets(protocol)
        for method in given.methods
        for lie in (LIES if protocol == "misled" else (None,))
    ]
    missing = [each for each in dict.fromkeys(wanted) if json.dumps(each) not in runs]
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(run, *each): each for each in missing}
        for done, future in enumerate(as_completed(pending), start=1):
            runs[json.dumps(pending[future])] = falls(future.result())
            print(f"{done} of {len(missing)}: {' '.join(map(str, pending[future]))}", flush=True)
            given.out.write_text(json.dumps({"command": "benchmarks/transfer.py", "falls": runs}) + "\n")
    for row in (*table(runs, given.methods), *losses(runs, given.methods)):
        print("| " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
