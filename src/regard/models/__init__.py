"""Attention networks, one page each, behind one contract."""

from typing import Final

from regard.models.attention_pooling import AttentionPooling
from regard.models.bert4rec import BERT4Rec
from regard.models.contract import SequenceModel
from regard.models.ligr import LiGR
from regard.models.sasrec import SASRec

MODELS: Final[dict[str, type[SequenceModel]]] = {
    "sasrec": SASRec,
    "attention-pooling": AttentionPooling,
    "bert4rec": BERT4Rec,
    "ligr": LiGR,
}
"""What recipes and the command line can name; a test holds every network to be in it."""
