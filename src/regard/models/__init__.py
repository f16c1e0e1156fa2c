"""Attention networks, one page each, behind one contract."""

from typing import Final

from regard.models.attention_pooling import AttentionPooling
from regard.models.contract import SequenceModel
from regard.models.hstu import HSTU
from regard.models.sasrec import SASRec
from regard.models.sr_gnn import SRGNN
from regard.models.tisasrec import TiSASRec

MODELS: Final[dict[str, type[SequenceModel]]] = {
    "sasrec": SASRec,
    "attention-pooling": AttentionPooling,
    "tisasrec": TiSASRec,
    "hstu": HSTU,
    "sr-gnn": SRGNN,
}
"""What recipes and the command line can name; a test holds every network to be in it."""
