"""Values of bert_score's matching of random token embeddings, each pair without padding.

    python reference/bertscore.py GOLDEN.json

Needs torch, bert_score.
"""

import importlib.metadata
import json
import sys

import torch
from bert_score.utils import greedy_cos_idf


def weights(n):
    w = torch.ones(1, n)
    w[0, 0] = w[0, -1] = 0  # [CLS] and [SEP]
    return w


def main(out):
    g = torch.Generator().manual_seed(6)
    pairs = []
    for n, m in [(2, 5), (5, 2), (3, 3), (3, 9), (9, 3), (6, 7), (12, 12), (20, 4)] * 3:
        p, r = (torch.round(torch.randn(1, k, 5, generator=g), decimals=3) for k in (n, m))
        mask = [torch.ones(1, k, dtype=torch.long) for k in (m, n)]
        got = greedy_cos_idf(r.clone(), mask[0], weights(m), p.clone(), mask[1], weights(n))
        pairs.append({"p": [[round(x, 3) for x in v] for v in p[0].tolist()],
                      "r": [[round(x, 3) for x in v] for v in r[0].tolist()], "want": [x.item() for x in got]})
    made = "reference/bertscore.py, bert_score %s, torch %s" % (importlib.metadata.version("bert_score"), torch.__version__.split("+")[0])
    with open(out, "w") as f:
        json.dump({"made": made, "pairs": pairs}, f, separators=(",", ":"))
        f.write("\n")


main(*sys.argv[1:])
