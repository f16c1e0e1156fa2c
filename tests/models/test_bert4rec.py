"""BERT4Rec against torch's own encoder, what its masks hide, and what it learns from both sides."""

import numpy as np
import polars as pl
import pytest
import torch
from small_worlds import input_of, small
from torch import Tensor, nn
from torch.nn import functional as F

from regard.data.batches import Batch
from regard.data.interactions import Interactions
from regard.data.split import split_by_time
from regard.errors import ConfigurationError, ModelInputError
from regard.losses.cross_entropy import CrossEntropy
from regard.models.bert4rec import BERT4Rec, BERT4RecConfig
from regard.models.bert_block import BertBlock
from regard.models.contract import ModelInput
from regard.recommender.networks import teach
from regard.recommender.recipe import Recipe
from regard.training.objectives import MaskedItem

N, D, H = 20, 8, 2
ROWS = [[3, 4, 5, 6, 4], [7], [8, 1, 9]]


def shaken(**settings: float) -> BERT4Rec:
    """In float64, with parameters away from where they start: an identity would hide a mistake."""
    torch.manual_seed(0)
    model = BERT4Rec(BERT4RecConfig(width=D, heads=H, longest=7, **settings), N).double().eval()
    with torch.no_grad():
        for each in model.parameters():
            each += 0.3 * torch.randn_like(each)
    return model


def layer_of_torch(block: nn.Module) -> nn.TransformerEncoderLayer:
    """Torch's post-norm encoder layer with the weights of a block."""
    assert isinstance(block, BertBlock)
    hidden = block.feed_forward[0].out_features
    layer = nn.TransformerEncoderLayer(
        D, H, hidden, dropout=0.0, activation="gelu", batch_first=True, dtype=torch.float64
    )
    names = {
        "self_attn.in_proj_": "attention.queries_keys_values.",
        "self_attn.out_proj.": "attention.output.",
        "linear1.": "feed_forward.0.",
        "linear2.": "feed_forward.2.",
        "norm1.": "attention_norm.",
        "norm2.": "forward_norm.",
    }
    theirs = block.state_dict()
    given = {
        into + kind: theirs[out + kind]
        for into, out in names.items()
        for kind in ("weight", "bias")
    }
    layer.load_state_dict(given)
    return layer.train()  # without dropout the same numbers, and not torch's fast path


def expected_at_mask(model: BERT4Rec, history: list[int | None]) -> Tensor:
    """States `(L, D)` of one stretch, None for a mask, by torch's layers and nothing of ours."""
    length = len(history)
    table, places = model.items.table.weight, model.positions.vectors_LD
    vectors = [model.mask_D if code is None else table[code] * D**0.5 for code in history]
    x = torch.stack([vectors[i] + places[length - 1 - i] for i in range(length)])
    x = F.layer_norm(x, (D,), model.input_norm.weight, model.input_norm.bias)[None]
    for block in model.blocks:
        x = layer_of_torch(block)(x)
    x = F.gelu(F.linear(x[0], model.output.weight, model.output.bias))
    return F.layer_norm(x, (D,), model.output_norm.weight, model.output_norm.bias)


class TestWitness:
    def test_answers_equal_those_of_torchs_encoder(self) -> None:
        model = shaken()
        read = input_of(ROWS, N)
        newest_BD = model.newest(read)
        states_BLD = model.trace(read, need_maps=True).states_BLD
        for row, codes in enumerate(ROWS):
            expected = expected_at_mask(model, [*codes, None])
            torch.testing.assert_close(newest_BD[row], expected[-1], rtol=1e-9, atol=1e-11)
            found = states_BLD[row, : len(codes)]
            torch.testing.assert_close(found, expected[1:], rtol=1e-9, atol=1e-11)

    def test_states_at_masks_equal_those_of_torchs_encoder(self) -> None:
        model = shaken()
        read = input_of([*ROWS, [2, 3, 4, 5, 6, 7, 8, 9]], N)  # `longest` events and a target
        masked = [[0, 3], [0], [1], [2, 6, 7]]
        masked_BL = torch.zeros_like(read.items_BL, dtype=torch.bool)
        expected = []
        for row, (codes, hidden) in enumerate(
            zip([*ROWS, list(range(2, 10))], masked, strict=True)
        ):
            masked_BL[row, hidden] = True
            gapped = [None if place in hidden else code for place, code in enumerate(codes)]
            expected.append(expected_at_mask(model, gapped)[hidden])
        found_TD = model.states_at_masks(read.items_BL, read.lengths_B, masked_BL)
        torch.testing.assert_close(found_TD, torch.cat(expected), rtol=1e-9, atol=1e-11)

    def test_scores_are_products_with_the_input_table_and_a_number_for_each_item(self) -> None:
        model = shaken()
        table = model.item_table()
        assert table.vectors_ND is model.items.table.weight
        assert table.bias_N is model.bias_N


