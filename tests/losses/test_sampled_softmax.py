"""Sampled softmax: by hand, against the exact loss, without bias, by rows, at any size."""

import math
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from regard.errors import ConfigurationError, ModelInputError
from regard.losses import sampled_softmax
from regard.losses.contract import ItemTable, Narrowed
from regard.losses.cross_entropy import CrossEntropy
from regard.losses.proposal import Proposal
from regard.losses.sampled_softmax import SampledSoftmax

N, D, T = 32, 5, 9
COUNTS = np.arange(N - 2, 0, -1) ** 2
"""A long tail, as codes descend by popularity."""


def leaves() -> tuple[Tensor, Tensor, Tensor]:
    """States, vectors and bias that want gradients."""
    generator = torch.Generator().manual_seed(3)
    shapes = ((T, D), (N, D), (N,))
    return tuple(
        torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in shapes
    )  # type: ignore[return-value]


TARGETS_T = torch.tensor([2, 2, 3, 7, 12, 30, 31, 4, 2])


def gradients(loss: Callable[..., Tensor], *, with_bias: bool = True) -> tuple[float, list[Tensor]]:
    states_TD, vectors_ND, bias_N = leaves()
    value = loss(states_TD, ItemTable(vectors_ND, bias_N if with_bias else None), TARGETS_T)
    wanted = [states_TD, vectors_ND, *([bias_N] if with_bias else [])]
    found = torch.autograd.grad(value, wanted)
    return value.item(), [each.to_dense() if each.is_sparse else each for each in found]


