"""`apollo-dse validate`: how far the cost models agree with what others measured or computed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.errors import UserError, user_input
from apollo_dse.cli.options import JsonOption

if TYPE_CHECKING:
    from apollo_dse.validation.comparison import Case, Comparison

MOST_CASES = 20
"""Of a comparison with more cases, only those are shown that are furthest apart."""

WORST = 5


def validate(
    *,
    data: Annotated[
        Path | None,
        Parameter(help="A folder with tables of published numbers; references without theirs are left out."),
    ] = None,
    reference: Annotated[
        list[str] | None, Parameter(help="One reference by name; repeat it; else all.")
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(
            name=("--output", "-o"), help="A folder for a page (Markdown) with a plot of each comparison."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare the cost models with published measurements and with other models.

    A target that is missed is an answer too: exit code 0, and "met" says so.

    Examples:
      apollo-dse validate
      apollo-dse validate --data tables --json
      apollo-dse validate --reference eyeriss_alexnet -o page
    """
    from apollo_dse.validation import page, registry

    if data is not None and not data.is_dir():
        raise UserError(f"--data takes a folder, but {str(data)!r} is none")
    found: list[Comparison] = []
    with user_input(), output.waiting("Comparing") as say:
        chosen = tuple(reference or registry.NAMES)
        for name, comparisons in registry.run(data, chosen, lambda what: say(f"Comparing with {what}")):
            found += comparisons
            if not comparisons:
                needs = registry.reference(name).FILE
                output.note(f"{name} is left out: it needs {needs} in a folder given by --data")
    if out is not None:
        with user_input():
            output.note(f"wrote {page.write(found, out)}")
    if json:
        output.document({"comparisons": [_describe(each) for each in found]})
        return
    for each in found:
        _show_cases(each)
    _show_summary(found)


def _describe(found: "Comparison") -> dict[str, object]:
    return {
        "reference": found.reference,
        "metric": found.metric,
        "unit": found.unit,
        "cases": len(found.cases),
        "mape": found.statistic("mape"),
        "max_error": found.statistic("max_error"),
        "spearman": found.statistic("spearman"),
        "kendall": found.statistic("kendall"),
        "equal": found.statistic("equal"),
        "geometric_mean_ratio": found.geometric_mean_ratio,
        "target": found.target,
        "met": found.met,
        "mismatches": [case.name for case in found.unequal] if found.is_exact else [],
        "peers": found.peers,
        "source": found.source,
        "fitted": found.fitted,
        "notes": found.notes,
    }


def _show_cases(found: "Comparison") -> None:
    from math import isfinite

    errors = dict(zip(found.cases, found.errors.tolist(), strict=True))

    def row(case: "Case") -> list[str]:
        error = errors[case]
        return [
            case.name,
            _number(case.published),
            _number(case.ours),
            f"{error:+.1%}" if isfinite(error) else "-",
        ]

    shown, left = list(found.cases), ""
    if len(shown) > MOST_CASES:
        shown = sorted(shown, key=lambda case: -abs(errors[case]))[:WORST]
        left = f", the {len(shown)} furthest apart of {len(found.cases)}"
    output.line()
    unit = "" if found.unit == "1" else f" in {found.unit}"
    output.line(f"{found.reference}: {found.metric}{unit}{left}")
    output.table(("what", "published", "ours", "error"), [row(case) for case in shown])
    for what, text in (("Source", found.source), ("Fitted", "; ".join(found.fitted)), ("Notes", found.notes)):
        if text:
            output.line(f"{what}: {text}")


def _show_summary(found: list["Comparison"]) -> None:
    def row(each: "Comparison") -> list[str]:
        return [
            each.reference,
            each.metric,
            str(len(each.cases)),
            *(_share(each.statistic(name)) for name in ("mape", "max_error")),
            *(_rank(each.statistic(name)) for name in ("spearman", "kendall")),
            each.target or "-",
            {True: "yes", False: "no", None: "-"}[each.met],
            each.peers or "-",
        ]

    columns = ("reference", "metric", "cases", "MAPE", "max", "Spearman", "Kendall", "target", "met", "peers")
    output.line()
    output.line("Summary")
    output.table(columns, [row(each) for each in found])


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.5g}"


def _share(value: float) -> str:
    from math import isfinite

    return f"{value:.2%}" if isfinite(value) else "-"


def _rank(value: float) -> str:
    from math import isfinite

    return f"{value:.3f}" if isfinite(value) else "-"
