"""A textbook SASRec in plain torch: what one writes after reading the paper.

Padded to 200, torch's own encoder layers, cross-entropy over all scores at once, Adam.
"""

import torch
from protocol import (
    BATCH,
    BLOCKS,
    DROPOUT,
    LONGEST,
    RATE,
    WIDTH,
    Codes,
    Log,
    Meter,
    Scores,
    arguments,
    padded,
    top_lists,
)
from torch import Tensor, nn
from torch.nn import functional as F

HEADS, HIDDEN = 1, 64


class SASRec(nn.Module):
    """Kang & McAuley 2018; codes from 1, 0 is padding, on the right.

    Args:
        catalogue: N.
    """

    def __init__(self, catalogue: int) -> None:
        super().__init__()
        self.items = nn.Embedding(catalogue + 1, WIDTH, padding_idx=0)
        self.positions = nn.Embedding(LONGEST, WIDTH)
        nn.init.normal_(self.items.weight, std=0.02)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.dropout = nn.Dropout(DROPOUT)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, HIDDEN, DROPOUT, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, BLOCKS, nn.LayerNorm(WIDTH), enable_nested_tensor=False
        )
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LONGEST))

    def forward(self, codes_BL: Tensor) -> Tensor:
        """States `(B, L, D)`; what is padded on the right is read by nobody before it."""
        states_BLD = self.items(codes_BL) + self.positions.weight
        return self.encoder(self.dropout(states_BLD), mask=self.mask, is_causal=True)

    def scores(self, states: Tensor) -> Tensor:
        """Scores of all codes, that of padding included."""
        return states @ self.items.weight.T


def loss_of(model: SASRec, sequences_BL: Tensor) -> tuple[Tensor, int]:
    """Cross-entropy of the next item at every real position, and how many they are."""
    inputs_BL, targets_BL = sequences_BL[:, :-1], sequences_BL[:, 1:]
    logits_BLN = model.scores(model(inputs_BL))
    loss = F.cross_entropy(logits_BLN.flatten(0, 1), targets_BL.flatten(), ignore_index=0)
    return loss, int((targets_BL > 0).sum())


def teach(model: SASRec, log: Log, meter: Meter) -> None:
    """Epoch after epoch, until the budget is spent."""
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    sequences_UL = padded([each + 1 for each in log.training], LONGEST + 1, left=False)
    model.train()
    meter.begin()
    while True:
        for rows in torch.randperm(len(sequences_UL)).split(BATCH):
            loss, targets = loss_of(model, sequences_UL[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if meter.stepped(targets, len(rows) / len(sequences_UL)):
                return


def main() -> None:
    """Teach, measure, write."""
    given = arguments()
    log = Log.read(given.log)
    model = SASRec(log.catalogue)
    histories_UL = padded([each + 1 for each in log.histories], LONGEST, left=False)
    lengths_U = torch.tensor([min(len(each), LONGEST) for each in log.histories])

    def score(users: Codes) -> Scores:
        model.eval()
        with torch.inference_mode():
            rows = torch.from_numpy(users)
            states_BLD = model(histories_UL[rows])
            newest_BD = states_BLD[torch.arange(len(rows)), lengths_U[rows] - 1]
            scores_BN = model.scores(newest_BD)[:, 1:].numpy()
        model.train()
        return scores_BN

    meter = Meter(given, log, score)
    teach(model, log, meter)
    settings = {
        "title": "textbook SASRec",
        "longest": LONGEST,
        "width": WIDTH,
        "blocks": BLOCKS,
        "heads": HEADS,
        "hidden": HIDDEN,
        "dropout": DROPOUT,
        "loss": "cross-entropy over all items, all positions at once",
        "batch": BATCH,
        "optimiser": f"Adam, {RATE:g}",
    }
    meter.finish(settings, (), lambda: top_lists(score, log))


if __name__ == "__main__":
    main()
