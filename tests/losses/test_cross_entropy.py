"""Sliced cross-entropy against torch's own, its gradients, its refusals and its memory."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from regard.errors import ModelInputError
from regard.losses import cross_entropy
from regard.losses.contract import ItemTable, Narrowed
from regard.losses.cross_entropy import CrossEntropy

N, D = 11, 5
ROW = (N - 2) * 8
"""Bytes of one row of scores in float64."""


@pytest.fixture(
    params=[1, ROW, 3 * ROW - 1, 3 * ROW, 3 * ROW + 1, 2**22, "1 x 1", "3 x 4", "99 x 99"],
    ids=str,
)
def _slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of some bytes, or blocks of some rows and items."""
    monkeypatch.setattr(cross_entropy, "_LEAST_ROWS", 1)
    if isinstance(request.param, int):
        monkeypatch.setattr(cross_entropy, "_SLICE_BYTES", request.param)
        return
    rows, items = map(int, request.param.split(" x "))
    monkeypatch.setattr(cross_entropy, "_MOST_BYTES", 0)
    monkeypatch.setattr(cross_entropy, "_BLOCK_ROWS", rows)
    monkeypatch.setattr(cross_entropy, "_BLOCK_ITEMS", items)


def inputs(T: int, *, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """States, table, bias and targets; every code is somebody's target where T allows it."""
    generator = torch.Generator().manual_seed(T)

    def numbers(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_()

    targets_T = 2 + torch.randperm(T, generator=generator) % (N - 2)
    return numbers(T, D), numbers(N, D), numbers(N), targets_T


def expected(states_TD: Tensor, vectors_ND: Tensor, bias_N: Tensor | None, targets_T: Tensor):
    bias = 0 if bias_N is None else bias_N[2:]
    return F.cross_entropy(states_TD @ vectors_ND[2:].T + bias, targets_T - 2)


@pytest.mark.usefixtures("_slices")
@pytest.mark.parametrize("T", [1, 2, 3, 4, 6, 7, 20])
@pytest.mark.parametrize("with_bias", [True, False])
def test_value_and_gradients_equal_those_of_torch(T: int, with_bias: bool) -> None:
    states_TD, vectors_ND, bias_N, targets_T = inputs(T)
    bias = bias_N if with_bias else None
    leaves = [states_TD, vectors_ND, *([bias_N] if with_bias else [])]
    ours = CrossEntropy()(states_TD, ItemTable(vectors_ND, bias), targets_T)
    theirs = expected(states_TD, vectors_ND, bias, targets_T)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)
    # A factor on the loss must reach the gradients.
    for mine, witness in zip(
        torch.autograd.grad(3.5 * ours, leaves),
        torch.autograd.grad(3.5 * theirs, leaves),
        strict=True,
    ):
        torch.testing.assert_close(mine, witness, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("_slices")
def test_gradients_are_those_of_finite_differences() -> None:
    *leaves, targets_T = inputs(7)

    def loss(states_TD: Tensor, vectors_ND: Tensor, bias_N: Tensor) -> Tensor:
        return CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N), targets_T)

    assert torch.autograd.gradcheck(loss, leaves)


