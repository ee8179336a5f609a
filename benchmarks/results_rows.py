"""Tables of the page of measured results: one formatter a result. Used by results_page.py.

A formatter gets the content of a file of results and answers with the rows of a table, its head first.
"""

import json
from collections.abc import Iterable, Sequence
from math import inf, isfinite
from statistics import median
from typing import Any

from compare_tables import Comparison, overall
from falls import curve

from apollo_dse.benchmark.statistics import Curve, quantile

Rows = Iterable[Sequence[object]]

FEW = 6
"""Distributions that are named; of more there is their number."""


def share(value: float | None, digits: int = 1) -> str:
    """A share in per cent; none as a dash."""
    return "-" if value is None or not isfinite(value) else f"{100 * value:.{digits}f} %"


def exact_optimum(found: Any) -> Rows:
    """Questions, seconds and what it took."""
    yield "question", "designs", "seconds", "priced", "bounds", "gap", "brute force"
    for each in [*found["whole_space"], *found["brute_force"]]:
        asked = ", ".join([each["workload"], each["objective"], *each["limits"]])
        brute = "equal" if each.get("brute_force_agrees") else "-"
        gap = share(each["gap"], 0)
        yield asked, f"{each['points']:,}", each["seconds"], each["evaluated"], each["bounded"], gap, brute


def compare(found: Any) -> Rows:
    """Optimizers over all runs."""
    return overall(Comparison(found))


def lottery(found: Any) -> Rows:
    """What each optimizer reaches by how lucky its knobs were chosen."""
    yield "optimizer", "settings", "default", "best", "median", "worst"
    for name, told in sorted(found["lottery"].items(), key=lambda pair: float(pair[1]["default"])):
        scores = (share(told[key], 2) for key in ("default", "best", "median", "worst"))
        yield f"`{name}`", len(told["settings"]), *scores


def overhead(found: Any) -> Rows:
    """Milliseconds a suggestion and its tell, by how many trials were told."""
    yield "optimizer", "50 told: ms", "200", "1,000", "longest of ten at 1,000", "MiB"
    for name, by_told in found["optimizers"].items():
        medians = [f"{1e3 * each['median_s']:.1f}" for each in by_told.values()]
        last = by_told["1000"]
        yield f"`{name}`", *medians, f"{1e3 * last['longest_s']:.0f}", f"{last['memory_mib']:.0f}"


def scalesim_prior(found: Any) -> Rows:
    """Simulations until a search was near the best known: the median, and how many searches got there."""
    yield "search", "within 5 %", "within 1 %", "the best known itself"
    for name, told in found["searches"].items():
        counts = [told["trials_to"][near] for near in ("1.05", "1.01", "1.0")]
        cells = (f"{_middle(each)}, {sum(n is not None for n in each)} of {len(each)}" for each in counts)
        yield f"`{name}`", *cells


def gradient(found: Any) -> Rows:
    """Median cost to reach 5 % and 1 %, trials and slopes together."""
    yield "task", "optimizer", "runs", "asked until 5 %", "until 1 %", "regret at the end", "s, median"
    for task, optimizers in found["runs"].items():
        for name, runs in optimizers.items():
            made = list(runs.values())
            costs = [_cost([run.get(f"to {goal}") for run in made]) for goal in ("0.05", "0.01")]
            end = share(median(_known(run["regret"][-1]) for run in made))
            seconds = f"{median(run['seconds'] for run in made):.1f}"
            yield f"`{task}`", f"`{name}`", len(made), *costs, end, seconds


def _cost(reached: list[Any]) -> str:
    return _middle([None if each is None else each[0] for each in reached])


def _middle(reached: list[float | None]) -> str:
    """The median number of trials; none is infinite."""
    middle = quantile([inf if each is None else each for each in reached], 0.5)
    return f"{middle:g}" if isfinite(middle) else "-"


def transfer(found: Any) -> Rows:
    """Regret after some trials, medians over tasks and seeds, each method's own."""
    ends = (1, 5, 10, 20, 40, 60)
    yield "protocol", "method", "runs", *(f"at {end}" for end in ends)
    curves: dict[tuple[str, str], list[Curve]] = {}
    for key, run in found["falls"].items():
        protocol, _, method, _, lie = json.loads(key)
        kept = curve(run, ends[-1])
        curves.setdefault((f"{protocol}, {lie}" if lie else protocol, method), []).append(kept)
    for (protocol, method), runs in sorted(curves.items()):
        regrets = [share(quantile([run[end - 1] for run in runs], 0.5)) for end in ends]
        yield protocol, f"`{method}`", len(runs), *regrets


def evolution_knobs(found: Any) -> Rows:
    """Scores by number of trials."""
    ends = list(found["score"]["random"])
    yield "setting", *(f"{end} trials" for end in ends)
    for name, scores in found["score"].items():
        yield name, *(f"{scores[end]:.3f}" for end in ends)


