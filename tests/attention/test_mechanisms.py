"""What every attention mechanism promises: a new one is held to it by one line in `MECHANISMS`."""

import importlib
import inspect
import io
import pkgutil
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import regard.attention
from regard.attention import ATTENTION, DISTANCES
from regard.attention.adaptive_span import AdaptiveSpanAttention
from regard.attention.additive import AdditiveAttention
from regard.attention.additive_query import AdditiveQueryAttention
from regard.attention.bidirectional import BidirectionalAttention
from regard.attention.contract import promises_of
from regard.attention.convolution_mix import ConvolutionMix
from regard.attention.differential import DifferentialAttention
from regard.attention.entmax import EntmaxAttention
from regard.attention.frequency_mix import FrequencyMix
from regard.attention.gated_aggregation import GatedAggregation
from regard.attention.graph import GraphAttention
from regard.attention.linear import LinearAttention
from regard.attention.linear_bias import LinearBiases
from regard.attention.local_window import LocalWindowAttention
from regard.attention.low_rank import LowRankAttention
from regard.attention.normalised_linear import NormalisedLinearAttention
from regard.attention.options import options_of
from regard.attention.positions import Distances
from regard.attention.rotary import RotaryPositions
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.attention.talking_heads import TalkingHeadsAttention
from regard.attention.target import TargetAttention
from regard.attention.time_interval import TimeIntervalAttention
from regard.errors import ModelInputError

Made = Callable[[int], nn.Module]

MECHANISMS: dict[str, Made] = {
    "additive": AdditiveAttention,
    "additive with a query": AdditiveQueryAttention,
    "additive with a query and a constant": lambda width: AdditiveQueryAttention(width, bias=True),
    "bidirectional": lambda width: BidirectionalAttention(width, heads=2),
    "scaled dot product": lambda width: ScaledDotProductAttention(width, heads=1),
    "scaled dot product, two heads": lambda width: ScaledDotProductAttention(width, heads=2),
    "dot product": lambda width: ScaledDotProductAttention(width, heads=2, scale=1.0),
    "grouped": lambda width: ScaledDotProductAttention(width, heads=4, key_heads=2),
    "single key head": lambda width: ScaledDotProductAttention(width, heads=2, key_heads=1),
    "rotary": lambda width: ScaledDotProductAttention(width, 2, positions=RotaryPositions()),
    "linear bias": lambda width: ScaledDotProductAttention(width, 2, positions=LinearBiases(2)),
    "local window": lambda width: LocalWindowAttention(width, heads=2, window=3),
    "talking heads": lambda width: TalkingHeadsAttention(width, heads=2),
    "talking heads, gated": lambda width: TalkingHeadsAttention(width, heads=2, gated=True),
    "entmax": lambda width: EntmaxAttention(width, heads=2),
    "adaptive span": lambda width: AdaptiveSpanAttention(width, heads=2, longest=5, ramp=4),
    "linear": lambda width: LinearAttention(width, heads=2),
    "normalised linear": lambda width: NormalisedLinearAttention(width, heads=2),
    "low rank": lambda width: LowRankAttention(width, heads=2, interests=3),
    "low rank, positions apart": lambda width: LowRankAttention(width, 2, 3, longest=20),
    "time interval": lambda width: TimeIntervalAttention(width, heads=2, buckets=5),
    "gated aggregation": lambda width: GatedAggregation(width, heads=2, longest=20),
    "differential": lambda width: DifferentialAttention(width, heads=2),
    "convolution mix": lambda width: ConvolutionMix(width, heads=2, events=3),
    "convolution mix by history": lambda width: ConvolutionMix(width, 2, by_history=True),
    "frequency mix": lambda width: FrequencyMix(width, heads=2, frequencies=2),
    "graph": GraphAttention,
}
OF_CANDIDATES = {TargetAttention}
"""Held to a contract of their own, in a test file of their own."""
B, L, D = 3, 7, 8

_NEEDS_ENTMAX = pytest.mark.skipif(
    find_spec("entmax") is None, reason="the package entmax (extra entmax) is not installed"
)


def listed(wanted: Callable[[Any], bool]) -> list[Any]:
    """Parameters of a fixture: the mechanisms whose promises are so."""
    return [
        pytest.param(made, id=name, marks=_NEEDS_ENTMAX if name == "entmax" else ())
        for name, made in MECHANISMS.items()
        if wanted(promises_of(made(D)))
    ]


