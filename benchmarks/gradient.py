"""How far do slopes carry? Evaluations and seconds to 5 % and 1 % regret on exactly solved tasks.

    python benchmarks/gradient.py --out benchmarks/results/gradient.json

A run's cost is its trials plus the points that it asked slopes for; seconds are processor time of all of it,
measurements remembered from earlier runs. NAME:gumbel is the optimizer with that relaxation; of those it is
told too how far the likeliest design is from the optimum, and what draws from the logits are worth: a likeliest
design much worse than the best trial, or over the budget, is a collapse.

`--agreement` compares slopes with the changes of the loss between neighbouring values, at uniform draws that
fit the task's budget. Runs that the file has are kept; with `--tables` it is only read.
"""

import argparse
import json
from dataclasses import replace
from math import inf, isfinite, log
from pathlib import Path
from time import process_time

import numpy as np
from scipy.stats import spearmanr

from apollo_dse import benchmark, optimizers
from apollo_dse.trial import Trial

TASKS = ("edge-mobilenet_v2-latency-medium", "edge-resnet18-latency-tight", "edge-resnet18-edp-tight")
OPTIMIZERS = ("gradient", "gradient:gumbel", "evolution", "bottleneck")
TARGETS = (0.05, 0.01)
CHECKPOINTS = (25, 50, 100, 150)
DRAWS = 64
CLEAR = 0.02
"""Changes of less per cent a per cent count as none."""


class Counted:
    """A problem whose slopes count the points that they are asked for."""

    def __init__(self, problem):
        self.points = 0
        self._slopes = problem.slopes
        self.problem = replace(problem, slopes=self)

    def __call__(self, points):
        """Slopes at points."""
        self.points += len(points)
        return self._slopes(points)


def run(task, name, seed):
    """Regret at the checkpoints, cost and seconds to the targets, and what a relaxation settled on."""
    known = benchmark.remembered(benchmark.TASKS[task].problem())
    answer, counted = benchmark.solution(benchmark.TASKS[task], known), Counted(known)
    kind, _, relaxation = name.partition(":")
    optimizer = optimizers.get(kind)(
        counted.problem, seed, **({"relaxation": relaxation} if relaxation else {})
    )
    trials, curve, start = [], [], process_time()
    while len(trials) + counted.points < CHECKPOINTS[-1]:
        (point,) = optimizer.ask(1)
        trials.append(Trial(len(trials), point, known.evaluate([point])[0]))
        optimizer.tell(trials[-1:])
        curve.append((len(trials) + counted.points, process_time() - start))
    regrets = benchmark.regret(known, trials, answer).tolist()
    found = {"trials": len(trials), "slopes": counted.points, "seconds": curve[-1][1]}
    within = [
        [regret for regret, (cost, _) in zip(regrets, curve, strict=True) if cost <= at] for at in CHECKPOINTS
    ]
    found["regret"] = [some[-1] if some and isfinite(some[-1]) else None for some in within]
    for target in TARGETS:
        reached = [at for regret, at in zip(regrets, curve, strict=True) if regret <= target]
        found[f"to {target}"] = reached[0] if reached else None
    return found | ({"settled": settled(optimizer, known, answer)} if relaxation == "gumbel" else {})


def settled(optimizer, problem, answer):
    """Loss over the optimum of the likeliest design and of draws, which of them fit, how sure logits are."""
    best = optimizer.best.point
    rng, logits = np.random.default_rng(0), optimizer.logits
    points = [
        optimizer._at(best, units)
        for units in (logits.likeliest, *(logits.proposed(rng) for _ in range(DRAWS)))
    ]
    ratios = []
    for point, measured in zip(points, problem.evaluate(points), strict=True):
        trial = Trial(0, point, measured)
        fits = problem.feasible(trial)
        loss = problem.losses(trial)[0] if measured.is_feasible else inf
        ratios.append((loss / problem.losses(answer.designs[0])[0], fits))
    drawn = [ratio for ratio, fits in ratios[1:] if fits]
    return {
        "likeliest": ratios[0][0] if isfinite(ratios[0][0]) else None,
        "likeliest fits": ratios[0][1],
        "draws": float(np.median(drawn)) if drawn else None,
        "draws that fit": len(drawn) / DRAWS,
        "largest share": float(np.mean([share.max() for share in logits.shares])),
    }


