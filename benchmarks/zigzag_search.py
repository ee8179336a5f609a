"""ZigZag's best mapping of one layer: a question as JSON on standard input, the answer as JSON on the output.

Run by zigzag_mapper.py with the interpreter of an environment that has ZigZag (`zigzag-dse`), and nothing of
this project. Of ZigZag's own stages only those are left out that save and draw.
"""

import json
import logging
import sys
import tempfile
from math import ceil
from pathlib import Path
from time import process_time

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

BEST = {"energy": MinimalEnergyStage, "delay": MinimalLatencyStage, "edp": MinimalEDPStage}


def search(question: dict) -> dict:
    """The best mapping by ZigZag's own model: loops, innermost first, and what it says they cost."""
    best = BEST[question["objective"]]
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
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: str(Path(folder, f"{name}.yaml")) for name in ("accelerator", "mapping")}
        for name, path in paths.items():
            Path(path).write_text(yaml.safe_dump(question[name], sort_keys=False), encoding="utf-8")
        start = process_time()
        main = MainStage(
            list_of_callables=stages,
            workload=[question["layer"]],
            **paths,
            **question["effort"],
            loma_show_progress_bar=False,
            access_same_data_considered_as_no_access=False,
            temporal_mapping_type=TemporalMappingType(question["boundaries"]),
        )
        [(found, _)] = main.run()
        seconds = process_time() - start
    return {
        "seconds": seconds,
        "energy_pj": found.energy_total,
        "cycles": found.latency_total2,
        "computing_cycles": found.latency_total0,
        "temporal": loops(found.temporal_mapping.mapping_dic_origin),
        "spatial": loops(found.mapping.spatial_mapping.mapping_dict_origin),
        "words": {
            str(operand): [[int(word) for word in level.data.values()] for level in levels]
            for operand, levels in found.memory_word_access.items()
        },
    }


def loops(by_operand: dict) -> dict:
    """(dimension, trips) of every operand and level; trips that ZigZag has averaged are rounded up again."""
    return {
        str(operand): [[(str(dim), ceil(trips)) for dim, trips in level] for level in levels]
        for operand, levels in by_operand.items()
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    json.dump(search(json.load(sys.stdin)), sys.stdout)
