"""Which parameters decide the outcome: a random forest on the trials, permuted on trials it has not seen.

Permutation importance (Breiman, Machine Learning 45, 2001; scikit-learn's `permutation_importance`): by how
much the forest's score on held-out trials falls when one parameter's column is shuffled. It speaks of the
trials of the search, not of the whole space, and parameters that vary together share their credit; so the
forest's own cross-validated score stands beside it, and a forest that scores badly is called weak.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apollo_dse.problem import Objective, Problem
from apollo_dse.report.document import Importance, Influence
from apollo_dse.report.labels import lowered, metric, number
from apollo_dse.trial import Trial
from search_spaces.space import SearchSpace

FOLDS = 4
SHUFFLES = 4
TREES = 60
MOST_TRIALS = 4000
FEWEST_TRIALS = 40
FEWEST_PER_PARAMETER = 4
FEWEST_OF_A_CLASS = 15
WEAK_R2 = 0.3
WEAK_AUC = 0.65


def importances(problem: Problem, trials: Sequence[Trial], seed: int = 0) -> tuple[Importance, ...]:
    """Importance for each objective among feasible trials, then for being feasible at all.

    Args:
        problem: names the objectives, the limits and the space.
        trials: of any study of that space.
        seed: of the folds, forests and shuffles; equal seeds, equal results.
    """
    feasible = [trial for trial in trials if problem.feasible(trial)]
    found = [of_objective(problem, objective, feasible, seed) for objective in problem.objectives]
    return (*found, of_feasibility(problem, trials, seed))


def of_objective(
    problem: Problem, objective: Objective, feasible: Sequence[Trial], seed: int = 0
) -> Importance:
    """Importance for one objective among feasible trials, all or an even sample of them."""
    label = lowered(metric(objective.metric).label)
    target = f"What decides {label} among feasible trials"
    losses = np.array([objective.loss(trial) for trial in feasible], dtype=np.float64)
    positive = bool(np.all(losses > 0))
    why = _too_few(len(feasible), len(problem.space.names), "feasible trials")
    if not why and np.ptp(losses) == 0:
        why = f"All feasible trials have the same {label}, so no parameter decides it."
    if why:
        return _missing(target, "R²", len(feasible), why)
    log = "log " if positive else ""
    goal = np.log(losses) if positive else losses
    return _fit(problem.space, feasible, goal, target, f"R² of {log}{label}", seed)


def of_feasibility(problem: Problem, trials: Sequence[Trial], seed: int = 0) -> Importance:
    """Importance for being feasible at all, among all trials or an even sample of them."""
    target = "What decides whether a trial is feasible"
    labels = np.array([problem.feasible(trial) for trial in trials], dtype=np.float64)
    rarer = int(min(labels.sum(), len(labels) - labels.sum())) if len(labels) else 0
    why = _too_few(len(trials), len(problem.space.names), "trials")
    if not why and rarer < FEWEST_OF_A_CLASS:
        few = "feasible" if labels.mean() < 0.5 else "infeasible"
        why = f"Not enough trials: {rarer} {few} ones, and the model needs {FEWEST_OF_A_CLASS} of each kind."
    if why:
        return _missing(target, "AUC", len(trials), why)
    return _fit(problem.space, trials, labels, target, "AUC", seed)


def _too_few(count: int, parameters: int, what: str) -> str:
    needed = max(FEWEST_TRIALS, FEWEST_PER_PARAMETER * parameters)
    if count >= needed:
        return ""
    return f"Not enough trials: {count} {what}, and {parameters} parameters need {needed}."


def _missing(target: str, score_name: str, trials: int, note: str) -> Importance:
    return Importance(
        target=target,
        method="",
        score_name=score_name,
        score=None,
        trials=trials,
        verdict="missing",
        note=note,
        rows=(),
    )


def _fit(
    space: SearchSpace,
    trials: Sequence[Trial],
    goal: NDArray[np.float64],
    target: str,
    score_name: str,
    seed: int,
) -> Importance:
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(len(trials))[:MOST_TRIALS])
    features = space.to_unit([trials[i].point for i in kept.tolist()])
    scores, falls = _cross_validate(features, goal[kept], score_name == "AUC", seed)
    score = float(np.mean(scores))
    floor = WEAK_AUC if score_name == "AUC" else WEAK_R2
    verdict = "ok" if score >= floor else "weak"
    method = (
        f"Random forest ({TREES} trees) on {number(len(kept))} trials; fall of its {score_name} on held-out "
        f"trials when a parameter is shuffled ({FOLDS} folds, {SHUFFLES} shuffles; line: standard deviation)"
    )
    doubt = (
        " The forest explains too little to be believed: read nothing into the order."
        if verdict == "weak"
        else ""
    )
    rows = [
        Influence(parameter=name, mean=float(fall.mean()), std=float(fall.std()))
        for name, fall in zip(space.names, falls, strict=True)
    ]
    return Importance(
        target=target,
        method=method,
        score_name=score_name,
        score=score,
        trials=len(trials),
        verdict=verdict,  # type: ignore[arg-type]
        note=f"{method}. Cross-validated {score_name}: {score:.2f}.{doubt}",
        rows=tuple(sorted(rows, key=lambda row: -row.mean)),
    )


def _cross_validate(
    features: NDArray[np.float64], goal: NDArray[np.float64], classes: bool, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores [fold] and falls of the score [parameter, fold * shuffle], on the held-out part of each fold."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold, StratifiedKFold

    forest = RandomForestClassifier if classes else RandomForestRegressor
    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=seed)
    scoring = "roc_auc" if classes else "r2"
    scores, falls = [], []
    for train, test in folds.split(features, goal):
        model = forest(TREES, min_samples_leaf=2, random_state=seed, n_jobs=1)
        model.fit(features[train], goal[train])
        result = permutation_importance(
            model, features[test], goal[test], scoring=scoring, n_repeats=SHUFFLES, random_state=seed
        )
        falls.append(result.importances)
        held_out = model.predict_proba(features[test])[:, 1] if classes else model.predict(features[test])
        scores.append(_score(goal[test], held_out, classes))
    return np.array(scores), np.concatenate(falls, axis=1)


def _score(goal: NDArray[np.float64], predicted: NDArray[np.float64], classes: bool) -> float:
    from sklearn.metrics import r2_score, roc_auc_score

    return float(roc_auc_score(goal, predicted) if classes else r2_score(goal, predicted))
