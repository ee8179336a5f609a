"""What a user's file describes: a program of one's own (`command`), or a published simulator (`tools`).

tool: scalesim
program: /opt/scalesim/bin/python
timeout_s: 7200
memory_bytes: 16GiB
"""

from functools import partial
from pathlib import Path

from apollo_dse.evaluators import Evaluators, mapping_for, names, registered, remembered
from apollo_dse.evaluators.command import CommandEvaluators
from apollo_dse.evaluators.command.reading import LIMITS, description, limits
from search_spaces.files.content import at, read, refuse_unknown, text
from search_spaces.quantity import nearest_name

TOOL = "tool"


def evaluators_of(path: str | Path, minimize: str | None = None) -> Evaluators:
    """The evaluators that the file at `path` describes; `minimize` is as in `apollo_dse.evaluators.get`.

    Raises:
        ValueError: the file breaks a rule; the message names file, key, rule and the nearest valid word.
        OSError: it, or a file that it names, cannot be read.
    """
    path = Path(path)
    with at(str(path)):
        content = read(path)
        if TOOL not in content:
            return CommandEvaluators(description(content, path))
        refuse_unknown(content, (TOOL, "program", *LIMITS))
        folder, name = path.absolute().parent, text(content[TOOL])
        tools = tuple(each for each in names() if hasattr(registered(each), "find"))
        if name not in tools:
            raise ValueError(
                f"a tool must be one of {', '.join(tools)}, but got {name!r}{nearest_name(name, tools)}"
            )
        given = text(content["program"]) if "program" in content else None
        program = str(folder / given) if given is not None and "/" in given else given
        made = registered(name)
        found = partial(made, program=program, limits=limits(content, folder))
        return partial(remembered, mapping_for(minimize, found, made))
