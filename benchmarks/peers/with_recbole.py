"""SASRec of RecBole: its atomic file, its augmentation, its trainer.

RecBole makes a row of every prefix of a history and learns one target from it, so that at 200
events an epoch would take hours; it runs at its own default of 50.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from protocol import (
    BLOCKS,
    DROPOUT,
    RATE,
    SEED,
    WIDTH,
    Codes,
    Log,
    Meter,
    Scores,
    arguments,
    hide_seen,
    padded,
)
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.sequential_recommender.sasrec import SASRec
from recbole.trainer import Trainer
from recbole.utils import init_seed
from recbole.utils.case_study import full_sort_scores

LONGEST, HEADS, HIDDEN, BATCH = 50, 2, 256, 2048
"""RecBole's own defaults."""
NAME = "ml"


class BudgetSpentError(Exception):
    """Ends a training inside of an epoch, for which RecBole has no word of its own."""


class CountedSASRec(SASRec):
    """Remembers how many rows its last batch had."""

    rows = 0

    def calculate_loss(self, interaction: Any) -> torch.Tensor:
        """See RecBole."""
        self.rows = len(interaction)
        return super().calculate_loss(interaction)


def configured(log: Log, folder: Path) -> Config:
    """The atomic file, and what to do with it."""
    place = folder / NAME
    place.mkdir()
    rows = np.stack(log.table(held_out=0), axis=1)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    path = place / f"{NAME}.inter"
    np.savetxt(path, rows, fmt="%d", delimiter="\t", header=header, comments="")
    settings = {
        "data_path": str(folder),
        "checkpoint_dir": str(folder / "saved"),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "use_gpu": False,
        "seed": SEED,
        "show_progress": False,
        "epochs": 10_000,
        "train_batch_size": BATCH,
        "train_neg_sample_args": None,
        "learning_rate": RATE,
        "MAX_ITEM_LIST_LENGTH": LONGEST,
        "n_layers": BLOCKS,
        "n_heads": HEADS,
        "hidden_size": WIDTH,
        "inner_size": HIDDEN,
        "hidden_dropout_prob": DROPOUT,
        "attn_dropout_prob": DROPOUT,
        "loss_type": "CE",
    }
    return Config(model="SASRec", dataset=NAME, config_dict=settings)


def teach(model: CountedSASRec, config: Config, rows: Any, meter: Meter) -> None:
    """Epoch after epoch, until the budget is spent."""
    trainer = Trainer(config, model)
    total = len(rows.dataset)

    def watch(*_: Any) -> None:
        if meter.stepped(model.rows, model.rows / total):
            raise BudgetSpentError

    trainer.optimizer.register_step_post_hook(watch)
    meter.begin()
    try:
        trainer.fit(rows, valid_data=None, verbose=False, saved=False)
    except BudgetSpentError:
        model.eval()


def main() -> None:
    """Teach, measure, write."""
    given = arguments()
    given.log, given.out = given.log.resolve(), given.out.resolve()
    log = Log.read(given.log)

    def score(users: Codes) -> Scores:
        histories = [codes_N[log.histories[user]] for user in users]
        lengths = torch.tensor([min(len(each), LONGEST) for each in histories])
        asked = {
            model.ITEM_SEQ: padded(histories, LONGEST, left=False),
            model.ITEM_SEQ_LEN: lengths,
        }
        model.eval()
        with torch.no_grad():
            scores_BN = model.full_sort_predict(asked)[:, codes_N]
        model.train()
        return scores_BN.numpy()

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # RecBole leaves logs wherever it is run
        meter = Meter(given, log, score)
        config = configured(log, Path(folder))
        init_seed(SEED, reproducibility=True)
        dataset = create_dataset(config)
        training, _, test = data_preparation(config, dataset)
        codes_N = dataset.token2id("item_id", [str(code) for code in range(log.catalogue)])
        model = CountedSASRec(config, training.dataset)
        teach(model, config, training, meter)
        users = dataset.token2id("user_id", [str(user) for user in range(len(log))])

        def lists() -> Codes:
            scores_UN = full_sort_scores(users, model, test).numpy()[:, codes_N]
            hide_seen(scores_UN, log, np.arange(len(log)))
            return torch.from_numpy(scores_UN).topk(10).indices.numpy()

        settings = {
            "title": f"RecBole SASRec, {LONGEST} events",
            "longest": LONGEST,
            "width": WIDTH,
            "blocks": BLOCKS,
            "heads": HEADS,
            "hidden": HIDDEN,
            "dropout": DROPOUT,
            "loss": "cross-entropy over all items, one target a row",
            "batch": BATCH,
            "optimiser": f"Adam, {RATE:g}",
            "lists": "its full_sort_scores keeps seen items; they are removed from its scores",
        }
        meter.finish(settings, ("recbole",), lists)
        os.chdir("/")


if __name__ == "__main__":
    main()