def narrowed(states_TD: Tensor, targets_T: Tensor, share: float) -> tuple[Narrowed, Tensor]:
    """States with items that are no candidates, each told twice; and a mask `(T, N - 2)`."""
    generator = torch.Generator().manual_seed(len(states_TD))
    out_TI = torch.rand(len(states_TD), N - 2, generator=generator) < share
    out_TI[torch.arange(len(targets_T)), targets_T - 2] = False
    row_P, column_P = (out_TI.repeat_interleave(2, dim=1)).nonzero(as_tuple=True)
    return Narrowed(states_TD, row_P, 2 + column_P // 2), out_TI


@pytest.mark.usefixtures("_slices")
@pytest.mark.parametrize("T", [1, 4, 7, 20])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("with_bias", [True, False])
def test_what_is_no_candidate_has_no_part(T: int, share: float, with_bias: bool) -> None:
    states_TD, vectors_ND, bias_N, targets_T = inputs(T)
    bias = bias_N if with_bias else None
    asked, out_TI = narrowed(states_TD, targets_T, share)
    ours = CrossEntropy()(asked, ItemTable(vectors_ND, bias), targets_T)
    scores_TI = states_TD @ vectors_ND[2:].T + (0 if bias is None else bias[2:])
    theirs = F.cross_entropy(scores_TI.masked_fill(out_TI, -torch.inf), targets_T - 2)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)
    leaves = [states_TD, vectors_ND, *([bias_N] if with_bias else [])]
    for mine, witness in zip(
        torch.autograd.grad(ours, leaves), torch.autograd.grad(theirs, leaves), strict=True
    ):
        torch.testing.assert_close(mine, witness, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("low", [True, False])
def test_what_is_no_candidate_has_no_part_in_other_precisions(scale: float, low: bool) -> None:
    states_TD, vectors_ND, bias_N, targets_T = inputs(20, dtype=torch.float32)
    with torch.no_grad():
        states_TD.mul_(scale)
    asked, out_TI = narrowed(states_TD, targets_T, 0.3)
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        ours = CrossEntropy()(asked, ItemTable(vectors_ND, bias_N), targets_T)
    scores_TI = states_TD.double() @ vectors_ND[2:].double().T + bias_N[2:]
    theirs = F.cross_entropy(scores_TI.masked_fill(out_TI, -torch.inf), targets_T - 2)
    assert ours.item() == pytest.approx(theirs.item(), rel=0.02 if low else 1e-5)
    assert theirs < expected(states_TD, vectors_ND, bias_N, targets_T) - 0.1
    ours.backward()
    assert torch.isfinite(vectors_ND.grad).all()


def test_float32_is_close_to_float64() -> None:
    states_TD, vectors_ND, bias_N, targets_T = inputs(20, dtype=torch.float32)
    ours = CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N), targets_T)
    assert ours.dtype == torch.float32
    theirs = expected(states_TD.double(), vectors_ND.double(), bias_N.double(), targets_T)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


def test_special_codes_take_no_part() -> None:
    states_TD, vectors_ND, bias_N, targets_T = inputs(6)
    first = CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N), targets_T)
    with torch.no_grad():
        vectors_ND[:2] = 1e6
        bias_N[:2] = 1e6
    second = CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N), targets_T)
    assert torch.equal(first, second)
    second.backward()
    assert not vectors_ND.grad[:2].any()
    assert not bias_N.grad[:2].any()


@pytest.mark.usefixtures("_slices")
def test_scores_far_apart_do_not_overflow() -> None:
    vectors_ND = torch.tensor([[0.0], [0.0], [1.0], [-1.0]], requires_grad=True)
    states_TD = torch.tensor([[1e4]], requires_grad=True)
    loss = CrossEntropy()(states_TD, ItemTable(vectors_ND), torch.tensor([3]))
    loss.backward()
    assert loss.item() == 2e4
    assert states_TD.grad.tolist() == [[2.0]]
    assert torch.isfinite(vectors_ND.grad).all()


@pytest.mark.parametrize("shift", [-200.0, -60.0, 60.0, 200.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_scores_all_far_from_zero_cost_what_their_differences_say(
    shift: float, dtype: torch.dtype
) -> None:
    *leaves, targets_T = inputs(20, dtype=dtype)
    losses = [
        CrossEntropy()(leaves[0], ItemTable(leaves[1], leaves[2] + added), targets_T)
        for added in (0.0, shift)
    ]
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=0)
    for far, near in zip(
        *(torch.autograd.grad(loss, leaves) for loss in losses[::-1]), strict=True
    ):
        torch.testing.assert_close(far, near, rtol=1e-3, atol=1e-6)


def test_usual_scores_are_passed_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise AssertionError("three passes where one does")

    monkeypatch.setattr(cross_entropy._Slice, "_by_softmax", refuse)
    states_TD, vectors_ND, bias_N, targets_T = inputs(20, dtype=torch.float32)
    CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N), targets_T)
    with pytest.raises(AssertionError, match="three passes"):
        CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N + 200), targets_T)


def test_certainty_costs_nothing_and_ignorance_the_logarithm_of_the_catalogue() -> None:
    targets_T = torch.tensor([2, 3])
    ignorant = CrossEntropy()(torch.zeros(2, D), ItemTable(torch.ones(N, D)), targets_T)
    assert ignorant.item() == pytest.approx(torch.log(torch.tensor(N - 2.0)).item())
    certain = CrossEntropy()(100 * torch.eye(N)[targets_T], ItemTable(torch.eye(N)), targets_T)
    assert certain.item() == 0.0


def test_arguments_are_left_as_they_were() -> None:
    states_TD, vectors_ND, bias_N, targets_T = inputs(6)
    before = [each.clone() for each in (states_TD, vectors_ND, bias_N, targets_T)]
    CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N), targets_T).backward()
    for now, then in zip((states_TD, vectors_ND, bias_N, targets_T), before, strict=True):
        assert torch.equal(now, then)


