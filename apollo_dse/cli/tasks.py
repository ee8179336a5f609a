"""`apollo-dse tasks`: the tasks whose exact answer is known."""

from apollo_dse.cli import output
from apollo_dse.cli.options import JsonOption


def tasks(*, json: JsonOption = False) -> None:
    """List the tasks that optimizers are compared on, and their exact answers.

    Examples:
      apollo-dse tasks
      apollo-dse tasks --json
    """
    from apollo_dse.benchmark.comparison import about
    from apollo_dse.benchmark.suite import TASKS
    from apollo_dse.report.labels import metric_text

    told = {name: about(name) for name in TASKS}
    if json:
        output.document({"tasks": told})
        return
    rows = []
    for name, task in told.items():
        best = [metric_text(metric, task["best"][metric]) for metric in task["objectives"]]
        front = f"front of {task['front']} from " if task["front"] else ""
        fits = f"{100 * task['fitting']:.2g} %"
        rows.append([name, f"{task['points']:,}", f"{task['area_mm2']:g} mm2", fits, front + ", ".join(best)])
    output.table(("task", "designs", "budget", "draws that fit", "exact answer"), rows)
