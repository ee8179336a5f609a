"""Priors and descriptions: what tells tasks apart, and that nothing gets mixed up."""

from dataclasses import replace

import pytest

from accel_models import Layer, VectorOp, Workload, zoo
from apollo_dse.problem import Constraint
from apollo_dse.testing import accelerators
from apollo_dse.transfer import Description, Experience, Prior, describe
from apollo_dse.trial import Measurement
from search_spaces import Categorical, SearchSpace, get
from search_spaces.space import no_template
from tests.apollo_dse.transfer.experience import TASK, prior_of

NET = Workload(
    name="net",
    layers=(
        Layer(name="conv", k=8, c=4, p=16, q=16, r=3, s=3),
        Layer(name="deep", g=8, p=16, q=16, r=3, s=3),
        Layer(name="fc", k=16, c=32),
    ),
    vector_ops=(VectorOp(name="relu", kind="relu", ops=2047, input_words=1, output_words=1),),
)


def test_features_by_hand():
    """73,728 + 18,432 + 512 multiply-accumulates; 2,048 scalar operations less one; a limit of 8 mm2."""
    features = describe("edge", (NET,), (Constraint("area_mm2", upper=8.0),)).features
    assert 2 ** features["macs"] == pytest.approx(92_672)
    assert features["share:spatial"] == pytest.approx(73_728 / 92_672)
    assert features["share:depthwise"] == pytest.approx(18_432 / 92_672)
    assert features["share:matrix"] == pytest.approx(512 / 92_672)
    assert features["vector_ops"] == pytest.approx(11.0)
    assert features["layers"] == pytest.approx(2.0)
    assert features["limit:upper:area_mm2"] == 3.0


def test_relatives_are_nearer_than_strangers():
    """ResNet-50 is nearest to ResNet-18, MobileNetV2 to MobileNetV3, BERT to ViT, of what there is."""
    tasks = {
        name: describe("edge", (zoo.workload(name),))
        for name in ("resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_large", "bert_base", "vit_b16")
    }
    relatives = {"resnet50": "resnet18", "mobilenet_v2": "mobilenet_v3_large", "bert_base": "vit_b16"}
    for one, other in relatives.items():
        assert min(tasks, key=lambda name: tasks[name].distance(tasks[one]) or 9.0) == other


def test_distance_is_one_doubling_in_two_and_one_kind_in_one():
    def task(**features):
        return Description("", (), {name.replace("_", ":"): value for name, value in features.items()})

    assert task(macs=1.0).distance(task(macs=3.0)) == 1.0
    assert task(share_matrix=1.0).distance(task(share_matrix=0.0)) == 1.0
    assert task(macs=1.0).distance(task(layers=1.0)) == 1.0


def test_a_budget_is_a_part_of_the_task():
    loose, tight = (describe("edge", (NET,), (Constraint("area_mm2", upper=a),)) for a in (20.0, 2.0))
    assert loose.distance(tight) > 0
    assert loose.distance(loose) == 0


def test_the_node_is_a_part_of_the_task_where_all_designs_have_one():
    def task(*technologies):
        edge = get("edge")
        chosen = (*edge.space.parameters, Categorical("technology", technologies)) if technologies else None
        space = edge if chosen is None else replace(edge, space=SearchSpace(chosen, edge.space.rules))
        return describe("edge", (NET,), node_nm=space.node_nm)

    assert 2 ** task().features["node"] == pytest.approx(7)
    assert 2 ** task("45nm").features["node"] == pytest.approx(45)
    assert task("45nm").distance(task()) > task("16nm").distance(task()) > 0
    assert "node" not in task("45nm", "7nm").features
    assert replace(get("edge"), build=no_template).node_nm is None


def test_related_priors_come_first():
    far = prior_of(accelerators(), "far", count=2, macs=10.0)
    near = prior_of(accelerators(), "near", count=2, macs=29.0)
    assert [prior.name for prior in Experience(TASK, (far, near)).related] == ["near", "far"]


def test_fingerprints_follow_what_was_measured_and_what_was_asked():
    prior = prior_of(accelerators(), count=4)
    again = prior_of(accelerators(), count=4)
    assert prior.fingerprint == again.fingerprint
    first = replace(prior.trials[0], measurement=Measurement({"latency_s": 1.0, "area_mm2": 1.0}))
    for other in (
        replace(prior, trials=(first, *prior.trials[1:])),
        replace(prior, trials=prior.trials[:3]),
        replace(prior, problem=replace(prior.problem, constraints=())),
    ):
        assert other.fingerprint != prior.fingerprint


def test_misuse_says_the_rule():
    prior = prior_of(accelerators(), count=2)
    with pytest.raises(ValueError, match="must have at least one trial, but 'empty' has none"):
        Prior("empty", TASK, prior.problem, ())
    with pytest.raises(ValueError, match="at least one, of distinct names"):
        Experience(TASK, (prior, prior))
    with pytest.raises(ValueError, match="at least one, of distinct names"):
        Experience(TASK, ())
    with pytest.raises(ValueError, match="must not be evaluated, but 1 points were asked for"):
        prior.problem.evaluate([prior.trials[0].point])