def bayesian_encoding(found: Any) -> Rows:
    """Scores by number of trials, whether the area is known beforehand or learned."""
    ends = ("24", "48", "80")
    yield "limit on area", "optimizer", *(f"{end} trials" for end in ends)
    for limit, optimizers in found["score"].items():
        for name, scores in optimizers.items():
            yield limit, name, *(f"{scores[end]:.3f}" for end in ends)


def pricing(found: Any) -> Rows:
    """Rates of one network a column."""
    yield "", *found
    for goal in ("latency", "energy"):
        yield f"pairs a second, least {goal}", *(f"{each['pairs_per_s'][goal]:.3g}" for each in found.values())
    for place, rate in enumerate(next(iter(found.values()))["designs_per_s"]):
        rates = [f"{each['designs_per_s'][place]['designs_per_s']:,.0f}" for each in found.values()]
        yield f"designs a second, batches of {rate['designs']:,}, least {rate['goal']}", *rates


def gpu_pricing(found: Any) -> Rows:
    """Rates of the kernel, and the whole space."""
    yield "", "card", "pairs a second", "of the bound", "pairs a second, plain torch", "designs", "seconds"
    for name, each in found.items():
        kernel, space = each["kernel"], each["space"]
        rates = (
            f"{kernel['latency']:.3g}",
            share(kernel["latency"] / kernel["bound"], 0),
            f"{kernel['torch']:.2g}",
        )
        yield name, kernel["card"], *rates, f"{space['points']:,}", f"{space['seconds']:.1f}"


def timeloop_mapper(found: Any) -> Rows:
    """Ratios of scores and of seconds, by the tool that found the other mapping."""
    told = {"style": "Timeloop, its style", "free": "Timeloop, free", "annealed": "an annealer"}
    yield "beside", "search", "rows", "proven", "never worse", "mean ratio of scores", "worst", "times faster"
    for kind, each in found["summary"].items():
        for search in ("quick", "exact"):
            one = each[search]
            scores = f"{one['mean_ratio']:.3f}", f"{one['worst_ratio']:.3f}", f"{one['times_faster']:.1f}"
            proven = each["complete"] if search == "exact" else "-"
            yield told.get(kind, kind), search, each["rows"], proven, one["never_worse"], *scores


def zigzag_mapper(found: Any) -> Rows:
    """A layer, machine and goal a row; no ratio of a mapping that cannot be translated."""
    yield "layer", "memories", "goal", "ours over ZigZag's, Timeloop's rules", "exactly", "s, ours", "s, ZigZag"
    goals = {"edp": "energy x cycles", "energy": "energy", "delay": "cycles"}
    for row in found["rows"]:
        ours = row["exact"]
        ratios = (f"{ours[each]:.3f}" if each in ours else "-" for each in ("ratio_timeloop", "ratio_exact"))
        yield (
            row["layer"],
            row["machine"],
            goals[row["objective"]],
            *ratios,
            ours["seconds"],
            row["zigzag_seconds"],
        )


def timeloop_exact(found: Any) -> Rows:
    """Shares of rows with equal, fewer and more words than Timeloop counts."""
    yield "words", "layers", "rows", "equal", "fewer", "more"
    for row in found:
        shares = [share(row[name]) for name in ("equal", "fewer", "more")]
        yield f"{row['dataspace']}, {row['what']}", row["layers"], row["rows"], *shares


def hierarchy_portfolios(found: Any) -> Rows:
    """A layer a row."""
    yield "layer", "mappings", "designs", "mean ratio", "worst ratio"
    for row in found:
        layer = " ".join(f"{dim}{bound}" for dim, bound in row["layer"].items())
        ratios = f"{row['mean_ratio']:.3f}", f"{row['worst_ratio']:.3f}"
        yield layer, row["mappings"], row["designs_that_fit"], *ratios


def gemmini_constants(found: Any) -> Rows:
    """Errors of the fit and of what was left out of it."""
    yield "mean absolute relative error", ""
    yield "of all rows, constants fitted to them", share(found["mape"], 2)
    yield "of layers left out, five folds", share(found["mape_of_fivefold_left_out"], 2)
    halves = found["mape_of_halves_left_out"]
    yield "of a half left out, least and most", f"{share(min(halves), 2)}, {share(max(halves), 2)}"
    for name, error in found["mape_without_a_constant"].items():
        yield f"without `{name}`", share(error, 2)


def nas_bench_201(found: Any) -> Rows:
    """Mean accuracy by queries."""
    queries = found[0]["queries"]
    yield "data", "optimizer", "runs", *(f"{count} queries" for count in queries), "runs at the optimum"
    for row in found:
        means = [f"{mean:.2f}" for mean in row["mean"]]
        yield row["data"], f"`{row['optimizer']}`", row["runs"], *means, share(row["share_at_optimum"][-1], 0)


def accuracy_surrogate(found: Any) -> Rows:
    """Ranks, errors and coverage, means over the folds."""
    mean = found["mean"]
    yield "Kendall", "error, points", *(f"within {share(each, 0)}" for each in found["intervals"])
    yield f"{mean['kendall']:.3f}", f"{mean['rmse_points']:.2f}", *(share(each) for each in mean["covered"])