def test_two_backward_passes_add_up() -> None:
    states_TD, vectors_ND, _, targets_T = inputs(6)
    loss = CrossEntropy()(states_TD, ItemTable(vectors_ND), targets_T)
    loss.backward(retain_graph=True)
    once = vectors_ND.grad.clone()
    (2 * loss).backward()
    torch.testing.assert_close(vectors_ND.grad, 3 * once)


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    states_TD, vectors_ND, _, targets_T = inputs(3)
    loss = CrossEntropy()(states_TD, ItemTable(vectors_ND), targets_T)
    [gradient] = torch.autograd.grad(loss**2, states_TD, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_refuses_a_batch_without_targets() -> None:
    with pytest.raises(ModelInputError, match="at least one target"):
        CrossEntropy()(torch.zeros(0, D), ItemTable(torch.zeros(N, D)), torch.zeros(0).long())


@pytest.mark.parametrize("code", [-1, 0, 1, N, N + 5])
def test_refuses_codes_that_are_no_items(code: int) -> None:
    message = rf"from 2 to {N - 1}; received {min(code, 4)} to {max(code, 4)}"
    with pytest.raises(ModelInputError, match=message):
        CrossEntropy()(torch.zeros(2, D), ItemTable(torch.zeros(N, D)), torch.tensor([code, 4]))


_MEMORY = """
import resource
import torch
from regard.losses.contract import ItemTable
from regard.losses.cross_entropy import CrossEntropy

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

def learn(T, N):
    states_TD = torch.randn(T, 2, requires_grad=True)
    vectors_ND = torch.randn(N, 2, requires_grad=True)
    targets_T = torch.randint(2, N, (T,))
    CrossEntropy()(states_TD, ItemTable(vectors_ND), targets_T).backward()

torch.set_num_threads(1)
learn(10, 100)
before = peak()
learn(1_600, 140_000)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_all_scores_at_once_are_never_in_memory() -> None:
    # 1,600 x 140,000 scores are 854 MB in float32, and so are their gradients.
    run = subprocess.run(
        [sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 100


@pytest.mark.parametrize("most", [2**26, 0], ids=["whole rows", "blocks"])
def test_low_factors_are_close_and_leave_the_sums_exact(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(cross_entropy, "_MOST_BYTES", most)
    monkeypatch.setattr(cross_entropy, "_BLOCK_ITEMS", 400)
    generator = torch.Generator().manual_seed(0)
    states_TD = torch.randn(700, 64, generator=generator).requires_grad_()
    vectors_ND = (0.3 * torch.randn(900, 64, generator=generator)).requires_grad_()
    bias_N = torch.randn(900, generator=generator).requires_grad_()
    targets_T = torch.randint(2, 900, (700,), generator=generator)
    leaves = (states_TD, vectors_ND, bias_N)
    exact = CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N), targets_T)
    with torch.autocast("cpu", torch.bfloat16):
        low = CrossEntropy()(states_TD, ItemTable(vectors_ND, bias_N), targets_T)
    assert low.dtype == torch.float32
    assert low.item() == pytest.approx(exact.item(), rel=1e-3)
    assert low.item() != exact.item()
    for mine, witness in zip(
        torch.autograd.grad(low, leaves), torch.autograd.grad(exact, leaves), strict=True
    ):
        assert mine.dtype == torch.float32
        # bfloat16 keeps 8 bits: a relative error of 2**-8 a factor, and three factors.
        assert (mine - witness).norm() < 0.012 * witness.norm()


def test_states_of_autocast_are_welcome() -> None:
    vectors_ND = torch.randn(9, 4, requires_grad=True)
    states_TD = torch.randn(3, 4).bfloat16().requires_grad_()
    CrossEntropy()(states_TD, ItemTable(vectors_ND), torch.tensor([2, 3, 4])).backward()
    assert states_TD.grad.dtype == torch.bfloat16
    assert vectors_ND.grad.dtype == torch.float32


@pytest.mark.parametrize(
    ("items", "rows"),
    [
        (3_416, 1_216),  # 16 MB, a multiple of 64
        (100_000, 128),  # fewer would read the table for next to nothing
        (131_072, 128),  # the most that 64 MB hold
        (131_073, 0),  # cut into blocks
    ],
)
def test_a_slice_suits_the_cache_the_table_and_the_memory(items: int, rows: int) -> None:
    assert cross_entropy._rows_at_a_time(items, width=4) == rows
