"""Any program as an evaluator, from a YAML or TOML file.

    command: [python, "{here}/sim.py", "{input}"]        # no shell reads these words
    input: {format: json}                                # what {input} is: json, yaml, or text by a template
    outputs:
      latency_s: {json: total.cycles, scale: 1e-9}       # from stdout, or `from:` stderr or a file
      energy_j: {regex: 'energy: (.*) uJ', unit: uJ}
    infeasible:
      - {exit_code: 3, regex: 'does not fit: (.*)'}      # all else that goes wrong is a run that failed
    timeout_s: 600

All keys and placeholders are in docs/evaluators.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from accel_models import Workload
from apollo_dse.evaluators import Evaluator
from apollo_dse.evaluators.command.description import Description
from apollo_dse.evaluators.command.evaluator import CommandEvaluator, uses_workload
from apollo_dse.evaluators.command.reading import load
from apollo_dse.evaluators.memory import Remembered
from apollo_dse.evaluators.several import Several
from search_spaces.space import DesignSpace

__all__ = ["CommandEvaluator", "CommandEvaluators", "Description", "load"]


@dataclass(frozen=True, slots=True)
class CommandEvaluators:
    """The evaluators of a description: of a space, on some networks."""

    description: Description

    def __call__(self, design_space: DesignSpace, workloads: Sequence[Workload]) -> Evaluator:
        """One run a point and network; one a point, where the program is given no network; none twice.

        Raises:
            ValueError: as `CommandEvaluator`, or there is no workload for a program that is given one.
        """
        description = self.description
        if not uses_workload(description):
            return Remembered(CommandEvaluator(description, design_space))
        names = [each.name for each in workloads]
        if not names or len(set(names)) < len(names):
            rule = f"{description.name}: workloads must be at least one, of distinct names"
            raise ValueError(f"{rule}, for a program with {{workload}}, but got {names}")
        made = {each.name: Remembered(CommandEvaluator(description, design_space, each)) for each in workloads}
        if len(made) == 1:
            return made[names[0]]
        signed = [output.metric for output in description.outputs if output.may_be_negative]
        return Several(made, signed)