class TestNarrowed:
    @pytest.mark.parametrize("rows", [1, 4, 99])
    @pytest.mark.parametrize("sparse", [True, False])
    def test_what_is_no_candidate_has_no_part(
        self, rows: int, sparse: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sampled_softmax, "_SLICE_BYTES", rows * 12 * 8)
        loss, generator = SampledSoftmax(COUNTS, sparse=sparse), torch.Generator().manual_seed(4)
        drawn_K = torch.tensor([2, 3, 3, 5, 7, 11, 12, 13, 17, 19, 23, 29, 31, 31])
        out_TN = torch.rand(T, N, generator=generator) < 0.4
        out_TN[torch.arange(T), TARGETS_T] = False
        out_TN[:, :2] = False
        row_P, code_P = out_TN.nonzero(as_tuple=True)

        def ours(states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
            return loss.against(Narrowed(states_TD, row_P, code_P), table, targets_T, drawn_K)

        def by_rows(states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
            scores_TN = states_TD @ table.vectors_ND.T + table.bias_N
            weights_K = len(drawn_K) * loss.proposal.chances(drawn_K)
            lost = []
            for row, target in enumerate(targets_T.tolist()):
                stay_K = (drawn_K != target) & ~out_TN[row, drawn_K]
                others = (scores_TN[row, drawn_K].exp() / weights_K)[stay_K].sum()
                own = scores_TN[row, target]
                lost.append((own.exp() + others).log() - own)
            return torch.stack(lost).mean()

        (value, grads), (expected, witnesses) = gradients(ours), gradients(by_rows)
        assert value == pytest.approx(expected, rel=1e-12)
        for mine, witness in zip(grads, witnesses, strict=True):
            torch.testing.assert_close(mine, witness, rtol=1e-9, atol=1e-12)


class TestByHand:
    def test_two_draws_of_one_item_and_one_of_another(self) -> None:
        # Items 2, 3, 4 with counts 6, 3, 1: q = 1/2 count share + 1/2 * 1/3.
        loss = SampledSoftmax(np.array([6, 3, 1]), uniform=0.5)
        chances = {2: 0.3 + 1 / 6, 3: 0.15 + 1 / 6, 4: 0.05 + 1 / 6}
        scores = {2: 1.0, 3: 0.5, 4: -2.0}
        vectors_ND = torch.tensor([[9.0], [9.0], [1.0], [0.5], [-2.0]], dtype=torch.float64)
        states_TD = torch.ones(1, 1, dtype=torch.float64)
        found = loss.against(
            states_TD, ItemTable(vectors_ND), torch.tensor([2]), torch.tensor([3, 4, 3])
        )
        others = sum(math.exp(scores[n]) / (3 * chances[n]) for n in (3, 4, 3))
        expected = math.log(math.exp(1.0) + others) - 1.0
        assert found.item() == pytest.approx(expected, rel=1e-12)

    def test_a_draw_that_hits_the_target_is_left_out_there_and_nowhere_else(self) -> None:
        loss = SampledSoftmax(np.array([1, 1, 1]), uniform=1.0)
        vectors_ND = torch.tensor([[0.0], [0.0], [1.0], [0.5], [-2.0]], dtype=torch.float64)
        states_TD = torch.ones(2, 1, dtype=torch.float64)
        found = loss.against(
            states_TD, ItemTable(vectors_ND), torch.tensor([2, 4]), torch.tensor([2, 3])
        )
        # K q = 2/3: each draw counts one and a half times.
        first = math.log(math.e + 1.5 * math.exp(0.5)) - 1.0
        second = math.log(math.exp(-2.0) + 1.5 * (math.e + math.exp(0.5))) + 2.0
        assert found.item() == pytest.approx((first + second) / 2, rel=1e-12)

    def test_only_hits_cost_nothing_and_move_nothing(self) -> None:
        vectors_ND = torch.randn(N, D, requires_grad=True)
        states_TD = torch.randn(1, D, requires_grad=True)
        loss = SampledSoftmax(COUNTS).against(
            states_TD, ItemTable(vectors_ND), torch.tensor([5]), torch.tensor([5, 5])
        )
        loss.backward()
        assert loss.item() == 0.0
        assert not states_TD.grad.any()
        assert not vectors_ND.grad.to_dense().any()


class TestAgainstTheExactLoss:
    @pytest.mark.parametrize("with_bias", [True, False])
    def test_many_draws_come_close(self, with_bias: bool) -> None:
        torch.manual_seed(0)
        distances = []
        for negatives in (100, 1_000_000):
            loss = SampledSoftmax(COUNTS, negatives)
            value, found = gradients(loss, with_bias=with_bias)
            exact, expected = gradients(CrossEntropy(), with_bias=with_bias)
            distances.append(abs(value - exact))
            distances += [float((f - e).abs().max()) for f, e in zip(found, expected, strict=True)]
        few, many = distances[: len(distances) // 2], distances[len(distances) // 2 :]
        assert all(each < 2e-3 for each in many)
        assert all(one > 5 * other for one, other in zip(few, many, strict=True))

    def test_the_mean_of_many_estimates_is_near(self) -> None:
        torch.manual_seed(1)
        runs = [gradients(SampledSoftmax(COUNTS, 512)) for _ in range(600)]
        exact, expected = gradients(CrossEntropy())
        single = np.mean([abs(value - exact) for value, _ in runs])
        assert abs(np.mean([value for value, _ in runs]) - exact) < 0.3 * single
        for number, witness in enumerate(expected):
            estimates = torch.stack([found[number] for _, found in runs])
            apart = (estimates.mean(0) - witness).norm() / witness.norm()
            assert apart < 0.03
            assert (estimates[0] - witness).norm() / witness.norm() > 3 * apart

    def test_a_mistaken_correction_would_be_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # The witness of the tests above: without the correction the limit is another one.
        monkeypatch.setattr(Proposal, "chances", lambda _, codes: torch.full(codes.shape, 1 / N))
        torch.manual_seed(0)
        value, _ = gradients(SampledSoftmax(COUNTS, 100_000))
        assert abs(value - gradients(CrossEntropy())[0]) > 0.02


@pytest.mark.parametrize("slice_bytes", [1, 8 * 20, 2**22])
def test_gradients_are_those_of_finite_differences(
    slice_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled_softmax, "_SLICE_BYTES", slice_bytes)
    drawn_K = torch.tensor([2, 3, 3, 9, 31, 8, 2, 20])
    loss = SampledSoftmax(COUNTS, sparse=False)

    def value(states_TD: Tensor, vectors_ND: Tensor, bias_N: Tensor) -> Tensor:
        return 3.5 * loss.against(states_TD, ItemTable(vectors_ND, bias_N), TARGETS_T, drawn_K)

    assert torch.autograd.gradcheck(value, leaves())


def test_float32_is_close_to_float64() -> None:
    drawn_K = torch.randint(2, N, (50,))
    loss = SampledSoftmax(COUNTS)
    ours, theirs = (
        loss.against(states_TD, ItemTable(vectors_ND, bias_N), TARGETS_T, drawn_K)
        for dtype in (torch.float32, torch.float64)
        for states_TD, vectors_ND, bias_N in [[each.to(dtype) for each in leaves()]]
    )
    assert ours.dtype == torch.float32
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


def test_scores_far_apart_do_not_overflow() -> None:
    vectors_ND = torch.tensor([[0.0], [0.0], [1.0], [-1.0]], requires_grad=True)
    states_TD = torch.tensor([[1e4]], requires_grad=True)
    loss = SampledSoftmax(np.array([1, 1]), uniform=1.0).against(
        states_TD, ItemTable(vectors_ND), torch.tensor([3]), torch.tensor([2, 2])
    )
    loss.backward()
    assert loss.item() == pytest.approx(2e4 + math.log(2), rel=1e-7)
    assert states_TD.grad.tolist() == [[2.0]]
    assert torch.isfinite(vectors_ND.grad.to_dense()).all()


class TestRows:
    def test_the_gradient_holds_the_rows_that_were_read_and_is_the_dense_one(self) -> None:
        drawn_K = torch.tensor([4, 4, 17])
        found = []
        for sparse in (True, False):
            states_TD, vectors_ND, bias_N = leaves()
            loss = SampledSoftmax(COUNTS, sparse=sparse)
            loss.against(states_TD, ItemTable(vectors_ND, bias_N), TARGETS_T, drawn_K).backward()
            found += [vectors_ND.grad, bias_N.grad]
        rows = sorted({*TARGETS_T.tolist(), 4, 17})
        for sparse_one, dense_one in zip(found[:2], found[2:], strict=True):
            assert sparse_one.coalesce().indices().tolist() == [rows]
            assert not dense_one.is_sparse
            torch.testing.assert_close(sparse_one.to_dense(), dense_one)

    def test_a_table_that_was_computed_passes_its_gradient_on(self) -> None:
        features_NF, weights_FD = torch.randn(N, 3), torch.randn(3, D, requires_grad=True)
        states_TD = torch.randn(T, D)
        SampledSoftmax(COUNTS)(states_TD, ItemTable(features_NF @ weights_FD), TARGETS_T).backward()
        assert weights_FD.grad.any()

    def test_a_step_takes_as_long_with_a_hundred_times_as_many_items(self) -> None:
        def seconds(items: int) -> float:
            vectors_ND = torch.randn(items + 2, 2, requires_grad=True)
            loss = SampledSoftmax(np.ones(items, np.int64), 512)
            states_TD, targets_T = torch.randn(512, 2), torch.randint(2, items, (512,))
            taken = []
            for _ in range(8):
                began = time.perf_counter()
                vectors_ND.grad = None
                loss(states_TD, ItemTable(vectors_ND), targets_T).backward()
                taken.append(time.perf_counter() - began)
            return min(taken)

        # A pass over the table of two million would alone take several times as long.
        assert seconds(2_000_000) < 3 * seconds(20_000)


class TestDraws:
    @pytest.mark.parametrize("uniform", [0.25, 1.0])
    def test_items_come_as_often_as_their_chances_say(self, uniform: float) -> None:
        torch.manual_seed(0)
        counts = np.array([50, 0, 30, 20])
        proposal = Proposal(counts, uniform)
        expected = (1 - uniform) * counts / 100 + uniform / 4
        assert proposal.chances(torch.arange(2, 6)).numpy() == pytest.approx(expected)
        drawn = proposal.draw(100_000).numpy() - 2
        shares = np.bincount(drawn, minlength=4) / len(drawn)
        assert np.abs(shares - expected).max() < 5 * math.sqrt(0.25 / len(drawn))

    @given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50).filter(any), st.integers(1, 99))
    def test_draws_are_items_and_chances_sum_to_one(self, counts: list[int], count: int) -> None:
        proposal = Proposal(np.array(counts))
        drawn = proposal.draw(count)
        assert drawn.shape == (count,)
        assert 2 <= int(drawn.min()) <= int(drawn.max()) < len(counts) + 2
        assert proposal.chances(torch.arange(2, len(counts) + 2)).sum().item() == pytest.approx(1)

    def test_ten_million_items_are_all_within_reach(self) -> None:
        items = 10_000_000
        torch.manual_seed(0)
        drawn = Proposal(np.ones(items, np.int64)).draw(4096).double()
        assert drawn.mean().item() == pytest.approx(items / 2, rel=0.05)
        assert len(drawn.unique()) > 4090

    def test_torchs_generator_decides(self) -> None:
        loss = SampledSoftmax(COUNTS, 8)
        values = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            values.append(gradients(loss)[0])
        assert values[0] == values[1] != values[2]
        assert gradients(loss)[0] != values[2], "drawn anew at each call"


class TestRefusals:
    def test_targets_that_are_no_items(self) -> None:
        with pytest.raises(ModelInputError, match=f"from 2 to {N - 1}"):
            SampledSoftmax(COUNTS)(
                torch.zeros(1, D), ItemTable(torch.zeros(N, D)), torch.tensor([N])
            )

    def test_no_negatives(self) -> None:
        with pytest.raises(ConfigurationError, match="negatives=0 must be 1 or more"):
            SampledSoftmax(COUNTS, 0)

    @pytest.mark.parametrize("uniform", [0.0, -0.1, 1.1, float("nan")])
    def test_a_share_that_is_none(self, uniform: float) -> None:
        with pytest.raises(ConfigurationError, match="above 0 and at most 1"):
            Proposal(COUNTS, uniform)

    @pytest.mark.parametrize("counts", [[], [0, 0], [3, -1]])
    def test_counts_that_are_none(self, counts: list[int]) -> None:
        with pytest.raises(ConfigurationError, match="drawn by their counts"):
            Proposal(np.array(counts, np.int64))


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    states_TD, vectors_ND, _ = leaves()
    loss = SampledSoftmax(COUNTS)(states_TD, ItemTable(vectors_ND), TARGETS_T)
    [gradient] = torch.autograd.grad(loss**2, states_TD, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_low_products_come_close_and_leave_gradients_in_the_type_of_the_table() -> None:
    states_TD, vectors_ND, bias_N = (each.float().detach() for each in leaves())
    drawn_K = torch.randint(2, N, (50,), generator=torch.Generator().manual_seed(0))
    found = []
    for low in (False, True):
        given = [each.clone().requires_grad_() for each in (states_TD, vectors_ND, bias_N)]
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            table = ItemTable(given[1], given[2])
            loss = SampledSoftmax(COUNTS).against(given[0], table, TARGETS_T, drawn_K)
        loss.backward()
        found.append([loss, *(each.grad.to_dense() for each in given)])
        assert all(each.dtype == torch.float32 for each in found[-1])
    for exact, low in zip(*found, strict=True):
        assert (exact - low).norm() < 0.01 * exact.norm()
        assert not torch.equal(exact, low)
