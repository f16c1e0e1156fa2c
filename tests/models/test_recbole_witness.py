"""The same numbers as RecBole's networks with the same weights, where RecBole is installed."""

import warnings
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from recurrent_references import N, rows, shaken
from torch import nn

from regard.models.contract import SequenceModel
from regard.models.gru4rec import GRU4Rec, GRU4RecConfig
from regard.models.narm import NARM, NARMConfig
from regard.models.stamp import STAMP, STAMPConfig

D, H = 6, 5
CONFIG = {
    "USER_ID_FIELD": "user",
    "ITEM_ID_FIELD": "item",
    "LIST_SUFFIX": "_list",
    "ITEM_LIST_LENGTH_FIELD": "length",
    "NEG_PREFIX": "neg_",
    "MAX_ITEM_LIST_LENGTH": 12,
    "device": "cpu",
    "embedding_size": D,
    "hidden_size": H,
    "num_layers": 1,
    "n_layers": 1,
    "dropout": 0.0,
    "dropout_prob": 0.0,
    "dropout_probs": [0.0, 0.0],
    "loss_type": "CE",
}


def theirs(file: str, name: str, ours: SequenceModel) -> Any:
    """RecBole's network in float64, with the item vectors that ours reads."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = import_module(f"recbole.model.sequential_recommender.{file}")
    except ImportError as missing:
        pytest.skip(f"RecBole cannot be imported here: {missing}")
    model = getattr(module, name)(CONFIG, SimpleNamespace(num=lambda _: N)).double().eval()
    with torch.no_grad():
        model.item_embedding.weight.copy_(ours.item_table().vectors_ND * D**0.5)
    return model


def copied(pairs: list[tuple[nn.Parameter, torch.Tensor]]) -> None:
    with torch.no_grad():
        for to, of in pairs:
            to.copy_(of)


def without_constants(layer: nn.GRU, to: nn.GRU) -> None:
    """RecBole's gates have none."""
    names = ("weight_ih_l0", "weight_hh_l0")
    copied([(to.get_parameter(each), layer.get_parameter(each)) for each in names])
    for each in ("bias_ih_l0", "bias_hh_l0"):
        nn.init.zeros_(layer.get_parameter(each))


def test_gru4rec() -> None:
    ours = shaken(GRU4Rec(GRU4RecConfig(width=D, hidden=H), N))
    model, batch = theirs("gru4rec", "GRU4Rec", ours), rows()
    without_constants(ours.gru, model.gru_layers)
    copied([(model.dense.weight, ours.output.weight), (model.dense.bias, ours.output.bias)])
    expected = model(batch.items_BL, batch.lengths_B)
    torch.testing.assert_close(ours.newest(batch), expected, rtol=1e-9, atol=1e-9)


def test_narm() -> None:
    ours = shaken(NARM(NARMConfig(width=D, hidden=H), N))
    model, batch = theirs("narm", "NARM", ours), rows()
    without_constants(ours.gru, model.gru)
    purpose, local = ours.decoder.weight.chunk(2, dim=1)
    copied([
        (model.a_1.weight, ours.attention.asked.weight),
        (model.a_2.weight, ours.attention.asking.weight),
        (model.v_t.weight, ours.attention.strength.weight),
        (model.b.weight, torch.cat([local, purpose], dim=1)),
    ])  # fmt: skip
    # A history without padding: at padding, RecBole adds a constant strength to states there.
    for row, length in enumerate(batch.lengths_B.tolist()):
        items = batch.items_BL[row : row + 1, :length]
        expected = model(items, torch.tensor([length]))
        torch.testing.assert_close(ours.newest(batch)[row], expected[0], rtol=1e-9, atol=1e-9)


def test_strengths_of_stamp() -> None:
    """The strengths alone: RecBole adds the mean to the memory once more."""
    ours = shaken(STAMP(STAMPConfig(width=D), N))
    model, batch = theirs("stamp", "STAMP", ours), rows()
    of_click, of_mean = ours.attention.asking.weight.chunk(2, dim=1)
    copied([
        (model.w1.weight, ours.attention.asked.weight),
        (model.w2.weight, of_click),
        (model.w3.weight, of_mean),
        (model.w0.weight, ours.attention.strength.weight),
        (model.b_a, ours.attention.asking.bias),
    ])  # fmt: skip
    map_BLM = ours.trace(batch, need_maps=True).attention_maps["memory"][:, 0]
    vectors_BLD = model.item_embedding(batch.items_BL)
    for row, length in enumerate(batch.lengths_B.tolist()):
        clicks = vectors_BLD[row : row + 1, :length]
        expected = model.count_alpha(clicks, clicks[:, -1], clicks.mean(1))
        torch.testing.assert_close(
            map_BLM[row, length - 1, :length], expected[0], rtol=1e-9, atol=1e-9
        )
