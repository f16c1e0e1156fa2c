"""A network from a recipe: whatever is put together keeps the promises, and nothing is silent."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from small_worlds import cycle, hit_rate, input_of, learn, loss_of
from torch import Tensor, nn

from regard.attention import ATTENTION, DISTANCES
from regard.attention.contract import promises_of
from regard.attention.differential import DifferentialAttention
from regard.attention.local_window import LocalWindowAttention
from regard.attention.options import options_of
from regard.data.batches import Batch
from regard.data.features import FeatureLayout
from regard.errors import ConfigurationError, MissingDependencyError, NeedsClockError
from regard.kinds import settings_of
from regard.losses.contract import ItemTable
from regard.models.bare_block import BareBlock
from regard.models.block import PreNormBlock
from regard.models.blocks import BLOCKS
from regard.models.compose import Compose, ComposeConfig
from regard.models.contract import ModelInput
from regard.models.fusion import FUSIONS, ConvolutionFusion, Fusion
from regard.models.output import HEADS
from regard.models.post_norm import PostNormBlock
from regard.models.sasrec import SASRec, SASRecConfig
from regard.models.side_by_side import SideBySide
from regard.recommender.recipe import Recipe

N = 20
ROWS = [[3, 4, 5, 6, 4], [7], [8, 1, 9]]
SUITED = [name for name, kind in ATTENTION.items() if "candidates_BCD" not in kind.promises.needs]
THREE = ("scaled-dot-product", "local-window", "graph")

_NEEDS_ENTMAX = pytest.mark.skipif(
    find_spec("entmax") is None, reason="the package entmax (extra entmax) is not installed"
)


def composed(**settings: Any) -> Compose:
    torch.manual_seed(0)
    small = {"width": 16, "longest": 12, "dropout": 0.0}
    return Compose(ComposeConfig(**{**small, **settings}), N).eval()


def _combinations() -> list[Any]:
    """Every mechanism alone, every fusion in every block, every head, every scheme of order."""
    alone = [{"mechanisms": name} for name in SUITED]
    fused = [
        {"mechanisms": THREE, "fusion": fusion, "block": block}
        for fusion, block in product(FUSIONS, BLOCKS)
    ]
    mixed = [
        {"mechanisms": ("linear", "low-rank", "time-interval"), "fusion": fusion}
        for fusion in FUSIONS
    ]
    others = [
        *({"head": head} for head in HEADS),
        *({"block": block} for block in BLOCKS),
        *({"distances": scheme, "positions": "none"} for scheme in DISTANCES),
    ]
    return [
        pytest.param(
            each,
            id=" ".join(map(str, each.values())),
            marks=_NEEDS_ENTMAX if each.get("mechanisms") == "entmax" else (),
        )
        for each in [*alone, *fused, *mixed, *others]
    ]


combinations = pytest.mark.parametrize("settings", _combinations())


def comparable(model: Compose, states_BLD: Tensor, read: ModelInput) -> list[Tensor]:
    """The states that have a meaning: all real ones, or the newest of each row."""
    ends = read.lengths_B.tolist()
    starts = [0 if model.promises.causal else end - 1 for end in ends]
    return [
        states_BLD[row, start:end]
        for row, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


@combinations
class TestEveryCombination:
    def test_shapes_and_maps_by_name(self, settings: Mapping[str, Any]) -> None:
        model = composed(**settings)
        trace = model.trace(input_of(ROWS, N), need_maps=True)
        assert trace.states_BLD.shape == (3, 5, 16)
        assert model.item_table().vectors_ND.shape == (N, 16)
        names = [f"block {number} {name}" for number in (1, 2) for name in model.config.names]
        assert list(trace.attention_maps) == names
        for name, map_BHLM in trace.attention_maps.items():
            heads = 2 if "heads" in options_of(ATTENTION[name.split()[-1]]) else 1
            assert map_BHLM.shape == (3, heads, 5, 5)
            assert (map_BHLM[2, :, 2, 3:] == 0).all()
            if model.promises.rows_sum_to_one:
                torch.testing.assert_close(map_BHLM[2, :, 2].sum(-1), torch.ones(heads))

    def test_the_future_changes_nothing_where_all_promise_so(
        self, settings: Mapping[str, Any]
    ) -> None:
        model = composed(**settings)
        kinds = [ATTENTION[name] for name in model.config.names]
        assert model.promises.causal == all(promises_of(kind).causal for kind in kinds)
        assert model.objective == ("next-item" if model.promises.causal else "newest-item")
        ours, theirs = (model(input_of([[3, 4, 5, code, 4]], N)) for code in (6, 15))
        same = torch.allclose(ours[:, :3], theirs[:, :3], rtol=0, atol=1e-6)
        assert same == model.promises.causal
        assert not torch.allclose(ours[:, 3], theirs[:, 3])

    def test_padding_changes_nothing(self, settings: Mapping[str, Any]) -> None:
        model = composed(**settings)
        narrow, wide = input_of(ROWS, N), input_of(ROWS, N, columns=model.longest)
        ours = comparable(model, model(narrow), narrow)
        torch.testing.assert_close(ours, comparable(model, model(wide), wide), rtol=1e-5, atol=1e-5)

    def test_the_newest_alone_is_as_among_all(self, settings: Mapping[str, Any]) -> None:
        model = composed(**settings)
        batch = input_of(ROWS, N, columns=8)
        among_all = model(batch)[torch.arange(3), batch.lengths_B - 1]
        torch.testing.assert_close(model.newest(batch), among_all, rtol=1e-5, atol=1e-6)

    def test_a_gradient_reaches_every_parameter(self, settings: Mapping[str, Any]) -> None:
        model = composed(**settings).train()
        codes = np.array([[2, 3, 4, 3, 5, 6, 7, 4, 8, 9, 2, 10]])  # a graph with ways back
        moments = 1e9 + 60.0 * np.arange(12.0)[None] ** 3
        batch = Batch(codes, np.array([12]), np.roll(codes, 1), moments, moments + 5)
        loss_of(model, batch).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.any(), name

    def test_plain_values_make_the_same_network(self, settings: Mapping[str, Any]) -> None:
        model = composed(**settings)
        assert ComposeConfig(**model.settings()) == model.config


class TestWitness:
    def test_in_its_default_it_is_sasrec(self) -> None:
        sasrec = SASRec(SASRecConfig(width=16, longest=12, dropout=0.0), N).eval()
        ours = composed()
        ours.load_state_dict(sasrec.state_dict(), strict=True)
        read = input_of(ROWS, N)
        assert torch.equal(ours(read), sasrec(read))
        assert torch.equal(ours.newest(read), sasrec.newest(read))
        assert ours.item_table().vectors_ND is ours.items.vectors_ND

    def test_it_reads_features_as_sasrec_does(self) -> None:
        layout = FeatureLayout(sizes=(5,), missing_codes=(0,), missing_numbers=(0.0,))
        sasrec = SASRec(SASRecConfig(width=16, longest=12, dropout=0.0), N, layout).eval()
        nn.init.normal_(sasrec.event_features.codes.weight)
        ours = Compose(ComposeConfig(width=16, longest=12, dropout=0.0), N, layout).eval()
        ours.load_state_dict(sasrec.state_dict(), strict=True)
        read = replace(
            input_of(ROWS, N),
            feature_codes_BLF=torch.arange(15, dtype=torch.int32).view(3, 5, 1) % 5,
            feature_numbers_BLF=torch.ones(3, 5, 1),
        )
        assert torch.equal(ours(read), sasrec(read))
        assert not torch.allclose(ours(read), ours(input_of(ROWS, N)))

    def test_no_norm_stands_behind_a_norm(self) -> None:
        ends = {block: type(composed(block=block).norm) for block in BLOCKS}
        assert ends.pop("post-norm") is nn.Identity
        assert set(ends.values()) == {nn.LayerNorm}

    def test_fusions_are_their_formulas(self) -> None:
        """Loops in float64 over positions, columns and mechanisms."""
        generator = torch.Generator().manual_seed(3)
        states = torch.randn(2, 5, 4, generator=generator)
        said = [torch.randn(2, 5, 4, generator=generator) for _ in range(3)]
        made = {name: kind(4, 3) for name, kind in FUSIONS.items()}
        nn.init.normal_(made["gate"].gate.weight)
        for name, fusion in made.items():
            expected = _fused_by_hand(
                name, fusion, states.double(), [each.double() for each in said]
            )
            torch.testing.assert_close(
                fusion(states, said).double(), expected, rtol=1e-5, atol=1e-5
            )

    def test_a_convolution_sees_three_positions_and_no_more(self) -> None:
        torch.manual_seed(0)
        fusion, said = ConvolutionFusion(4, 2), torch.randn(1, 6, 4)
        other = said.clone()
        other[:, 2] += 1
        changed = (fusion(said, [said, said]) != fusion(said, [said, other])).any(-1)[0]
        assert changed.tolist() == [False, False, True, True, True, False]

    def test_blocks_are_their_formulas(self) -> None:
        """With a mechanism that does nothing, and a norm, a layer and a sum written out."""
        torch.manual_seed(0)
        states, lengths_B = torch.randn(2, 3, 8), torch.tensor([3, 2])

        def norm(rows: Tensor) -> Tensor:
            return (rows - rows.mean(-1, keepdim=True)) / (
                rows.var(-1, keepdim=True, unbiased=False) + 1e-5
            ).sqrt()

        bare, post = BareBlock(_Doubled(), 8), PostNormBlock(_Doubled(), 8, 16)
        forward = post.feed_forward
        after = norm(3 * states)
        thought = (after @ forward.expand.weight.T).relu() @ forward.contract.weight.T
        expected = {bare: states + 2 * norm(states), post: norm(after + thought)}
        for block, expected_BLD in expected.items():
            found_BLD, _ = block(states)
            torch.testing.assert_close(found_BLD, expected_BLD, rtol=1e-5, atol=1e-5)
            newest_BD = block.newest(states, lengths_B, lengths_B=lengths_B)
            torch.testing.assert_close(newest_BD, found_BLD[[0, 1], lengths_B - 1])

    def test_heads_are_their_formulas(self) -> None:
        made = {name: composed(head=name) for name in HEADS}
        read = input_of(ROWS, N)
        states, tied = made["tied"](read), made["fully-connected"]
        layer, norm = tied.head.layer, tied.head.norm
        tied.load_state_dict(made["tied"].state_dict(), strict=False)
        expected = norm(nn.functional.gelu(states @ layer.weight.T + layer.bias))
        torch.testing.assert_close(tied(read), expected, rtol=1e-5, atol=1e-5)
        table = made["own-table"].item_table()
        assert isinstance(table, ItemTable)
        assert table.vectors_ND is not made["own-table"].items.vectors_ND
        assert table.bias_N is not None
        assert made["own-table"].make_tables_sparse() == [
            made["own-table"].items.vectors_ND, table.vectors_ND, table.bias_N
        ]  # fmt: skip


class _Doubled(nn.Module):
    """A mechanism that says everything twice."""

    def forward(self, states_BLD: Tensor, *, need_map: bool = False) -> tuple[Tensor, None]:
        return 2 * states_BLD, None

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        return 2 * states_BLD[torch.arange(len(lengths_B)), lengths_B - 1]


def _fused_by_hand(name: str, fusion: Fusion, states: Tensor, said: list[Tensor]) -> Tensor:
    weights = {key: value.detach().double() for key, value in fusion.state_dict().items()}
    fused = torch.zeros_like(states)
    for row, place in product(range(2), range(5)):
        here = [each[row, place] for each in said]
        if name == "sum":
            fused[row, place] = here[0] + here[1] + here[2]
        elif name == "gate":
            scores = weights["gate.weight"] @ states[row, place] + weights["gate.bias"]
            shares = scores.exp() / scores.exp().sum()
            fused[row, place] = sum(g * o for g, o in zip(shares, here, strict=True))
        elif name == "concatenation":
            fused[row, place] = weights["mix.weight"] @ torch.cat(here) + weights["mix.bias"]
        else:
            fused[row, place] = weights["mix.bias"]
            # Columns of the weight: mechanism by mechanism, column by column, oldest event first.
            by_event = weights["mix.weight"].view(4, 3 * 4, 3)
            for back in range(min(3, place + 1)):
                then = torch.cat([each[row, place - back] for each in said])
                fused[row, place] += by_event[:, :, 2 - back] @ then
    return fused


class TestOptions:
    def test_reach_their_mechanism_in_every_block(self) -> None:
        model = composed(
            mechanisms=["differential", "local-window"],
            options_of={"local-window": {"window": 2, "heads": 4}},
            blocks=3,
        )
        assert model.config.mechanisms == ("differential", "local-window")
        windows = [each for each in model.modules() if isinstance(each, LocalWindowAttention)]
        assert [(each.window, each.heads) for each in windows] == [(2, 4)] * 3
        starts = [each.start for each in model.modules() if isinstance(each, DifferentialAttention)]
        assert len(set(starts)) == 3, "each layer takes off more than the one before"
        maps = model.trace(input_of(ROWS, N), need_maps=True).attention_maps
        assert [each.shape[1] for each in maps.values()] == [2, 4] * 3

    def test_a_bound_of_its_own_may_be_that_of_the_model_and_a_span_is_none(self) -> None:
        for name, longest in (("low-rank", 12), ("gated-aggregation", 13), ("adaptive-span", 3)):
            model = composed(mechanisms=name, options_of={name: {"longest": longest}})
            assert model(input_of([[3] * 12], N)).shape == (1, 12, 16)
        composed(mechanisms="low-rank", options_of={"low-rank": {"interests": 3}})

    def test_of_distances(self) -> None:
        ours = composed(distances="rotary")
        theirs = composed(distances="rotary", options_of={"rotary": {"base": 10}})
        read = input_of(ROWS, N)
        assert not torch.allclose(ours(read), theirs(read))
        assert not torch.allclose(ours(read), composed()(read))

    def test_as_toml(self, tmp_path: Any) -> None:
        path = tmp_path / "run.toml"
        path.write_text(
            '[model]\nname = "compose"\nmechanisms = ["linear", "local-window"]\n'
            'fusion = "gate"\n\n[model.options_of.local-window]\nwindow = 20\n'
        )
        recipe = Recipe.from_toml(path)
        config = settings_of(ComposeConfig, recipe.options, "model")
        assert config.names == ("linear", "local-window")
        assert config.options_of == {"local-window": {"window": 20}}
        assert Recipe.from_dict(recipe.to_dict()) == recipe


class TestPromises:
    def test_of_several_are_those_of_all(self) -> None:
        model = composed(mechanisms=["gated-aggregation", "graph", "linear"])
        assert model.promises.needs == ("times_BL", "asked_BL")
        assert model.with_times
        assert not model.promises.rows_sum_to_one
        assert "of graph: values are strengths" in model.promises.because
        assert model.blocks[0].attention.promises.needs == ("times_BL", "asked_BL", "items_BL")

    def test_of_one_are_its_own(self) -> None:
        model = composed(mechanisms="local-window")
        assert model.promises == LocalWindowAttention.promises
        assert not isinstance(model.blocks[0].attention, SideBySide)

    def test_order_reaches_it_by_positions_only(self) -> None:
        ours, theirs = input_of([[3, 4, 5]], N), input_of([[4, 3, 5]], N)
        blind, seeing = composed(positions="none", blocks=1), composed(blocks=1)
        torch.testing.assert_close(blind.newest(ours), blind.newest(theirs), rtol=0, atol=1e-6)
        assert not torch.allclose(seeing.newest(ours), seeing.newest(theirs), rtol=0, atol=1e-4)

    @pytest.mark.parametrize("others", [[], ["linear"], ["gated-aggregation"]])
    def test_a_clock_is_asked_for(self, others: list[str]) -> None:
        model = composed(mechanisms=[*others, "time-interval"])
        assert model.promises.needs_clock
        read = replace(input_of(ROWS, N), times_BL=None)
        with pytest.raises(NeedsClockError, match="carries only an order"):
            model(read)


@pytest.mark.parametrize(
    "settings",
    [
        {
            "mechanisms": ("additive", "low-rank"),
            "fusion": "convolution",
            "block": "post-norm",
            "head": "fully-connected",
            "blocks": 1,
        },
        {"mechanisms": "gated-aggregation", "block": "bare", "head": "own-table"},
    ],
    ids=lambda settings: str(settings["mechanisms"]),
)
def test_a_world_that_can_be_predicted_is_learned(settings: Mapping[str, Any]) -> None:
    clockwork = cycle()
    torch.manual_seed(0)
    config = ComposeConfig(width=16, longest=12, dropout=0.0, **settings)
    model = Compose(config, clockwork.catalogue_size)
    learn(model, clockwork.training, steps=150)
    assert hit_rate(model, clockwork.queries) == 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mechanisms": "lineer"}, r"mechanisms names 'lineer'.* did you mean 'linear'\?"),
        ({"mechanisms": "target"}, "names 'target', which weighs a history anew for each cand"),
        ({"mechanisms": ()}, "mechanisms is empty"),
        ({"mechanisms": ("linear", "linear")}, "names 'linear' twice"),
        ({"fusion": "smu"}, r"fusion is 'smu'.* did you mean 'sum'\?"),
        ({"fusion": "gate"}, r"'gate' makes one of several mechanisms, and there is one"),
        ({"block": "prenorm"}, r"block is 'prenorm'.* did you mean 'pre-norm'\?"),
        ({"head": "x"}, "head is 'x'.* choose one of tied, own-table, fully-connected"),
        ({"positions": "oldest"}, "positions is 'oldest'"),
        ({"distances": "rotery"}, r"did you mean 'rotary'\?"),
        ({"mechanisms": "linear", "distances": "rotary"}, "is for scaled-dot-product, which is"),
        ({"options_of": {"linear": {}}}, "sets 'linear', which is no part of this model"),
        (
            {"mechanisms": "local-window", "options_of": {"local-window": {"windw": 3}}},
            r"options_of.local-window has no 'windw'; did you mean 'window'\?",
        ),
        (
            {"mechanisms": "local-window", "options_of": {"local-window": {"window": "3"}}},
            r"local-window.window='3' must be int, such as 32",
        ),
        (
            {"mechanisms": "local-window", "options_of": {"local-window": {"window": True}}},
            "window=True must be int",
        ),
        ({"options_of": {"scaled-dot-product": {"positions": 1}}}, "has no 'positions'"),
        ({"options_of": {"scaled-dot-product": {"width": 8}}}, "has no 'width'"),
        ({"heads": 3}, "heads=3 must divide width=16"),
        ({"distances": "rotary", "heads": 16}, "a head has 1; choose width and heads"),
        ({"blocks": 0}, "blocks=0 must be 1 or more"),
        ({"block": "bare", "expansion": 2}, "expansion=2 is for a feed-forward .* leave expansion"),
        *(
            ({"mechanisms": name, "options_of": {name: {"dropout": 2.0}}}, "dropout=2.0 must be at")
            for name in ("scaled-dot-product", "bidirectional")
        ),
        *(
            (
                {"mechanisms": ("linear", name), "options_of": {name: {"longest": 10}}},
                rf"options_of\.{name}\.longest=10 is below model\.longest=12",
            )
            for name in ("low-rank", "gated-aggregation")
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        composed(**settings)


def test_options_of_another_kind_than_a_table_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"model\.options_of=\['a'\] must be a table"):
        settings_of(ComposeConfig, {"options_of": ["a"]}, "model")
    with pytest.raises(ConfigurationError, match=r"options_of=.* must be a table of a table"):
        settings_of(ComposeConfig, {"options_of": {"linear": 3}}, "model")


def test_a_package_that_is_missing_is_told_before_a_log_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"needs entmax.*regard\[entmax\]"):
        composed(mechanisms=["linear", "entmax"])


def test_building_one_draws_as_many_numbers_as_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dry run draws none, so that the same seed gives the same network as without it."""
    settings = {"options_of": {"scaled-dot-product": {"dropout": 0.5}}}
    composed(**settings)
    after = torch.rand(1)
    monkeypatch.setattr("regard.models.compose.dry_run", lambda mechanism, width: 2)
    composed(**settings)
    assert torch.equal(after, torch.rand(1))


def test_a_block_is_one_entry_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BLOCKS, "my-own", PreNormBlock)
    assert isinstance(composed(block="my-own").blocks[0], PreNormBlock)
