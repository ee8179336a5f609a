"""The best mapping of a case in Timeloop's forms: no worse than a given one, written as Timeloop reads it."""

import pytest

from accel_models.interop import timeloop
from accel_models.interop.timeloop.load import load_unmapped
from accel_models.interop.timeloop.mapper import keep_choices
from tests.accel_models.interop.test_timeloop_load import ARCHITECTURE, MAPPING, PROBLEM

CHOICES = {"spad": [["Inputs", "Outputs"], ["Weights"], ["Weights", "Inputs", "Outputs"]]}


def value(objective, result):
    return {"edp": result.energy_pj * result.cycles, "delay": result.cycles, "energy": result.energy_pj}[
        objective
    ]


@pytest.mark.parametrize("version", ["head", "v303"])
@pytest.mark.parametrize("objective", ["edp", "delay", "energy"])
def test_the_best_mapping_is_no_worse_than_a_given_one(objective, version):
    given = timeloop.load(ARCHITECTURE, PROBLEM, MAPPING).counts("timeloop", version)
    found = timeloop.best_mapping(ARCHITECTURE, PROBLEM, objective, keep=CHOICES, version=version)
    assert found.complete
    assert found.score == value(objective, found.result) <= value(objective, given)
    assert found.result.to_dict() == found.case.counts("timeloop", version).to_dict()


def test_keep_choices_of_the_table_are_what_is_searched():
    table = {**ARCHITECTURE, "keep_choices": {"spad": [["Weights"]]}}
    found = timeloop.best_mapping(table, PROBLEM, "energy")
    assert [sorted(each) for each in found.case.nest.keeps] == [[0], [0, 1, 2]]
    free = timeloop.best_mapping({**ARCHITECTURE, "keep_choices": {"spad": "free"}}, PROBLEM, "energy")
    assert free.score == timeloop.best_mapping(ARCHITECTURE, PROBLEM, "energy").score <= found.score


def test_what_is_read_already_gives_the_same():
    machine, problem, _ = load_unmapped(ARCHITECTURE, PROBLEM)
    read = timeloop.best_mapping(machine, problem, "edp", keep=CHOICES)
    assert read.score == timeloop.best_mapping(ARCHITECTURE, PROBLEM, "edp", keep=CHOICES).score
    with pytest.raises(ValueError, match="both be as read"):
        timeloop.best_mapping(machine, PROBLEM, "edp")


def test_the_mapping_is_written_as_timeloop_reads_it():
    found = timeloop.best_mapping(ARCHITECTURE, PROBLEM, "edp", keep=CHOICES)
    for written in (timeloop.mapping_yaml(found.case), {"mapping": timeloop.mapping_table(found.case)}):
        again = timeloop.load(ARCHITECTURE, PROBLEM, None, written)
        assert again.counts("timeloop").to_dict() == found.result.to_dict()


def test_a_dimension_along_both_axes_is_written_as_a_table_alone():
    channels = {**PROBLEM, "dims": {**PROBLEM["dims"], "R": 1, "P": 1, "C": 1, "K": 12}}
    apart, both = (
        timeloop.best_mapping(ARCHITECTURE, channels, "delay", both_axes=both_axes)
        for both_axes in (False, True)
    )
    assert (apart.result.cycles, both.result.cycles) == (3, 1)
    again = timeloop.load(ARCHITECTURE, channels, {"mapping": timeloop.mapping_table(both.case)})
    assert again.counts("timeloop").to_dict() == both.result.to_dict()
    with pytest.raises(ValueError, match="DRAM spreads K along X and Y"):
        timeloop.mapping_yaml(both.case)


def test_the_nest_is_written_one_loop_a_line():
    text = timeloop.mapping_text(timeloop.load(ARCHITECTURE, PROBLEM, MAPPING))
    assert text.splitlines() == [
        "DRAM keeps Weights, Inputs, Outputs",
        "  for p in 0..4",
        "    for c in 0..4",
        "      for k in 0..3 in parallel along Y",
        "        for p in 0..2 in parallel along X",
        "spad keeps Inputs, Outputs",
        "          for r in 0..3",
        "            for k in 0..2",
        "              MAC",
    ]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"spat": [["Weights"]]}, "nearest is 'spad'"),
        ({"spad": [["Weigths"]]}, "nearest is 'Weights'"),
        ({"spad": [[]], "DRAM": [["Weights"]]}, "every dataspace must be kept"),
        ({"spad": [["Weights"]] * 1025}, "at most 1024 choices"),
    ],
)
def test_choices_that_make_no_sense_are_refused(choices, message):
    machine, problem, _ = load_unmapped(ARCHITECTURE, PROBLEM)
    with pytest.raises(ValueError, match=message):
        keep_choices(machine, problem, choices)


def test_unknown_objectives_and_versions_are_refused():
    with pytest.raises(ValueError, match="nearest is 'energy'"):
        timeloop.best_mapping(ARCHITECTURE, PROBLEM, "energi")
    with pytest.raises(ValueError, match="version must be one of"):
        timeloop.best_mapping(ARCHITECTURE, PROBLEM, version="v4")
    with pytest.raises(ValueError, match="there is no problem"):
        timeloop.best_mapping(ARCHITECTURE)
