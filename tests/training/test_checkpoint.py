"""Checkpoints: whole, of their own run, never executed; killed runs end as if they were not."""

import hashlib
import io
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import killable_run
import pytest
import torch
from killable_run import Watch, clockwork, hit_rate, made_model, made_plan
from torch import Tensor

from regard.data.batches import TrainingBatches
from regard.errors import TrainingError
from regard.models.contract import SequenceModel
from regard.training import checkpoint, loop
from regard.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from regard.training.history import Epoch, History
from regard.training.loop import train

Weights = dict[str, Tensor]


class StoppedError(Exception):
    """Stands for whatever ends a process."""


def stop() -> None:
    raise StoppedError


def same(ours: Weights, theirs: Weights) -> bool:
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


def forge(path: Path, content: bytes) -> None:
    """Write some content in a checkpoint's clothes: the header and the checksum are right."""
    path.write_bytes(checkpoint._HEADER + hashlib.sha256(content).digest() + content)


def without_clocks(history: History) -> list[Epoch]:
    return [replace(each, seconds=0.0, validation_seconds=0.0) for each in history.epochs]


@pytest.fixture(scope="module")
def uninterrupted() -> tuple[Weights, History]:
    model = made_model()
    history = train(model, made_plan())
    return model.state_dict(), history


@pytest.fixture(scope="module")
def steps() -> list[int]:
    """How many steps each of the three epochs has."""
    batches = TrainingBatches(clockwork(), longest=6, tokens=48, seed=5)
    return [batches.count(number) for number in range(3)]