def agreement(task, count, seed=0):
    """Signs and order of slopes, against changes between neighbouring values, at designs of a task."""
    problem = benchmark.remembered(benchmark.TASKS[task].problem())
    metric, space, rng = problem.objectives[0].metric, problem.space, np.random.default_rng(seed)
    points = []
    while len(points) < count:
        drawn = space.sample(rng, 256)
        fitting = [point for point, bad in zip(drawn, problem.known_violations(drawn), strict=True) if not bad]
        able = [each.is_feasible for each in problem.evaluate(fitting)]
        points += [point for point, ran in zip(fitting, able, strict=True) if ran]
    points = points[:count]
    ours, theirs = [], []
    for point, slopes in zip(points, problem.slopes(points), strict=True):
        for parameter in space.parameters:
            place = parameter.values.index(point[parameter.name])
            values = parameter.values[max(place - 1, 0) : place + 2]
            found = problem.evaluate([{**point, parameter.name: value} for value in values])
            logs = [(log(value), log(each.metrics[metric])) for value, each in zip(values, found, strict=True)
                    if each.is_feasible]  # fmt: skip
            if len(logs) > 1:
                ours.append(slopes[metric][parameter.name])
                theirs.append((logs[-1][1] - logs[0][1]) / (logs[-1][0] - logs[0][0]))
    ours, theirs = np.array(ours), np.array(theirs)
    clear = np.abs(theirs) > CLEAR
    return {
        "designs": count,
        "pairs": len(ours),
        "clear": int(clear.sum()),
        "signs": float((np.sign(ours) == np.sign(theirs))[clear].mean()),
        "spearman": float(spearmanr(ours, theirs)[0]),
        "spearman of clear ones": float(spearmanr(ours[clear], theirs[clear])[0]),
    }


def timing(task):
    """Milliseconds of processor time, all fronts known: of a design's evaluation, of its slopes, of a batch."""
    problem = benchmark.TASKS[task].problem()
    point = dict(benchmark.solution(benchmark.TASKS[task], problem).designs[0].point)
    near = []
    for parameter in problem.space.parameters:
        place = parameter.values.index(point[parameter.name])
        near += [{**point, parameter.name: value} for value in parameter.values[max(place - 1, 0) : place + 2]]
    calls = {
        "evaluation": lambda: problem.evaluate([point]),
        "slopes": lambda: problem.slopes([point]),
        "evaluation with its neighbours": lambda: problem.evaluate(near),
    }
    return {name: 1e3 * min(seconds(call) for _ in range(6)) for name, call in calls.items()}


def seconds(call):
    """Processor time of a call."""
    start = process_time()
    call()
    return process_time() - start


def tables(content):
    """Lines of text: medians over seeds."""
    yield "| task | optimizer | seeds | regret (%) at 25, 50, 100, 150 | to 5 % | to 1 % | s to 5 % | slopes |"
    for task, found in content["runs"].items():
        for name, seeds in found.items():
            runs = list(seeds.values())
            regrets = np.array([[inf if value is None else value for value in each["regret"]] for each in runs])
            cells = ", ".join(f"{100 * value:.1f}" for value in np.median(regrets, axis=0))
            to, seconds = ([median(runs, target, part) for target in TARGETS] for part in (0, 1))
            asked = np.median([each["slopes"] for each in runs])
            yield (
                f"| {task} | {name} | {len(runs)} | {cells} | {to[0]:.0f} | {to[1]:.0f} | {seconds[0]:.1f} "
                f"| {asked:.0f} |"
            )
    for task, found in content["agreement"].items():
        clear, order = f"{found['clear']} of {found['pairs']}", found["spearman of clear ones"]
        yield f"| {task} | {clear} | {found['signs']:.3f} | {order:.3f} |"
    for task, found in content["ms"].items():
        yield f"| {task} | {', '.join(f'{name} {ms:.0f} ms' for name, ms in found.items())} |"


def median(runs, target, part):
    """Median cost (0) or seconds (1) to a target; infinite where most runs did not get there."""
    return np.median([inf if each[f"to {target}"] is None else each[f"to {target}"][part] for each in runs])


def main():
    """Run what is missing, write it, print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--optimizers", nargs="*", default=list(OPTIMIZERS))
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--agreement", type=int, default=32, help="designs a task; 0 for none")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tables", action="store_true")
    arguments = parser.parse_args()
    content = {"runs": {}, "agreement": {}, "ms": {}}
    content |= json.loads(arguments.out.read_text()) if arguments.out.exists() else {}

    def keep(where, key, made):
        if str(key) not in where and not arguments.tables:
            where[str(key)] = made()
            arguments.out.write_text(json.dumps(content, indent=1) + "\n")

    for task in arguments.tasks:
        keep(content["ms"], task, lambda task=task: timing(task))
        if arguments.agreement:
            keep(content["agreement"], task, lambda task=task: agreement(task, arguments.agreement))
        for seed in range(arguments.seeds):
            for name in arguments.optimizers:
                where = content["runs"].setdefault(task, {}).setdefault(name, {})
                keep(where, seed, lambda task=task, name=name, seed=seed: run(task, name, seed))
    print(*tables(content), sep="\n")


if __name__ == "__main__":
    main()