class TestMasks:
    def test_what_a_mask_hides_is_not_read(self) -> None:
        model = shaken()
        read = input_of([[3, 4, 5, 6, 7]], N)
        masked_BL = torch.tensor([[False, True, False, False, True]])
        ours = model.states_at_masks(read.items_BL, read.lengths_B, masked_BL)
        for codes in ([3, 9, 5, 6, 12], [3, 0, 5, 6, 1]):
            other = torch.tensor([codes])
            assert torch.equal(model.states_at_masks(other, read.lengths_B, masked_BL), ours)

    @pytest.mark.parametrize("changed", [0, 1, 3, 4])
    def test_a_mask_is_answered_from_both_sides(self, changed: int) -> None:
        model = shaken()
        codes = [3, 4, 5, 6, 7]
        masked_BL = torch.tensor([[False, False, True, False, False]])
        other = [*codes[:changed], 11, *codes[changed + 1 :]]
        ours, theirs = (
            model.states_at_masks(torch.tensor([each]), torch.tensor([5]), masked_BL)
            for each in (codes, other)
        )
        assert not torch.allclose(ours, theirs, rtol=0, atol=1e-4)

    def test_the_map_of_the_newest_event_is_what_the_mask_gives_to_events(self) -> None:
        model = shaken()
        read = input_of(ROWS, N)
        maps = model.trace(read, need_maps=True).attention_maps
        assert list(maps) == ["block 1", "block 2"]
        for row, codes in enumerate(ROWS):
            length = len(codes) + 1
            alone = F.pad(torch.tensor([codes]), (0, 1))
            masked_BL = torch.arange(length)[None] == len(codes)
            states = model._embedded(alone, torch.tensor([length]), masked_BL)
            for number, block in enumerate(model.blocks, start=1):
                _, of_mask = block.attention(states, need_map=True)
                states, _ = block(states)
                found = maps[f"block {number}"][row, :, len(codes) - 1]
                torch.testing.assert_close(found[:, : len(codes)], of_mask[0, :, -1, :-1])
                assert not found[:, len(codes) :].any()
                torch.testing.assert_close(found.sum(-1), 1 - of_mask[0, :, -1, -1])


def learn_gaps(model: BERT4Rec, items_BL: Tensor, masked_BL: Tensor, steps: int) -> None:
    """Descend on the same masks of the same rows."""
    lengths_B = torch.full((len(items_BL),), items_BL.shape[1])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.005)
    for _ in range(steps):
        states_TD = model.states_at_masks(items_BL, lengths_B, masked_BL)
        loss = CrossEntropy()(states_TD, model.item_table(), items_BL[masked_BL])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def test_it_learns_what_only_both_sides_together_say() -> None:
    first, last = (each.flatten() for each in torch.meshgrid(*[torch.arange(4)] * 2, indexing="ij"))
    # Of four middles each follows each first, and comes before each last, just as often.
    middle = (first + last) % 4
    items_BL = 2 + torch.stack([first, 4 + middle, 8 + last], dim=1)
    masked_BL = torch.tensor([[False, True, False]]).expand(16, 3)
    model = small(BERT4Rec, 14, width=32)
    assert isinstance(model, BERT4Rec)
    learn_gaps(model, items_BL, masked_BL, steps=120)

    def hits(items_BL: Tensor) -> float:
        states_TD = model.states_at_masks(items_BL, torch.full((16,), 3), masked_BL)
        scores_TN = states_TD @ model.items.vectors_ND.T + model.bias_N
        return float((2 + scores_TN[:, 2:].argmax(1) == 6 + middle).float().mean())

    assert hits(items_BL) == 1.0
    for hidden in (0, 2):
        half_BL = items_BL.clone()
        half_BL[:, hidden] = 1
        assert hits(half_BL) <= 0.5