class TestResuming:
    def test_a_killed_process_goes_on_to_the_very_same_weights(
        self, tmp_path: Path, uninterrupted: tuple[Weights, History], steps: list[int]
    ) -> None:
        file, weights = tmp_path / "checkpoint", tmp_path / "weights"
        command = [sys.executable, killable_run.__file__, str(file), str(weights)]
        in_the_second_epoch = steps[0] + steps[1] // 2
        killed = subprocess.run([*command, str(in_the_second_epoch)], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert not weights.exists()
        left = load_checkpoint(file, "a run")
        assert left.epoch == 1
        assert 0 < left.batch < steps[1]
        subprocess.run(command, check=True)
        assert same(torch.load(weights), uninterrupted[0])

    def test_stopped_after_any_step_it_goes_on_to_the_very_same_weights(
        self, tmp_path: Path, uninterrupted: tuple[Weights, History], steps: list[int]
    ) -> None:
        for at in range(1, sum(steps) + 1):
            plan = made_plan(checkpoint=tmp_path / f"{at}")
            with pytest.raises(StoppedError):
                train(made_model(), plan, Watch(at, stop))
            assert (at == 1) is not (tmp_path / f"{at}").exists()
            model = made_model()
            history = train(model, plan)
            assert same(model.state_dict(), uninterrupted[0])
            assert without_clocks(history) == without_clocks(uninterrupted[1])

    @pytest.mark.parametrize("at", [1, 2, 3])
    def test_stopped_in_a_validation_it_goes_on_to_the_very_same_weights(
        self, tmp_path: Path, uninterrupted: tuple[Weights, History], at: int
    ) -> None:
        asked: list[SequenceModel] = []

        def validate(model: SequenceModel) -> float:
            asked.append(model)
            if len(asked) == at:
                stop()
            return hit_rate(model)

        plan = made_plan(checkpoint=tmp_path / "checkpoint", validate=validate)
        with pytest.raises(StoppedError):
            train(made_model(), plan)
        model = made_model()
        watch = Watch()
        history = train(model, plan, watch)
        assert same(model.state_dict(), uninterrupted[0])
        assert without_clocks(history) == without_clocks(uninterrupted[1])
        assert len(watch.epochs) == 3 - (at - 1)

    def test_interrupted_again_and_again_it_still_arrives(
        self, tmp_path: Path, uninterrupted: tuple[Weights, History], steps: list[int]
    ) -> None:
        plan = made_plan(checkpoint=tmp_path / "checkpoint")
        runs, model = 0, made_model()
        while True:
            runs += 1
            model = made_model()
            try:
                train(model, plan, Watch(4, stop))
                break
            except StoppedError:
                assert runs < 50
        assert runs > 3
        assert same(model.state_dict(), uninterrupted[0])

    def test_early_stopping_counts_the_epochs_of_before(self, tmp_path: Path) -> None:
        script = iter([0.5, 0.4, 0.3, 0.2, 0.1])
        plan = made_plan(
            epochs=5,
            patience=2,
            checkpoint=tmp_path / "checkpoint",
            validate=lambda _: next(script),
        )
        first_batches = TrainingBatches(clockwork(), longest=6, tokens=48, seed=5).count(0)
        with pytest.raises(StoppedError):
            train(made_model(), plan, Watch(first_batches + 2, stop))
        history = train(made_model(), plan)
        assert [epoch.validation for epoch in history.epochs] == [0.5, 0.4, 0.3]

    def test_a_finished_run_is_finished(
        self, tmp_path: Path, uninterrupted: tuple[Weights, History]
    ) -> None:
        plan = made_plan(checkpoint=tmp_path / "checkpoint")
        train(made_model(), plan)
        watch, model = Watch(), made_model()
        history = train(model, plan, watch)
        assert watch.steps == []
        assert same(model.state_dict(), uninterrupted[0])
        assert without_clocks(history) == without_clocks(uninterrupted[1])

    def test_numbers_of_the_gpu_that_the_model_is_on_go_on_too(
        self, tmp_path: Path, gpus: list[torch.Generator]
    ) -> None:
        parameter = SimpleNamespace(device=torch.device("cuda:1"), is_cuda=True)
        part = SimpleNamespace(
            parameters=lambda: iter([parameter]),
            state_dict=dict,
            load_state_dict=dict,
            state=dict,
            restore=dict,
        )
        learner = loop._Learner(part, part, part)  # type: ignore[arg-type] # a stub for all three
        plan = made_plan(checkpoint=tmp_path / "checkpoint")
        loop._checkpoint(learner, plan, loop._Progress())
        expected = torch.rand(3, generator=gpus[1])
        other = gpus[0].get_state()
        gpus[1].manual_seed(5)
        loop._resume(learner, plan)
        assert torch.equal(torch.rand(3, generator=gpus[1]), expected)
        assert torch.equal(gpus[0].get_state(), other)

    def test_without_a_file_nothing_is_written(self, tmp_path: Path) -> None:
        train(made_model(), made_plan(epochs=1))
        assert list(tmp_path.iterdir()) == []

    def test_checkpoints_are_no_more_frequent_than_wanted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
    ) -> None:
        written = []
        monkeypatch.setattr(
            "regard.training.loop.save_checkpoint", lambda kept, _: written.append(kept.batch)
        )
        path = tmp_path / "checkpoint"
        train(made_model(), made_plan(checkpoint=path, checkpoint_seconds=3600.0))
        assert written == [0, 0, 0]
        written.clear()
        train(made_model(), made_plan(checkpoint=path, epochs=1))
        assert written == [*range(1, steps[0] + 1), 0]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A checkpoint in the middle of an epoch."""
    with pytest.raises(StoppedError):
        train(made_model(), made_plan(checkpoint=tmp_path / "checkpoint"), Watch(3, stop))
    return tmp_path / "checkpoint"


class TestFile:
    def test_comes_back_as_it_was(self, tmp_path: Path) -> None:
        given = Checkpoint(
            run="x",
            epoch=2,
            batch=7,
            model={"w": torch.randn(3)},
            average={"module.w": torch.randn(3), "n_averaged": torch.tensor(5)},
            best={},
            optimiser={"state": {0: {"step": torch.tensor(4.0)}}, "param_groups": [{"lr": 0.1}]},
            random=torch.get_rng_state(),
            random_device=None,
            progress={"loss": 0.1, "epochs": [{"number": 1}]},
        )
        save_checkpoint(given, tmp_path / "file")
        back = load_checkpoint(tmp_path / "file", "x")
        assert same(back.model, given.model)
        assert same(back.average, given.average)
        assert torch.equal(back.random, given.random)
        empty = {"model": {}, "random": torch.zeros(0), "optimiser": {}}
        assert str(replace(back, **empty)) == str(replace(given, **empty))
        assert str(back.optimiser) == str(given.optimiser)

    def test_of_another_run_is_refused(self, kept: Path) -> None:
        with pytest.raises(TrainingError, match=r"other data or settings.* pass --restart"):
            train(made_model(), made_plan(checkpoint=kept, run="another run"))

    def test_of_another_version_is_refused(self, kept: Path) -> None:
        kept.write_bytes(kept.read_bytes().replace(b"format 2", b"format 3", 1))
        with pytest.raises(TrainingError, match="of another version of Regard"):
            load_checkpoint(kept, "a run")

    @pytest.mark.parametrize(
        "damage",
        [
            lambda whole: b"",
            lambda whole: b"garbage",
            lambda whole: whole[:1],
            lambda whole: whole[: len(whole) // 2],
            lambda whole: whole[:-1],
            lambda whole: whole[len(whole) // 2 :],
            lambda whole: bytes(len(whole)),
            lambda whole: whole[:1000] + bytes(1000) + whole[2000:],
            lambda whole: whole[: len(whole) // 2] + b"!" * 200 + whole[len(whole) // 2 + 200 :],
        ],
    )
    def test_damaged_is_refused(self, kept: Path, damage: Callable[[bytes], bytes]) -> None:
        kept.write_bytes(damage(kept.read_bytes()))
        with pytest.raises(TrainingError, match=r"is damaged or .*Delete it"):
            train(made_model(), made_plan(checkpoint=kept))

    def test_a_flipped_byte_is_refused_wherever_it_is(self, kept: Path) -> None:
        # torch itself reads changed numbers without a word.
        whole = kept.read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 150)):
            kept.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(TrainingError, match="is damaged or"):
                load_checkpoint(kept, "a run")

    @pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], "text", 7, {}, {"run": 1}])
    def test_a_file_of_something_else_is_refused(self, tmp_path: Path, content: object) -> None:
        buffer = io.BytesIO()
        torch.save(content, buffer)
        forge(tmp_path / "file", buffer.getvalue())
        with pytest.raises(TrainingError, match="is damaged or"):
            load_checkpoint(tmp_path / "file", "a run")
        (tmp_path / "file").write_bytes(buffer.getvalue())
        with pytest.raises(TrainingError, match="is damaged or"):
            load_checkpoint(tmp_path / "file", "a run")

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="is damaged or"):
            load_checkpoint(tmp_path, "a run")

    @pytest.mark.parametrize("how", ["torch", "pickle"])
    def test_code_inside_is_never_executed(self, tmp_path: Path, how: str) -> None:
        proof, file = tmp_path / "executed", tmp_path / "file"

        class Bomb:
            def __reduce__(self) -> tuple[object, tuple[Path]]:
                return Path.touch, (proof,)

        buffer = io.BytesIO()
        if how == "torch":
            torch.save({"run": "a run", "model": Bomb()}, buffer)
        else:
            pickle.dump({"run": "a run", "model": Bomb()}, buffer, protocol=2)
        forge(file, buffer.getvalue())
        with pytest.raises(TrainingError, match="is damaged or"):
            load_checkpoint(file, "a run")
        assert not proof.exists()
        pickle.loads(pickle.dumps(Bomb()))
        assert proof.exists()