def made_from(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return request.param(D).eval()


@pytest.fixture(params=listed(lambda promises: True))
def attention(request: pytest.FixtureRequest) -> nn.Module:
    return made_from(request)


@pytest.fixture(params=listed(lambda promises: promises.causal))
def causal(request: pytest.FixtureRequest) -> nn.Module:
    return made_from(request)


@pytest.fixture(params=listed(lambda promises: promises.rows_sum_to_one))
def sharing(request: pytest.FixtureRequest) -> nn.Module:
    return made_from(request)


@pytest.fixture
def states_BLD() -> Tensor:
    return torch.randn(B, L, D, generator=torch.Generator().manual_seed(1))


def extras(
    attention: nn.Module, rows: int = B, length: int = L, seed: int = 2
) -> dict[str, Tensor]:
    """What a mechanism needs besides states: pauses of unlike lengths, some none, few items."""
    generator = torch.Generator().manual_seed(seed)
    pauses = torch.randint(0, 4, (rows, length), generator=generator) ** 5
    given = {
        "lengths_B": torch.full((rows,), length),
        "times_BL": 1e9 + pauses.cumsum(1).double(),
        "asked_BL": 1e9 + 60 + pauses.cumsum(1).double(),
        "items_BL": torch.randint(2, 6, (rows, length), generator=generator),
    }
    return {name: given[name] for name in promises_of(attention).needs}


def test_every_mechanism_of_the_room_is_in_the_dictionary_and_in_these_tests() -> None:
    defined, schemes = set(), set()
    for info in pkgutil.iter_modules(regard.attention.__path__, "regard.attention."):
        module = importlib.import_module(info.name)
        here = [each for _, each in inspect.getmembers(module, inspect.isclass)]
        here = [each for each in here if each.__module__ == module.__name__]
        modules = [each for each in here if issubclass(each, nn.Module)]
        defined |= {each for each in modules if hasattr(each, "promises")}
        schemes |= {each for each in modules if issubclass(each, Distances)}
    defined = {each for each in defined if not inspect.isabstract(each)}
    assert defined == set(ATTENTION.values())
    assert schemes - {Distances} == set(DISTANCES.values())
    assert defined == {type(made(D)) for made in MECHANISMS.values()} | OF_CANDIDATES


@pytest.mark.parametrize("kind", [*ATTENTION.values(), *DISTANCES.values()])
def test_a_file_opens_with_idea_formula_source_and_cost(kind: type[nn.Module]) -> None:
    told = inspect.getdoc(inspect.getmodule(kind))
    for heading in ("Idea: ", "Formula: ", "Source: ", "Cost: "):
        assert f"\n\n{heading}" in told


def test_who_promises_less_of_the_map_says_why() -> None:
    for kind in ATTENTION.values():
        promises = promises_of(kind)
        assert bool(promises.because) != (promises.rows_sum_to_one and promises.whole_map)


@pytest.mark.parametrize(
    "kind", [each for each in ATTENTION.values() if "longest" in options_of(each)]
)
def test_a_mechanism_says_whether_its_longest_is_a_bound(
    kind: type[nn.Module], states_BLD: Tensor
) -> None:
    attention = kind(D, longest=L - 1)
    refused = pytest.raises(ModelInputError, match=f"holds {L - 1}")
    with refused if promises_of(kind).bounded else nullcontext():
        attention(states_BLD, **extras(attention))


def test_with_and_without_the_map_the_output_is_the_same(
    attention: nn.Module, states_BLD: Tensor
) -> None:
    given = extras(attention)
    fused_BLD, nothing = attention(states_BLD, **given)
    written_BLD, map_BHLM = attention(states_BLD, need_map=True, **given)
    assert nothing is None
    assert fused_BLD.shape == states_BLD.shape
    assert map_BHLM.shape[0] == B
    assert map_BHLM.shape[2:] == (L, L)
    torch.testing.assert_close(fused_BLD, written_BLD, rtol=1e-5, atol=1e-6)


def test_rows_of_the_map_sum_to_one(sharing: nn.Module, states_BLD: Tensor) -> None:
    _, map_BHLM = sharing(states_BLD, need_map=True, **extras(sharing))
    torch.testing.assert_close(map_BHLM.sum(-1), torch.ones(map_BHLM.shape[:3]))
    assert (map_BHLM >= 0).all()


def test_the_map_holds_nothing_of_the_future(causal: nn.Module, states_BLD: Tensor) -> None:
    _, map_BHLM = causal(states_BLD, need_map=True, **extras(causal))
    assert (map_BHLM.triu(1) == 0).all()
    assert map_BHLM.diagonal(dim1=-2, dim2=-1).any()


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("need_map", [False, True])
def test_the_type_of_numbers_is_kept(
    attention: nn.Module, states_BLD: Tensor, kind: torch.dtype, need_map: bool
) -> None:
    given = extras(attention)
    states, map_BHLM = attention.to(kind)(states_BLD.to(kind), need_map=need_map, **given)
    assert states.dtype == kind
    assert map_BHLM is None or map_BHLM.dtype == kind
    kept = {name: each for name, each in given.items() if name != "lengths_B"}
    newest_BD = attention.newest(states_BLD.to(kind), torch.full((B,), L), **kept)
    assert newest_BD.dtype == kind


@pytest.mark.parametrize("need_map", [False, True])
@pytest.mark.parametrize("moment", [1, 4, L - 1])
def test_the_future_changes_nothing(
    causal: nn.Module, states_BLD: Tensor, need_map: bool, moment: int
) -> None:
    other_BLD = states_BLD.clone()
    other_BLD[:, moment:] = 100 * torch.randn(B, L - moment, D)
    given, another = extras(causal), extras(causal, seed=3)
    for name, each in another.items():
        each[:, :moment] = given[name][:, :moment]
    ours, _ = causal(states_BLD, need_map=need_map, **given)
    theirs, _ = causal(other_BLD, need_map=need_map, **another)
    assert torch.equal(ours[:, :moment], theirs[:, :moment])
    assert not torch.allclose(ours[:, moment], theirs[:, moment])


@pytest.mark.parametrize("need_map", [False, True])
def test_padding_on_the_right_changes_nothing(
    attention: nn.Module, states_BLD: Tensor, need_map: bool
) -> None:
    padded_BLD = torch.cat([states_BLD, torch.full((B, 5, D), 9.0)], dim=1)
    given = extras(attention)
    padded = {
        name: each if name == "lengths_B" else torch.cat([each, each.new_zeros(B, 5)], dim=1)
        for name, each in given.items()
    }
    ours, map_BHLM = attention(states_BLD, need_map=need_map, **given)
    theirs, padded_map = attention(padded_BLD, need_map=need_map, **padded)
    torch.testing.assert_close(ours, theirs[:, :L], rtol=1e-5, atol=1e-6)
    if map_BHLM is not None:
        torch.testing.assert_close(map_BHLM, padded_map[:, :, :L, :L], rtol=1e-5, atol=1e-6)


def test_alone_is_as_in_a_batch(attention: nn.Module, states_BLD: Tensor) -> None:
    given = extras(attention)
    together, _ = attention(states_BLD, **given)
    for row in range(B):
        own = {name: each[row : row + 1] for name, each in given.items()}
        alone, _ = attention(states_BLD[row : row + 1], **own)
        torch.testing.assert_close(alone[0], together[row], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("need_map", [False, True])
def test_gradients_are_those_of_finite_differences(attention: nn.Module, need_map: bool) -> None:
    small = attention.double()
    states_BLD = torch.randn(2, 4, D, dtype=torch.float64, requires_grad=True)
    names = list(dict(small.named_parameters()))
    told = {"need_map": need_map, **extras(small, 2, 4)}

    def outputs(states: Tensor, *parameters: Tensor) -> Tensor:
        values = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(small, values, (states,), told)[0]

    inputs = (states_BLD, *small.parameters())
    assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)


@pytest.mark.parametrize("need_map", [False, True])
def test_every_parameter_has_a_gradient(
    attention: nn.Module, states_BLD: Tensor, need_map: bool
) -> None:
    states, _ = attention.train()(states_BLD, need_map=need_map, **extras(attention))
    (states * torch.linspace(-1, 1, states.numel()).view_as(states)).sum().backward()
    for name, each in attention.named_parameters():
        assert each.grad is not None, name
        assert each.grad.any(), name
        assert torch.isfinite(each.grad).all(), name


def test_what_was_saved_is_what_is_loaded(
    request: pytest.FixtureRequest, attention: nn.Module, states_BLD: Tensor
) -> None:
    kept = io.BytesIO()
    torch.save(attention.state_dict(), kept)
    kept.seek(0)
    torch.manual_seed(99)
    other = request.node.callspec.params["attention"](D).eval()
    other.load_state_dict(torch.load(kept, weights_only=True))
    given = extras(attention)
    assert torch.equal(attention(states_BLD, **given)[0], other(states_BLD, **given)[0])


def test_a_single_event_attends_to_itself(sharing: nn.Module) -> None:
    _, map_BHLM = sharing(torch.randn(1, 1, D), need_map=True, **extras(sharing, 1, 1))
    assert (map_BHLM == 1).all()


def test_bfloat16_changes_little(attention: nn.Module, states_BLD: Tensor) -> None:
    given = extras(attention)
    exact_BLD, _ = attention(states_BLD, **given)
    with torch.autocast("cpu", torch.bfloat16):
        low_BLD, _ = attention(states_BLD, **given)
        written_BLD, _ = attention(states_BLD, need_map=True, **given)
    for ours in (low_BLD, written_BLD):
        # Some products one after the other, 8 bits each.
        assert (ours - exact_BLD).norm() < 0.03 * exact_BLD.norm()


def test_the_newest_alone_is_as_among_all(attention: nn.Module, states_BLD: Tensor) -> None:
    lengths_B = torch.tensor([L, 1, 4])
    given = extras(attention)
    if "lengths_B" in given:
        given["lengths_B"] = lengths_B
    every_BLD, _ = attention(states_BLD, **given)
    states_BLD[1, 1:] = 1e3  # padding, which must not be looked at
    given.pop("lengths_B", None)
    for each in given.values():
        each[1, 1:] = 0
    newest_BD = attention.newest(states_BLD, lengths_B, **given)
    expected_BD = every_BLD[torch.arange(B), lengths_B - 1]
    torch.testing.assert_close(newest_BD, expected_BD, rtol=1e-5, atol=1e-6)


def test_without_causality_the_future_counts_and_padding_does_not() -> None:
    kinds = [kind for kind in ATTENTION.values() if not promises_of(kind).causal]
    assert set(kinds) - OF_CANDIDATES == {BidirectionalAttention, LowRankAttention}
    for kind in kinds:
        assert "lengths_B" in promises_of(kind).needs