def some_log() -> Interactions:
    rows = np.arange(200)
    return Interactions.of(
        pl.DataFrame({"user": rows % 10, "item": rows % 7, "time": 1e9 + 60.0 * rows})
    )


@pytest.mark.parametrize("loss", ["cross-entropy", "sampled-softmax"])
def test_a_recipe_that_names_it_teaches_it_by_masked_items(loss: str) -> None:
    given = {"model": {"name": "bert4rec", "width": 8}, "loss": loss, "training": {"epochs": 4}}
    scorer, history = teach(Recipe.from_dict(given), split_by_time(some_log()))
    assert isinstance(scorer.model, BERT4Rec)
    assert all(np.isfinite(each.loss) for each in history.epochs)
    assert len({each.targets for each in history.epochs}) > 1  # masks are drawn anew


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"mask_share": 0.0}, r"model\.mask_share=0\.0 must lie between 0 and 1"),
            ({"mask_share": 1.0}, r"model\.mask_share=1\.0 must lie between 0 and 1"),
            ({"newest_share": 1.5}, r"model\.newest_share=1\.5 must be from 0 to 1"),
            ({"newest_share": -0.1}, r"model\.newest_share=-0\.1 must be from 0 to 1"),
            ({"blocks": 0}, r"model\.blocks=0 must be 1 or more"),
        ],
    )
    def test_settings_that_make_no_sense(self, settings: dict[str, float], message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            BERT4RecConfig(**settings)

    @pytest.mark.parametrize(
        ("model", "objective", "message"),
        [
            ("bert4rec", "next-item", "it would see its targets. Choose objective='masked-item'"),
            (
                "sasrec",
                "masked-item",
                "is not for the model 'sasrec'; choose objective='next-item'",
            ),
        ],
    )
    def test_an_objective_that_does_not_suit(
        self, model: str, objective: str, message: str
    ) -> None:
        recipe = Recipe.from_dict({"model": {"name": model}, "objective": objective})
        with pytest.raises(ConfigurationError, match=message):
            teach(recipe, split_by_time(some_log()))

    def test_a_stretch_longer_than_it_holds(self) -> None:
        model = shaken()
        items_BL = torch.full((1, 9), 3)
        with pytest.raises(ModelInputError, match="holds 8"):
            model.states_at_masks(items_BL, torch.tensor([9]), items_BL == 3)


class Recorder(BERT4Rec):
    """Keeps what it was asked."""

    def states_at_masks(self, items_BL: Tensor, lengths_B: Tensor, masked_BL: Tensor) -> Tensor:
        self.asked = items_BL, lengths_B, masked_BL
        return super().states_at_masks(items_BL, lengths_B, masked_BL)


def batch_of(rows: int, length: int, unknown: int | None = None) -> ModelInput:
    """Rows of the codes 2, 3, ..., one of which may be unknown to the vocabulary."""
    stretch = np.tile(np.arange(2, 3 + length), (rows, 1))
    if unknown is not None:
        stretch[:, unknown] = 1
    items, targets = stretch[:, :-1].copy(), stretch[:, 1:].copy()
    targets[targets == 1] = 0
    return ModelInput.of(Batch(items, np.full(rows, length), targets), 40)


def asked_of(batch: ModelInput, **settings: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Stretch, lengths, masks and targets that the objective makes of a batch."""
    torch.manual_seed(0)
    model = Recorder(BERT4RecConfig(width=4, longest=30, **settings), 40)
    states_TD, targets_T = MaskedItem()(model, batch)
    assert len(states_TD) == len(targets_T)
    return *model.asked, targets_T


class TestMaskedItem:
    def test_the_stretch_ends_with_the_last_target_of_each_row(self) -> None:
        items = np.array([[3, 4, 5], [6, 0, 0]])
        batch = Batch(items, np.array([3, 1]), np.array([[4, 5, 9], [8, 0, 0]]))
        stretch, lengths, masked, targets = asked_of(ModelInput.of(batch, 40), newest_share=1.0)
        assert stretch.tolist() == [[3, 4, 5, 9], [6, 8, 0, 0]]
        assert lengths.tolist() == [4, 2]
        assert masked.int().tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]
        assert targets.tolist() == [9, 8]

    @pytest.mark.parametrize("share", [0.2, 0.6])
    def test_each_event_is_masked_as_often_as_told_the_newest_too(self, share: float) -> None:
        stretch, _, masked, targets = asked_of(
            batch_of(4_000, 19), mask_share=share, newest_share=0.0
        )
        # Not one in twenty: (1 - share) to the power of 20 of the rows, and then one is.
        expected = share + (1 - share) ** 20 / 20
        assert masked.any(1).all()
        assert (masked.float().mean(0) - expected).abs().max() < 0.03
        assert torch.equal(stretch[masked], targets)
        assert set(targets.tolist()) == set(range(2, 22))

    def test_at_least_one_a_row(self) -> None:
        _, _, masked, _ = asked_of(batch_of(2_000, 4), mask_share=1e-6, newest_share=0.0)
        assert (masked.sum(1) == 1).all()
        assert ((masked.float().mean(0) - 0.2).abs() < 0.05).all()  # any of the five alike

    def test_a_share_of_the_rows_hides_the_newest_event_alone(self) -> None:
        _, _, masked, _ = asked_of(batch_of(4_000, 19), mask_share=0.6, newest_share=0.25)
        alone = (masked.sum(1) == 1) & masked[:, -1]
        assert float(alone.float().mean()) == pytest.approx(0.25, abs=0.03)

    @pytest.mark.parametrize("unknown", [0, 2, 5])
    def test_unknown_items_are_read_and_never_asked_for(self, unknown: int) -> None:
        stretch, _, masked, targets = asked_of(
            batch_of(500, 5, unknown), mask_share=0.9, newest_share=0.5
        )
        assert (stretch[:, unknown] == 1).all()
        assert not masked[:, unknown].any()
        assert masked.any(1).all()
        assert int(targets.min()) >= 2

    def test_padding_and_rows_of_unknown_items_are_not_asked(self) -> None:
        items = np.array([[3, 4, 5], [1, 0, 0]])
        batch = Batch(items, np.array([3, 1]), np.array([[4, 5, 9], [0, 0, 0]]))
        for share in (0.0, 1.0):
            stretch, _, masked, _ = asked_of(
                ModelInput.of(batch, 40), mask_share=0.9, newest_share=share
            )
            assert stretch[1].tolist() == [1, 1, 0, 0]
            assert masked[0].any()
            assert not masked[1].any()

    def test_targets_reach_the_network_nowhere(self) -> None:
        """The table's rows of hidden items are read by the loss, never by the input."""
        torch.manual_seed(0)
        model = BERT4Rec(BERT4RecConfig(width=4, longest=30, dropout=0.0), 40)
        states_TD, targets_T = MaskedItem()(model, batch_of(1, 19))
        [gradient_ND] = torch.autograd.grad(states_TD.square().sum(), model.items.table.weight)
        read = set(gradient_ND.any(1).nonzero().flatten().tolist())
        assert read == set(range(2, 22)) - set(targets_T.tolist())

    def test_masks_come_from_torchs_generator(self) -> None:
        model = Recorder(BERT4RecConfig(width=4, longest=30), 40)
        masks = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            MaskedItem()(model, batch_of(10, 19))
            masks.append(model.asked[2])
        assert torch.equal(masks[0], masks[1])
        assert not torch.equal(masks[0], masks[2])
