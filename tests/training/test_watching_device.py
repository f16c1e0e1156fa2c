"""What a watcher shows, and where training may compute."""

import io

import pytest
import torch
from rich.console import Console

from regard.errors import ConfigurationError
from regard.training.device import (
    choose_device,
    choose_precision,
    seeded,
    use_wanted_threads,
)
from regard.training.history import Epoch
from regard.training.watching import ProgressBar, Silence

EPOCH = Epoch(
    3, loss=5.25, validation=0.125, rate=0.001, targets=5000, seconds=2.5, validation_seconds=1.0
)


def shown(*, terminal: bool) -> str:
    """What a short training writes."""
    page = io.StringIO()
    console = Console(file=page, force_terminal=terminal, width=120)
    with ProgressBar(console, "ndcg@10") as bar:
        bar.step(0.25, 6.0, 1234.0)
        bar.epoch(EPOCH, best=True)
        bar.step(0.5, 5.5, 1234.0)
        bar.epoch(EPOCH, best=False)
    return page.getvalue()


def test_a_log_file_gets_one_line_for_each_epoch() -> None:
    best, other = shown(terminal=False).splitlines()
    words = "epoch 3 loss 5.2500 ndcg@10 0.1250 * 2,000 targets/s 2.5 s"
    assert " ".join(best.split()) == words
    assert "*" not in other
    assert best.replace("*", " ") == other


def test_a_terminal_gets_a_live_line_too() -> None:
    text = shown(terminal=True)
    assert "loss 5.500  1,234 targets/s  ndcg@10 0.1250" in text
    assert "50 %" in text
    assert text.count("epoch   3") == 2


def test_a_step_before_the_bar_is_shown_does_no_harm() -> None:
    page = io.StringIO()
    ProgressBar(Console(file=page), "ndcg@10").step(0.5, 6.0, 1.0)
    assert page.getvalue() == ""


def test_an_error_passes_through_and_stops_the_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    with pytest.raises(KeyError), ProgressBar(console, "ndcg@10"):
        raise KeyError
    with ProgressBar(console, "ndcg@10"):
        pass


def test_silence_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Silence().step(0.5, 6.0, 1.0)
    Silence().epoch(EPOCH, best=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("there", [True, False])
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device().type == ("cuda" if there else "cpu")


def test_a_named_device_is_taken() -> None:
    assert choose_device("cpu") == torch.device("cpu")


def test_only_the_generators_of_the_processor_and_of_one_gpu_are_seeded_and_put_back(
    gpus: list[torch.Generator],
) -> None:
    before = [torch.get_rng_state(), *(each.get_state() for each in gpus)]
    with seeded(7, torch.device("cuda:1")):
        assert [torch.initial_seed(), *(each.initial_seed() for each in gpus)] == [7, 100, 7]
        torch.rand(3), torch.rand(3, generator=gpus[1])
    after = [torch.get_rng_state(), *(each.get_state() for each in gpus)]
    assert all(map(torch.equal, before, after))


def test_on_the_processor_no_gpu_is_seeded(gpus: list[torch.Generator]) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    before = [each.get_state() for each in gpus]
    with seeded(7):
        assert torch.equal(torch.rand(3), expected)
    assert all(map(torch.equal, before, [each.get_state() for each in gpus]))


@pytest.mark.parametrize("name", ["banana", "cuda:99", "", "cpu:x"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"Device '{name}' cannot be used here .*'auto'"):
        choose_device(name)


@pytest.mark.parametrize(
    ("instructions", "chosen"),
    [
        ({"amx_bf16": True, "avx512_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": True, "cpu_name": "AMD EPYC"}, torch.bfloat16),
        ({"avx512_bf16": True, "cpu_name": "Intel Xeon"}, torch.float32),
        ({"avx512_bf16": True, "amx_bf16": True, "cpu_name": "Intel Xeon"}, torch.bfloat16),
        ({"avx2": True, "avx512_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_precision_is_what_the_processor_multiplies_by_itself(
    monkeypatch: pytest.MonkeyPatch, instructions: dict[str, bool], chosen: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions, raising=False)
    assert choose_precision("auto", torch.device("cpu")) == chosen


def test_precision_is_float32_where_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision("auto", torch.device("cpu")) == torch.float32


@pytest.mark.parametrize("there", [True, False])
def test_precision_of_a_gpu(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: there)
    expected = torch.bfloat16 if there else torch.float32
    assert choose_precision("auto", torch.device("cuda")) == expected


def test_a_named_precision_is_taken() -> None:
    assert choose_precision("bfloat16", torch.device("cpu")) == torch.bfloat16
    assert choose_precision("float32", torch.device("cuda")) == torch.float32


def test_threads_are_those_of_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    monkeypatch.delenv("REGARD_THREADS", raising=False)
    use_wanted_threads()
    monkeypatch.setenv("REGARD_THREADS", "3")
    use_wanted_threads()
    assert taken == [3]
    monkeypatch.setenv("REGARD_THREADS", "many")
    with pytest.raises(ConfigurationError, match="REGARD_THREADS is 'many'"):
        use_wanted_threads()
