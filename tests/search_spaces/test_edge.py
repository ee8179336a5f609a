"""The published space: facts of the sources, retyped."""

from dataclasses import replace
from math import prod

from accel_models import Accelerator
from search_spaces.hardware.edge import EDGE, KIB, MIB, OPTIONAL, SPACE
from search_spaces.parameter import Ordinal
from search_spaces.space import SearchSpace

PUBLISHED_SIZE = 452_760_000
"""The "4.5e8" of Apollo, arXiv 2102.01723."""

LIST_LENGTHS = {
    "pe_x": 10,
    "pe_y": 10,
    "cores": 10,
    "lanes": 7,
    "pe_memory_bytes": 7,
    "core_memory_bytes": 11,
    "activation_memory_entries": 7,
    "instruction_memory_entries": 4,
    "parameter_memory_entries": 5,
    "io_bandwidth_gb_per_s": 6,
}
"""Of the ten lists of PRIME's notebook."""


def test_the_space_has_the_published_size() -> None:
    assert SPACE.size == PUBLISHED_SIZE
    assert prod(LIST_LENGTHS.values()) == PUBLISHED_SIZE


def test_every_list_has_the_published_length() -> None:
    assert {parameter.name: parameter.cardinality for parameter in SPACE.parameters} == LIST_LENGTHS
    assert sum(LIST_LENGTHS.values()) == 77  # width of the notebook's one-hot input


def test_the_ends_of_the_lists_are_the_published_ones() -> None:
    ends = {p.name: (p.values[0], p.values[-1]) for p in SPACE.parameters if isinstance(p, Ordinal)}
    assert ends == {
        "pe_x": (1, 32),
        "pe_y": (1, 32),
        "cores": (1, 32),
        "lanes": (4, 256),
        "pe_memory_bytes": (256 * KIB, 16 * MIB),
        "core_memory_bytes": (4 * KIB, 4 * MIB),
        "activation_memory_entries": (256, 16384),
        "instruction_memory_entries": (8192, 65536),
        "parameter_memory_entries": (2048, 32768),
        "io_bandwidth_gb_per_s": (5, 30),
    }


def test_published_values_are_points_of_it() -> None:
    for text in ("256KiB", "512 KiB", "1MiB", "16 MiB"):
        assert SPACE.parameter("pe_memory_bytes").contains(SPACE.parameter("pe_memory_bytes").parse(text))
    for values in ((1, 2, 4, 6, 8, 10, 12, 14, 16, 32),):
        assert all(SPACE.parameter("cores").contains(value) for value in values)
    assert [value for value in range(40) if SPACE.parameter("io_bandwidth_gb_per_s").contains(value)] == [
        5,
        10,
        16,
        20,
        25,
        30,
    ]


def test_the_inference_about_names_is_told() -> None:
    assert "inferred" in EDGE.notes
    assert "2102.01723" in EDGE.reference
    assert "2110.11346" in EDGE.reference


def test_presets_are_the_three_edge_tpus() -> None:
    assert list(EDGE.presets) == ["edge-tpu-v1", "edge-tpu-v2", "edge-tpu-v3"]
    for point in EDGE.presets.values():
        assert set(SPACE.names) <= set(point)


def test_optional_parameters_are_read_by_the_template() -> None:
    point = EDGE.presets["edge-tpu-v1"]
    for parameter in OPTIONAL:
        built: set[Accelerator] = {
            EDGE.build({**point, parameter.name: parameter.from_unit(u)}) for u in (0.0, 1.0)
        }
        assert len(built) == 2


def test_a_space_that_leaves_parameters_out_has_fewer_remedies() -> None:
    kept = tuple(each for each in EDGE.space.parameters if each.name in ("lanes", "pe_memory_bytes"))
    narrowed = replace(EDGE, space=SearchSpace(kept)).remedies_within()
    assert narrowed["compute"] == ("lanes",)
    assert narrowed["dram bandwidth"] == ("pe_memory_bytes",)
    assert "staging bandwidth" not in narrowed
    assert EDGE.remedies_within() == EDGE.remedies
