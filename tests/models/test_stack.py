"""What a stack does for any block: places, what mechanisms need, names of weights, one seed."""

from typing import ClassVar

import pytest
import torch
from small_worlds import input_of, small
from torch import nn

from regard.attention.contract import Promises
from regard.attention.time_interval import TimeIntervalAttention
from regard.data.features import FeatureLayout
from regard.errors import ModelInputError
from regard.models.block import PreNormBlock
from regard.models.contract import SequenceModel
from regard.models.lightsans import LightSANs
from regard.models.sasrec import SASRec, SASRecConfig
from regard.models.stack import Stack, StackConfig

N = 20


class TimedStack(Stack):
    name, config_class = "timed", StackConfig
    promises: ClassVar[Promises] = TimeIntervalAttention.promises

    def block(self) -> PreNormBlock:
        return PreNormBlock(TimeIntervalAttention(self.config.width, 2), self.config.width, 32)


def test_mechanisms_are_given_what_they_need_of_a_batch() -> None:
    model = small(TimedStack, N, blocks=2)
    read = input_of([[3, 4, 5], [6]], N)
    pauses = torch.arange(3.0).double() ** 4 * 86400
    others = type(read)(read.items_BL, read.lengths_B, times_BL=pauses.expand(2, 3))
    assert not torch.allclose(model.newest(read)[0], model.newest(others)[0])
    everywhere = model(others)[torch.arange(2), read.lengths_B - 1]
    torch.testing.assert_close(model.newest(others), everywhere)


def test_a_stack_is_not_a_network_by_itself() -> None:
    with pytest.raises(TypeError, match=r"abstract method '?block"):
        Stack(StackConfig(), N)


@pytest.mark.parametrize("kind", [SASRec, LightSANs])
def test_a_history_that_is_too_long_is_refused_whoever_knows_positions(
    kind: type[SequenceModel],
) -> None:
    model = small(kind, N)
    with pytest.raises(ModelInputError, match="holds 12; keep its newest 12"):
        model.newest(input_of([[3] * 13], N))


def test_only_a_network_without_places_of_its_own_adds_them_to_the_input() -> None:
    assert small(SASRec, N).positions is not None
    assert small(LightSANs, N).positions is None


def test_weights_of_sasrec_are_named_as_bundles_know_them() -> None:
    layout = FeatureLayout(sizes=(5,), missing_codes=(0,), missing_numbers=())
    names = list(SASRec(SASRecConfig(width=8, blocks=1), N, layout).state_dict())
    assert names == [
        "items.table.weight",
        "positions.vectors_LD",
        "blocks.0.attention.queries_keys_values.weight",
        "blocks.0.attention.output.weight",
        "blocks.0.attention_norm.weight",
        "blocks.0.attention_norm.bias",
        "blocks.0.forward_norm.weight",
        "blocks.0.forward_norm.bias",
        "blocks.0.feed_forward.expand.weight",
        "blocks.0.feed_forward.contract.weight",
        "norm.weight",
        "norm.bias",
        "event_features.codes.weight",
    ]


def test_a_seed_gives_sasrec_the_weights_that_its_parts_draw_in_turn() -> None:
    torch.manual_seed(4)
    model = SASRec(SASRecConfig(width=8, blocks=2), N)
    torch.manual_seed(4)
    items = nn.Embedding(N, 8)  # draws once, and once more below, as the table does
    nn.init.normal_(items.weight, std=0.02)
    places = torch.empty(200, 8).normal_(std=0.02)
    assert torch.equal(model.items.table.weight[1:], items.weight[1:])
    assert torch.equal(model.positions.vectors_LD, places)
