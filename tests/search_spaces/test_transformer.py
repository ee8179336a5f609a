"""Transformer encoders: BERT-base in closed form and against the zoo, and heads that do not fit."""

import pytest
import torch

from accel_models import zoo
from search_spaces.networks.transformer import TRANSFORMER, build_transformer, module_transformer
from tests.shapes import shapes


def test_bert_base_has_the_zoo_s_layers_and_the_closed_form() -> None:
    ours, published = build_transformer(TRANSFORMER.presets["bert-base"]), zoo.workload("bert_base")
    assert ours.macs == 12 * (12 * 768**2 * 384 + 2 * 384**2 * 768) + 768**2
    apart = shapes(published) - shapes(ours)  # embeddings of segments: one more table, one more sum
    assert sorted(apart.values()) == [1, 1]
    assert not shapes(ours) - shapes(published)


@pytest.mark.parametrize("ratio", [1, 3])
def test_multiply_accumulates_in_closed_form(ratio: int) -> None:
    point = {**TRANSFORMER.presets["bert-tiny"], "feed_forward_ratio": ratio, "heads": 4}
    width, tokens = 128, 128
    layer = (4 + 2 * ratio) * width**2 * tokens + 2 * tokens**2 * width
    assert build_transformer(point).macs == 2 * layer + width**2


def test_other_numbers_of_heads_are_refused() -> None:
    point = {**TRANSFORMER.usual, "width": 256, "heads": 12}
    for make in (build_transformer, module_transformer):
        with pytest.raises(ValueError, match="`heads` must divide `width`, but 12 do not divide 256"):
            make(point)


def test_tokens_attend_to_each_other_and_know_their_places() -> None:
    torch.manual_seed(0)
    encoder = module_transformer(TRANSFORMER.presets["bert-tiny"]).eval()
    tokens = torch.tensor([[1, 2, 3], [1, 3, 2], [1, 2, 3]])
    states = encoder(tokens)
    assert states.shape == (3, 128)
    assert torch.equal(states[0], states[2])
    assert not torch.allclose(states[0], states[1], atol=1e-3)
