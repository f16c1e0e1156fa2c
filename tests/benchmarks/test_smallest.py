"""The smallest model's neighbours: what each makes of a history, and the table of them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import smallest
import smallest_tables
from regard.data.batches import Batch
from regard.models.attention_pooling import AttentionPooling, AttentionPoolingConfig
from regard.models.contract import ModelInput
from smallest_models import LSTM, NETWORKS, LastItem, MeanPooling, Pooling

N = 20
CONFIG = AttentionPoolingConfig(width=8, longest=6)


def batch(*rows: list[int]) -> ModelInput:
    lengths = np.array([sum(code > 0 for code in row) for row in rows])
    return ModelInput.of(Batch(np.array(rows), lengths), N)


def test_the_last_item_is_its_vector() -> None:
    model = LastItem(CONFIG, N).eval()
    assert torch.equal(model.newest(batch([3, 4, 5, 0]))[0], model.embedding.weight[5])


def test_the_mean_is_that_of_the_events_so_far_whatever_padding_follows() -> None:
    model = MeanPooling(CONFIG, N).eval()
    states_BLD = model(batch([3, 4, 5, 0], [6, 7, 8, 9]))
    for place in range(3):
        mean_D = model.embedding.weight[[3, 4, 5][: place + 1]].mean(0)
        assert torch.allclose(states_BLD[0, place], mean_D)
    assert torch.allclose(model.newest(batch([3, 4, 5]))[0], states_BLD[0, 2])


def test_attention_with_equal_shares_is_the_mean() -> None:
    model, pooling = MeanPooling(CONFIG, N).eval(), AttentionPooling(CONFIG, N).eval()
    pooling.load_state_dict(model.state_dict(), strict=False)
    torch.nn.init.zeros_(pooling.attention.score.weight)
    given = batch([3, 4, 5, 6])
    assert torch.allclose(model(given), pooling(given), atol=1e-6)


def test_an_lstm_reads_one_event_after_the_other() -> None:
    torch.manual_seed(0)
    model = LSTM(CONFIG, N).eval()
    states_BLD = model(batch([3, 4, 5]))
    cell = torch.nn.LSTMCell(8, 8)
    cell.load_state_dict({
        name.removesuffix("_l0"): value for name, value in model.lstm.state_dict().items()
    })  # fmt: skip
    state = None
    for place, code in enumerate((3, 4, 5)):
        state = cell(model.embedding.weight[[code]], state)
        assert torch.allclose(states_BLD[0, place], state[0][0], atol=1e-6)


@pytest.mark.parametrize("kind", NETWORKS)
def test_none_of_them_looks_ahead(kind: type[Pooling]) -> None:
    model = kind(CONFIG, N).eval()
    one, other = model(batch([3, 4, 5, 6])), model(batch([3, 4, 5, 9]))
    assert torch.equal(one[0, :3], other[0, :3])
    assert not torch.equal(one[0, 3], other[0, 3])


def test_models_stand_simplest_first_and_only_those_that_are_there() -> None:
    names = smallest.compared()
    assert names[:5] == ["markov", "last-item", "mean-pooling", "attention-pooling", "lstm"]
    assert names[-1] == "sasrec"
    assert set(names) <= set(smallest.STEPS)


def test_one_of_them_from_end_to_end(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smallest, "STEPS", {"mean-pooling": "the mean of the vectors"})
    out = tiny / "out"
    smallest.main(["--seeds", "7", "--minutes", "0.005", "--out", str(out)])
    assert "mean-pooling  seed 7: alone NDCG@10" in capsys.readouterr().out
    found = json.loads((out / "mean-pooling-seed7.json").read_text())
    assert list(found["results"]) == ["alone"]
    lines = smallest_tables.smallest([found], {})
    assert any(line.startswith("| mean-pooling | the mean of the vectors | 0.") for line in lines)
    assert "40 users asked" in lines[-2]
    assert "cut off after 0.005 minutes" in lines[-2]


def test_what_was_not_measured_says_why() -> None:
    recipe = {"model": {"name": "sasrec"}}
    failed = {"state": "failed", "message": "ouch | ouch", "plan": {"recipe": recipe}}
    lines = smallest_tables.smallest([failed], {})
    assert any("| failed: ouch / ouch |" in line for line in lines)
    assert any(line.startswith("| markov |") and "not run yet" in line for line in lines)
