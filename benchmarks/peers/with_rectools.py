"""SASRec of RecTools: full softmax, its data preparator, its Lightning module, its recommend()."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from protocol import (
    BATCH,
    BLOCKS,
    DROPOUT,
    LONGEST,
    RATE,
    SEED,
    WIDTH,
    Codes,
    Log,
    Meter,
    Scores,
    arguments,
    padded,
)
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

HEADS = 1
PADDING = 0


def dataset(log: Log, held_out: int) -> Dataset:
    """A log as RecTools wants it; only the order of its clock matters."""
    user, item, position = log.table(held_out)
    days = pd.Timestamp("2000-01-01") + pd.to_timedelta(position, unit="s")
    return Dataset.construct(
        pd.DataFrame(
            {Columns.User: user, Columns.Item: item, Columns.Weight: 1.0, Columns.Datetime: days}
        )
    )


class Watch(Callback):
    """Tells the meter of each step.

    Args:
        meter: the clock.
    """

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def __deepcopy__(self, memo: dict[int, Any]) -> "Watch":
        """RecTools copies its trainer; there is but one clock."""
        return self

    def on_train_start(self, *_: Any) -> None:
        """Only now is everything set up."""
        self.meter.begin()

    def on_train_batch_end(
        self, trainer: Trainer, _module: Any, _outputs: Any, batch: Any, _number: int
    ) -> None:
        """See `Meter.stepped`."""
        rows = len(batch["y"]) / len(trainer.train_dataloader.dataset)
        if self.meter.stepped(int((batch["y"] != PADDING).sum()), rows):
            trainer.should_stop = True


def main() -> None:
    """Teach, measure, write."""
    given = arguments()
    seed_everything(SEED)
    log = Log.read(given.log)

    def score(users: Codes) -> Scores:
        network = model.torch_model
        known = model.data_preparator.item_id_map
        codes_N = torch.from_numpy(known.convert_to_internal(np.arange(log.catalogue)))
        histories = [codes_N[log.histories[user]].numpy() for user in users]
        network.eval()
        with torch.no_grad():
            items_ND = network.item_model.get_all_embeddings()
            batch = {"x": padded(histories, LONGEST, left=True)}
            newest_BD = network.encode_sessions(batch, items_ND)[:, -1]
            scores_BN = newest_BD @ items_ND[codes_N].T
        network.train()
        return scores_BN.numpy()

    meter = Meter(given, log, score)
    model = SASRecModel(
        n_blocks=BLOCKS,
        n_heads=HEADS,
        n_factors=WIDTH,
        dropout_rate=DROPOUT,
        session_max_len=LONGEST,
        batch_size=BATCH,
        lr=RATE,
        loss="softmax",
        get_trainer_func=lambda: Trainer(
            max_epochs=10_000,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Watch(meter)],
        ),
    )
    model.fit(dataset(log, held_out=2))
    asked, users = dataset(log, held_out=1), np.arange(len(log))

    def lists() -> Codes:
        table = model.recommend(users=users, dataset=asked, k=10, filter_viewed=True)
        made = table.sort_values([Columns.User, Columns.Rank])[Columns.Item].to_numpy(np.int64)
        return made.reshape(len(log), 10)

    settings = {
        "title": "RecTools SASRec",
        "longest": LONGEST,
        "width": WIDTH,
        "blocks": BLOCKS,
        "heads": HEADS,
        "hidden": WIDTH,
        "dropout": DROPOUT,
        "loss": "softmax over all items",
        "batch": BATCH,
        "optimiser": f"Adam, {RATE:g}, betas 0.9 and 0.98 (its default)",
    }
    meter.finish(settings, ("rectools", "pytorch-lightning"), lists)


if __name__ == "__main__":
    main()
