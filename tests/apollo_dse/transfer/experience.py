"""Made-up experience with the made-up accelerators of `apollo_dse.testing`."""

from dataclasses import replace

from apollo_dse.optimizers.random import Random
from apollo_dse.testing import accelerators
from apollo_dse.transfer import Description, Experience, Prior
from apollo_dse.transfer.prior import unavailable
from apollo_dse.trial import Measurement, Trial

TASK = Description("made-up", ("net",), {"macs": 30.0})


def trials_of(problem, points):
    """Trials of points, measured."""
    pairs = zip(points, problem.evaluate(points), strict=True)
    return tuple(Trial(number, *pair) for number, pair in enumerate(pairs))


def prior_of(problem, name="other", count=64, seed=5, macs=30.0):
    """A prior of uniform draws from a problem."""
    trials = trials_of(problem, Random(problem, seed=seed).ask(count))
    task = Description("made-up", (name,), {"macs": macs})
    return Prior(name, task, replace(problem, evaluate=unavailable), trials)


def scaled(prior, name, factor=1.0, power=1.0):
    """A prior whose latencies are `factor` times those to a power: -1 misleads as much as can be."""

    def changed(trial):
        metrics = trial.measurement.metrics
        if not metrics:
            return trial
        latency_s = factor * metrics["latency_s"] ** power
        return replace(trial, measurement=Measurement({**metrics, "latency_s": latency_s}))

    return replace(prior, name=name, trials=tuple(map(changed, prior.trials)))


def experience(*priors):
    """What a method is given."""
    return Experience(TASK, priors or (prior_of(accelerators(area_mm2=50.0)),))
