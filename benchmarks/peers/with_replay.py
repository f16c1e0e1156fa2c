"""SASRec of RePlay: its Parquet module, transforms, Lightning module and callback of top items."""

import tempfile
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
from protocol import (
    BATCH,
    BLOCKS,
    DROPOUT,
    LONGEST,
    RATE,
    ROWS,
    SEED,
    WIDTH,
    Codes,
    Log,
    Meter,
    Scores,
    arguments,
    padded,
)
from replay.data import FeatureHint, FeatureSource, FeatureType
from replay.data.nn import (
    ParquetModule,
    TensorFeatureInfo,
    TensorFeatureSource,
    TensorSchema,
)
from replay.nn.lightning import LightningModule
from replay.nn.lightning.callback import TorchTopItemsCallback
from replay.nn.lightning.optimizer import OptimizerFactory
from replay.nn.lightning.postprocessor import SeenItemsFilter
from replay.nn.sequential import SasRec
from replay.nn.transform.template import make_default_sasrec_transforms

HEADS = 1


def schema_of(catalogue: int) -> TensorSchema:
    """One column of items; with the user in it, the default transforms would swallow the user."""
    source = TensorFeatureSource(FeatureSource.INTERACTIONS, "item_id")
    item = TensorFeatureInfo(
        "item_id",
        is_seq=True,
        feature_type=FeatureType.CATEGORICAL,
        embedding_dim=WIDTH,
        padding_value=catalogue,
        cardinality=catalogue,
        feature_hint=FeatureHint.ITEM_ID,
        feature_sources=[source],
    )
    return TensorSchema([item])


def data_module(log: Log, schema: TensorSchema, folder: Path) -> ParquetModule:
    """Histories as the two Parquet files that RePlay reads, and how to read them."""
    users = np.arange(len(log))
    pd.DataFrame({"user_id": users, "item_id": log.training}).to_parquet(folder / "train.parquet")
    asked = {"user_id": users, "item_id": log.histories, "seen_ids": log.histories}
    pd.DataFrame(asked).to_parquet(folder / "asked.parquet")
    most = max(len(history) for history in log.histories)

    def listed(length: int) -> dict[str, int]:
        return {"shape": length, "padding": log.catalogue}

    return ParquetModule(
        batch_size={"train": BATCH, "predict": ROWS},
        metadata={
            "train": {"user_id": {}, "item_id": listed(LONGEST + 1)},
            "predict": {"user_id": {}, "item_id": listed(LONGEST), "seen_ids": listed(most)},
        },
        transforms=make_default_sasrec_transforms(schema),
        train_path=str(folder / "train.parquet"),
        predict_path=str(folder / "asked.parquet"),
    )


class Watch(lightning.Callback):
    """Tells the meter of each step.

    Args:
        meter: the clock.
        users: rows of an epoch.
    """

    def __init__(self, meter: Meter, users: int) -> None:
        self.meter = meter
        self.users = users

    def on_train_start(self, *_: Any) -> None:
        """Only now is everything set up."""
        self.meter.begin()

    def on_train_batch_end(
        self, trainer: Any, _module: Any, _outputs: Any, batch: Any, _number: int
    ) -> None:
        """See `Meter.stepped`."""
        asked_BL = batch["padding_mask"] & batch["target_padding_mask"].squeeze(-1)
        if self.meter.stepped(int(asked_BL.sum()), len(asked_BL) / self.users):
            trainer.should_stop = True


def quiet_trainer(**how: Any) -> lightning.Trainer:
    """A trainer that only trains."""
    return lightning.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        **how,
    )


def scorer_of(network: SasRec, log: Log) -> Any:
    """See `protocol.Score`."""

    def score(users: Codes) -> Scores:
        histories = [log.histories[user] for user in users]
        codes_BL = padded(histories, LONGEST, left=True, filler=log.catalogue)
        network.eval()
        with torch.no_grad():
            given = {"item_id": codes_BL}
            logits = network(feature_tensors=given, padding_mask=codes_BL != log.catalogue)
        network.train()
        scores_BN: Scores = logits["logits"].numpy()
        return scores_BN

    return score


def main() -> None:
    """Teach, measure, write."""
    given = arguments()
    lightning.seed_everything(SEED)
    log = Log.read(given.log)
    schema = schema_of(log.catalogue)
    network = SasRec.from_params(
        schema,
        embedding_dim=WIDTH,
        num_heads=HEADS,
        num_blocks=BLOCKS,
        max_sequence_length=LONGEST,
        dropout=DROPOUT,
    )
    module = LightningModule(network, optimizer_factory=OptimizerFactory(learning_rate=RATE))
    meter = Meter(given, log, scorer_of(network, log))
    with tempfile.TemporaryDirectory() as folder:
        data = data_module(log, schema, Path(folder))
        watch = Watch(meter, len(log))
        quiet_trainer(max_epochs=10_000, callbacks=[watch]).fit(module, datamodule=data)

        def lists() -> Codes:
            unseen = SeenItemsFilter(log.catalogue)
            callback = TorchTopItemsCallback(10, "user_id", postprocessors=[unseen])
            trainer = quiet_trainer(callbacks=[callback])
            trainer.predict(module, datamodule=data, return_predictions=False)
            users, items, _ = callback.get_result()
            return items[users.argsort()].numpy()

        settings = {
            "title": "RePlay SasRec",
            "longest": LONGEST,
            "width": WIDTH,
            "blocks": BLOCKS,
            "heads": HEADS,
            "hidden": WIDTH,
            "dropout": DROPOUT,
            "loss": "cross-entropy over all items",
            "batch": BATCH,
            "optimiser": f"Adam, {RATE:g}, betas 0.9 and 0.98 (its default)",
        }
        meter.finish(settings, ("replay-rec", "lightning"), lists)


if __name__ == "__main__":
    main()
