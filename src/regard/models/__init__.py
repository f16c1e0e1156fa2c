"""Attention networks, one page each, behind one contract."""

from typing import Final

from regard.models.adamct import AdaMCT
from regard.models.attention_pooling import AttentionPooling
from regard.models.bert4rec import BERT4Rec
from regard.models.bsarec import BSARec
from regard.models.compose import Compose
from regard.models.contract import SequenceModel
from regard.models.din import DIN
from regard.models.gru4rec import GRU4Rec
from regard.models.hstu import HSTU
from regard.models.lightsans import LightSANs
from regard.models.ligr import LiGR
from regard.models.linrec import LinRec
from regard.models.lstm_attention import LSTMAttention
from regard.models.narm import NARM
from regard.models.sasrec import SASRec
from regard.models.sr_gnn import SRGNN
from regard.models.stamp import STAMP
from regard.models.tisasrec import TiSASRec

MODELS: Final[dict[str, type[SequenceModel]]] = {
    "sasrec": SASRec,
    "attention-pooling": AttentionPooling,
    "compose": Compose,
    "linrec": LinRec,
    "lightsans": LightSANs,
    "adamct": AdaMCT,
    "bsarec": BSARec,
    "gru4rec": GRU4Rec,
    "lstm-attention": LSTMAttention,
    "narm": NARM,
    "stamp": STAMP,
    "din": DIN,
    "tisasrec": TiSASRec,
    "hstu": HSTU,
    "sr-gnn": SRGNN,
    "bert4rec": BERT4Rec,
    "ligr": LiGR,
}
"""What recipes and the command line can name; a test holds every network to be in it."""
