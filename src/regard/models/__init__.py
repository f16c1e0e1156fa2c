"""Attention networks, one page each, behind one contract."""

from typing import Final

from regard.models.adamct import AdaMCT
from regard.models.attention_pooling import AttentionPooling
from regard.models.bsarec import BSARec
from regard.models.compose import Compose
from regard.models.contract import SequenceModel
from regard.models.lightsans import LightSANs
from regard.models.linrec import LinRec
from regard.models.sasrec import SASRec

MODELS: Final[dict[str, type[SequenceModel]]] = {
    "sasrec": SASRec,
    "attention-pooling": AttentionPooling,
    "compose": Compose,
    "linrec": LinRec,
    "lightsans": LightSANs,
    "adamct": AdaMCT,
    "bsarec": BSARec,
}
"""What recipes and the command line can name; a test holds every network to be in it."""