def proxies(found: Any) -> Rows:
    """A score a row."""
    yield "score", "Spearman", "Kendall", "cells without", "processor s a cell"
    for name, row in found["proxies"].items():
        ranks = f"{row['spearman']:.3f}", f"{row['kendall']:.3f}"
        yield f"`{name}`", *ranks, row["unscored"], f"{row['processor_s_per_cell']:.2g}"


def supernet(found: Any) -> Rows:
    """A seed a row."""
    yield "images", "seed", "test accuracy", "processor s", "Spearman with training alone"
    for name, each in found.items():
        for run, rank in zip(each["one_shot"], each["ranking"]["spearman"], strict=True):
            yield f"`{name}`", run["seed"], f"{run['test']:.3f}", f"{run['processor_s']:.0f}", f"{rank:.2f}"


def gradient_search(found: Any) -> Rows:
    """A search a row, and cells that were drawn."""
    yield "search", "energy-delay, pJs", "test accuracy", "limits kept", "epochs", "processor s"
    for name, row in found["searches"].items():
        cost, kept = f"{row['costs']['edp_js'] * 1e12:.0f}", "yes" if row["within_limits"] else "no"
        yield name, cost, f"{row['test']:.3f}", kept, row["epochs"], f"{row['processor_s']:.0f}"
    for row in found["drawn"]:
        yield "drawn", f"{row['costs']['edp_js'] * 1e12:.0f}", f"{row['test']:.3f}", "yes", "-", "-"


def gradient_queries(found: Any) -> Rows:
    """A search a row: how many runs come near the best cell, and where those by gradients end."""
    yield "search", "runs", "near the best", "queries or steps until then, median", "ends in, median"
    for name, runs in found["runs"].items():
        arrived = [each.get("queries", each.get("steps")) for each in runs if each["seconds"] is not None]
        ends = [each["scores"][-1] for each in runs if "scores" in each]
        until = f"{median(arrived):g}" if arrived else "-"
        yield f"`{name}`", len(runs), len(arrived), until, share(median(ends), 2) if ends else "-"


def joint_search(found: Any) -> Rows:
    """A seed a row, the energy-delay product that each search ends with."""
    arms = ("hardware_only", "network_only", "sequential", "joint")
    yield "seed", "trials", *(f"{arm.replace('_', ' ')}, nJs" for arm in arms), "processor s"
    for row in found["searches"]:
        products = (f"{row[arm]['edp_js'] * 1e9:.1f}" for arm in arms)
        yield row["seed"], row["trials"], *products, f"{row['processor_s']:.0f}"


def morphism(found: Any) -> Rows:
    """Growth by the best rate of each way, then searches."""
    yield "images", "question", "way", "epochs", "training s, median or mean", "result"
    for name, each in found["growth"].items():
        for way in each["chosen"].values():
            row = each["medians"][way]
            yield (
                f"`{name}`",
                "growth",
                way,
                row["epochs"],
                f"{row['seconds']:.2f}",
                f"{row['reached']} arrived",
            )
    for name, each in found["search"].items():
        for way, row in each["means"].items():
            result = f"test accuracy {row['test']:.3f}"
            yield f"`{name}`", "search", way, f"{row['epochs']:g}", f"{row['training_seconds']:.1f}", result


def package(found: Any) -> Rows:
    """An interpreter a row."""
    yield "Python", "torch", "wheel", "unpacked", "site-packages", "of that the largest"
    for name, row in found.items():
        most = ", ".join(f"{folder} {size}" for folder, size in list(row["largest_mb"].items())[:3])
        sizes = [f"{row[key]} MB" for key in ("wheel_mb", "unpacked_mb", "site_packages_mb")]
        yield name, row["versions"]["torch"], *sizes, most


def extras(found: Any) -> Rows:
    """An extra a row."""
    yield "extra", "distributions that it brings", "site-packages grows by", "versions"
    for name, row in found["extras"].items():
        brought = ", ".join(row["brings"]) if len(row["brings"]) <= FEW else len(row["brings"])
        versions = "pinned" if row["pinned"] else "newest"
        yield f"`{name}`", brought, f"{row['added_mb']} MB", f"{versions}, Python {row['python']}"


def two_hosts(found: Any) -> Rows:
    """A case a row, its rounds added up."""
    yield "harm", "rounds", "survived", "runs that ended on the head; on the other", "failed trials"
    for case in found["cases"].values():
        rounds = case["rounds"]
        runs = [sum(each.get("runs", {}).get(host, 0) for each in rounds) for host in ("head", "other")]
        failed = sum(each.get("failed", 0) for each in rounds)
        survived = sum(each["survived"] for each in rounds)
        what = case["what"].rstrip(".").lower()
        yield what, len(rounds), survived, f"{runs[0]}; {runs[1]}", failed


def newcomer(found: Any) -> Rows:
    """A step a row."""
    yield "step", "seconds", "since the clone began"
    for row in found["steps"]:
        name = row["step"].replace("|", "\\|")
        yield f"`{name}`", f"{row['seconds']:.0f}", f"{row['since_clone']:.0f}"


def _known(value: float | None) -> float:
    return inf if value is None else value
