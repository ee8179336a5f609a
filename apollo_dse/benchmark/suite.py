"""The suite: the tasks whose exact answer is known."""

from collections.abc import Mapping, Sequence

from apollo_dse.benchmark.solutions import stored
from apollo_dse.benchmark.tasks import QUESTIONS, Task
from search_spaces.quantity import nearest_name

TASKS: Mapping[str, Task] = {name: task for name, task in QUESTIONS.items() if name in stored()}
"""All tasks with a solution, by name."""


def select(names: Sequence[str] = (), workload: str | None = None) -> tuple[Task, ...]:
    """The tasks of these names, or all, on one network or on all, in the order of `TASKS`.

    Raises:
        ValueError: a name is none, or no task is left; the message has the nearest name.
    """
    for name in names:
        if name not in TASKS:
            raise ValueError(f"no task {name!r} among the {len(TASKS)}{nearest_name(name, tuple(TASKS))}")
    found = tuple(task for task in TASKS.values() if not names or task.name in names)
    networks = sorted({task.workload for task in found})
    if workload is not None and workload not in networks:
        hint = nearest_name(workload, tuple(networks))
        raise ValueError(f"tasks are on {', '.join(networks)}, but got {workload!r}{hint}")
    return tuple(task for task in found if workload in (None, task.workload))
