"""ZigZag's best mapping of each layer: a question as JSON in its directory, the answer as JSON beside it.

    python run_zigzag.py

It is run by the interpreter that has ZigZag, and knows nothing of this project. Of ZigZag's own stages only
those are left out that save and draw.
"""

import json
import logging
from pathlib import Path
from typing import Any

import yaml
from zigzag.mapping.temporal_mapping import TemporalMappingType
from zigzag.stages.evaluation.cost_model_evaluation import CostModelStage
from zigzag.stages.main import MainStage
from zigzag.stages.mapping.spatial_mapping_generation import SpatialMappingGeneratorStage
from zigzag.stages.mapping.temporal_mapping_generator_stage import TemporalMappingGeneratorStage
from zigzag.stages.parser.accelerator_parser import AcceleratorParserStage
from zigzag.stages.parser.workload_parser import WorkloadParserStage
from zigzag.stages.results.reduce_stages import MinimalEDPStage, MinimalEnergyStage, MinimalLatencyStage
from zigzag.stages.workload_iterator import WorkloadStage

BEST = {"energy": MinimalEnergyStage, "latency": MinimalLatencyStage, "edp": MinimalEDPStage}


def search(question: dict[str, Any], layer: dict[str, Any]) -> dict[str, float]:
    """What ZigZag says of its best mapping of a layer."""
    best = BEST[question["minimize"]]
    stages = [
        WorkloadParserStage,
        AcceleratorParserStage,
        WorkloadStage,
        best,
        SpatialMappingGeneratorStage,
        best,
        TemporalMappingGeneratorStage,
        CostModelStage,
    ]
    main = MainStage(
        list_of_callables=stages,
        workload=[layer],
        accelerator="accelerator.yaml",
        mapping="mapping.yaml",
        temporal_mapping_type=TemporalMappingType.UNEVEN,
        loma_show_progress_bar=False,
        **question["effort"],
    )
    [(found, _)] = main.run()
    return {"cycles": float(found.latency_total2), "energy_pj": float(found.energy_total)}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asked = json.loads(Path("question.json").read_text(encoding="utf-8"))
    layers = yaml.safe_load(Path("workload.yaml").read_text(encoding="utf-8"))
    Path("answer.json").write_text(json.dumps([search(asked, layer) for layer in layers]), encoding="utf-8")
