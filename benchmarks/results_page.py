"""The page of measured results, docs/results.md, from the committed results.

    python benchmarks/results_page.py

Results are in the order of `SECTIONS`; one that is not among them is not on the page.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import results_rows as rows

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "results.md"
INTRODUCTION = """\
# Measured results

Every table is made from a file of `benchmarks/results/` by `benchmarks/results_page.py`; the script that is
named measured it, and its docstring says how. How far the cost models agree with silicon and with other models
stands in [validation.md](validation.md). Times are those of the machine that is named, and on shared ones too
long.
"""

TWO_CORES = "two idle cores of a virtual machine"
SHARED = "two cores of a virtual machine, which other work shared"
ANY = "any: no time is measured"


@dataclass(frozen=True)
class Section:
    """A result as a part of the page.

    `script` is what measured it, `said` what the table shows, `machine` on what, and
    `rows` makes the table of the file's content.
    """

    result: str
    title: str
    script: str
    said: str
    machine: str
    rows: Callable[[Any], rows.Rows]

    def text(self) -> str:
        """The section in Markdown."""
        content = json.loads((RESULTS / f"{self.result}.json").read_text(encoding="utf-8"))
        about = f"`{self.script}`, `benchmarks/results/{self.result}.json`. Machine: {self.machine}."
        return f"## {self.title}\n\n{self.said}\n\n{table(self.rows(content))}\n\n{about}\n"


def table(lines: rows.Rows) -> str:
    """A Markdown table; the first row is its head."""
    head, *body = ["| " + " | ".join(map(str, row)) + " |" for row in lines]
    return "\n".join([head, "|" + "---|" * (head.count(" | ") + 1), *body])


SECTIONS = (
    Section(
        "exact_optimum",
        "The exact optimum",
        "benchmarks/exact_optimum.py",
        "Spaces solved whole, with nothing known beforehand; and a part of one measured point by point.",
        TWO_CORES,
        rows.exact_optimum,
    ),
    Section(
        "compare",
        "Optimizers on solved tasks",
        "apollo-dse compare",
        "All solved tasks with one objective, all optimizers at their defaults. Regrets are medians and"
        " quartiles over runs; milliseconds a trial are without those of measuring.",
        SHARED,
        rows.compare,
    ),
    Section(
        "compare_peers",
        "Optimizers of other libraries, the slower ones too",
        "apollo-dse compare",
        "Four of these tasks, 50 trials, a seed each.",
        SHARED,
        rows.compare,
    ),
    Section(
        "lottery",
        "How much depends on luck with the knobs",
        "apollo-dse compare --lottery",
        "Regret at the end, the geometric mean over tasks of medians over seeds, at the default knobs and at"
        " the best, median and worst of draws around them; 0.01 % stands for less.",
        SHARED,
        rows.lottery,
    ),
    Section(
        "compare_fronts",
        "Optimizers on solved fronts",
        "apollo-dse compare",
        "All solved tasks with two objectives. Regret is the share of the exact front's hypervolume that is"
        " missing, otherwise as above.",
        SHARED,
        rows.compare,
    ),
    Section(
        "overhead",
        "A suggestion after many trials",
        "benchmarks/overhead.py",
        "Processor time of one ask and one tell, medians of ten, after so many random trials were told.",
        SHARED,
        rows.overhead,
    ),
    Section(
        "transfer",
        "What earlier searches are worth",
        "benchmarks/transfer.py",
        "Exact regret after so many trials, medians over the runs that a method made; `cold` and `random` had"
        " no priors.",
        ANY,
        rows.transfer,
    ),
    Section(
        "scalesim_prior",
        "The built-in model before SCALE-Sim",
        "benchmarks/scalesim_prior.py",
        "Simulations until a search was so near to the best design that any of them found, a number a seed; a"
        " dash: not within 40. `predicted` had the built-in model as its mean.",
        ANY,
        rows.scalesim_prior,
    ),
    Section(
        "gradient",
        "Searches by slopes",
        "benchmarks/gradient.py",
        "Points asked for, slopes counted, until the best is within 5 % and 1 % of the optimum, medians over"
        " seeds.",
        SHARED,
        rows.gradient,
    ),
    Section(
        "evolution_knobs",
        "Knobs of evolution",
        "benchmarks/evolution_knobs.py",
        "MobileNetV2, energy-delay product within 10 mm2: the best over the best known, geometric mean of 10"
        " seeds.",
        ANY,
        rows.evolution_knobs,
    ),
    Section(
        "bayesian_encoding",
        "Ordinals by rank or by logarithm",
        "benchmarks/bayesian_encoding.py",
        "Best latency over the best known on a stand-in for slow simulators, geometric mean of six seeds.",
        ANY,
        rows.bayesian_encoding,
    ),
    Section(
        "pricing",
        "Pricing on the CPU",
        "benchmarks/pricing.py",
        "A pair is a mapping of a front on a design, priced in all four states of its activations.",
        TWO_CORES,
        rows.pricing,
    ),
    Section(
        "gpu_pricing",
        "Pricing on a GPU",
        "benchmarks/gpu_pricing.py",
        "Pairs a second of the kernel for latency; then designs priced one by one, and the seconds of all.",
        "the card that is named",
        rows.gpu_pricing,
    ),
    Section(
        "timeloop_mapper",
        "The mapper beside Timeloop's",
        "benchmarks/timeloop_mapper.py",
        "Our score over that of the other tool's best mapping, both counted by Timeloop's rules; below 1 is"
        " better.",
        "two cores that were busy with other work; the other tool's seconds are those of its own record",
        rows.timeloop_mapper,
    ),
    Section(
        "zigzag_mapper",
        "The mapper beside ZigZag's",
        "benchmarks/zigzag_mapper.py",
        "What our best mapping takes over what ZigZag's best does, counted alike; below 1 is better.",
        SHARED,
        rows.zigzag_mapper,
    ),
    Section(
        "timeloop_exact",
        "Exact counts beside Timeloop's",
        "benchmarks/timeloop_exact.py",
        "On the same mappings: how often the words of a literal execution are those that Timeloop counts.",
        ANY,
        rows.timeloop_exact,
    ),
    Section(
        "hierarchy_portfolios",
        "Portfolios of deep hierarchies",
        "benchmarks/hierarchy_portfolios.py",
        "Simba's packages: the best of the portfolio over the best mapping that anyone found for the design.",
        ANY,
        rows.hierarchy_portfolios,
    ),
    Section(
        "gemmini_constants",
        "Constants fitted on Gemmini's RTL",
        "benchmarks/gemmini_constants.py",
        "Four constants of its memory system, and what is left out of the fit.",
        ANY,
        rows.gemmini_constants,
    ),
    Section(
        "nas_bench_201",
        "Searches of NAS-Bench-201",
        "benchmarks/nas_bench_201.py",
        "Mean of the best test accuracy after so many networks, in per cent, and the share of runs that found"
        " the best network by the end.",
        ANY,
        rows.nas_bench_201,
    ),
    Section(
        "accuracy_surrogate",
        "The accuracy surrogate",
        "benchmarks/accuracy_surrogate.py",
        "Accel-NASBench, 5,125 networks, five folds; how many of those held back lie within the intervals.",
        ANY,
        rows.accuracy_surrogate,
    ),
    Section(
        "proxies",
        "Scores of untrained networks",
        "benchmarks/proxies.py",
        "Rank correlation with the test accuracies of 300 cells of NAS-Bench-201 on CIFAR-10.",
        SHARED,
        rows.proxies,
    ),
    Section(
        "supernet",
        "Weight sharing",
        "benchmarks/supernet.py",
        "The best of 100 cells by a supernet's weights, and how the supernet ranks 24 cells.",
        SHARED,
        rows.supernet,
    ),
    Section(
        "gradient_search",
        "DARTS, NASP and ENAS",
        "benchmarks/gradient_search.py",
        "Cell and design for the digits, within limits on latency and area, one seed.",
        SHARED,
        rows.gradient_search,
    ),
    Section(
        "gradient_queries",
        "Gradients against queries over one supernet",
        "benchmarks/gradient_queries.py",
        "Runs that come within 0.2 points of the best of all 9,626 cells that keep the limits on some design,"
        " by validation accuracy with shared weights.",
        SHARED,
        rows.gradient_queries,
    ),
    Section(
        "joint_search",
        "Networks and designs together",
        "benchmarks/joint_search.py",
        "Accel-NASBench times the edge space of at most 20 mm2, with the predicted accuracy of EfficientNet-B0"
        " as the limit: the least energy-delay product that each search of `portfolio` finds.",
        SHARED,
        rows.joint_search,
    ),
    Section(
        "morphism",
        "Networks that grow",
        "benchmarks/morphism.py",
        "Growth: epochs until a child is better than its parent by a margin. Search: a co-search whose children"
        " inherit weights, against training each from scratch.",
        SHARED,
        rows.morphism,
    ),
    Section(
        "two_hosts",
        "A Ray cluster of two hosts",
        "benchmarks/two_hosts.py",
        "Searches of 120 trials (of the last case 360), four workers, a program of 0.2 s; each must end by"
        " itself, with every point once and nothing lost, and be resumed.",
        f"two sets of Linux namespaces, with networks of their own, on {SHARED}",
        rows.two_hosts,
    ),
    Section(
        "package",
        "The package",
        "benchmarks/package.py",
        "The wheel in a fresh environment, where a search, a report and an optimum were run; a MB is 2^20"
        " bytes, bytecode not counted. `pinned` has the versions of constraints.txt, with torch for the CPU.",
        "Linux, x86-64; sizes of torch depend on where it comes from",
        rows.package,
    ),
    Section(
        "extras",
        "Extras, each by itself",
        "benchmarks/package.py --extras",
        "Installed into a copy of an environment without any, where what needs it had failed, and then ran."
        " `pinned` has the versions of constraints.txt, with torch for the CPU.",
        "Linux, x86-64",
        rows.extras,
    ),
    Section(
        "newcomer",
        "A newcomer's path",
        "benchmarks/newcomer.py",
        "From a clone to the end of the tutorial, command by command; the first result of one's own is that of"
        " the first `explore`.",
        f"{SHARED}; Python 3.11, torch for the CPU from a local file, loops not compiled before",
        rows.newcomer,
    ),
)


def text() -> str:
    """The page."""
    return "\n".join([INTRODUCTION, *(section.text() for section in SECTIONS)])


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
