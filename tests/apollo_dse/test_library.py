"""The library of priors: what is stored comes back, references mean one thing for good."""

import pytest

from accel_models import Layer, Workload, workload_io
from apollo_dse.library import load, of_table
from apollo_dse.problem import Objective
from apollo_dse.storage import Header, Record, Store, StoreError
from apollo_dse.transfer.files import to_dict
from apollo_dse.trial import Measurement, Trial

NET = Workload(name="net", layers=(Layer(name="conv", k=8, c=4, p=8, q=8, r=3, s=3),))


@pytest.fixture
def store(tmp_path):
    """A store with a study of five trials, as `explore` writes them."""
    asked = {"objectives": ["minimize:latency_s"], "constraints": ["area_mm2<=5.0"]}
    about = {"space": "edge", "workloads": [workload_io.to_dict(NET)]}
    with Store(tmp_path / "s.sqlite") as opened:
        opened.create(Header("a", "2026-01-01T00:00:00+00:00", asked, about))
        trials = [Trial(n, {"pe_x": 2**n}, Measurement({"latency_s": 1.0 / (n + 1)})) for n in range(5)]
        opened.append("a", [Record(trial, 0, 0.1, "random") for trial in trials])
        yield opened


def test_a_study_is_a_prior(store):
    prior = load(store, "a")
    assert prior.name == "study:a@5"
    assert prior.task.space == "edge"
    assert prior.task.workloads == ("net",)
    assert "limit:upper:area_mm2" in prior.task.features
    assert len(prior.trials) == 5
    assert "lanes" in prior.problem.space.names
    assert load(store, "study:a") == prior


def test_a_reference_with_a_number_never_changes(store):
    before = load(store, "a@3")
    assert [trial.number for trial in before.trials] == [0, 1, 2]
    store.append("a", [Record(Trial(5, {"pe_x": 64}, Measurement({"latency_s": 9.0})), 5, 0.1, "random")])
    assert load(store, "study:a@3") == before
    assert load(store, load(store, "a").name).name == "study:a@6"


def test_the_library_keeps_priors(store):
    trials = load(store, "a").trials
    prior = of_table("lab", trials, workloads=(NET,), objectives=(Objective("latency_s"),))
    assert prior.problem.space.names == ("pe_x",)
    store.add_prior("lab", "2026-01-01", to_dict(prior))
    again = load(store, "prior:lab")
    assert (again.name, again.trials, again.task) == ("prior:lab", prior.trials, prior.task)
    assert again.fingerprint == prior.fingerprint
    assert store.prior_names() == ("lab",)
    with pytest.raises(StoreError, match="prior 'lab' is there already"):
        store.add_prior("lab", "2026-01-02", {})


def test_a_space_that_is_gone_is_that_of_the_values(store):
    store.create(
        Header("b", "2026", {"objectives": ["minimize:latency_s"], "constraints": []}, {"space": "gone.yaml"})
    )
    store.append("b", [Record(Trial(0, {"x": 3}, Measurement({"latency_s": 1.0})), 0, 0.1, "random")])
    assert load(store, "b").problem.space.names == ("x",)
    assert load(store, "b").task.workloads == ()


@pytest.mark.parametrize(
    ("reference", "error", "sentence"),
    [
        ("c", StoreError, "has no study 'c'"),
        ("prior:c", StoreError, "has no prior 'c'"),
        ("a@9", ValueError, "study 'a' has 5 trials, but 'a@9' asks for 9"),
        ("a@0", ValueError, "must end in @ and a number of trials, or in neither, but got 'a@0'"),
        ("a@x", ValueError, "must end in @ and a number of trials"),
    ],
)
def test_what_is_not_there_is_said(store, reference, error, sentence):
    with pytest.raises(error, match=sentence):
        load(store, reference)


def test_a_study_without_trials_teaches_nothing(store):
    store.create(Header("b", "2026", {"objectives": ["minimize:latency_s"], "constraints": []}, {}))
    with pytest.raises(StoreError, match=r"must have trials to be learned from, but 'b' in .* has none"):
        load(store, "b")
