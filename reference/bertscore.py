"""Values of bert_score for its matching alone, and for texts with a real encoder.

    python reference/bertscore.py FOLDER            # writes the goldens of evalharness/metrics/testdata
    python reference/bertscore.py FOLDER MODEL      # … and those of MODEL, the folder of all-minilm-l6-v2

Every pair is a batch of its own (batch_size=1): in a batch, padding floors the maxima at
0 and shifts the last digits of the states. Needs torch, transformers, bert_score.
"""

import importlib.metadata
import json
import sys
import warnings

import bert_score
import torch
import transformers
from bert_score.utils import get_tokenizer, greedy_cos_idf, sent_encode
from transformers import PreTrainedTokenizerBase

# bert_score asks for this of empty texts; transformers 5 has no such method any more.
PreTrainedTokenizerBase.build_inputs_with_special_tokens = lambda self, ids: [self.cls_token_id] + ids + [self.sep_token_id]

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
MADE = "reference/bertscore.py, bert_score %s, torch %s, transformers %s" % (
    importlib.metadata.version("bert_score"), torch.__version__.split("+")[0], transformers.__version__)


def weights(n):
    w = torch.ones(1, n)
    w[0, 0] = w[0, -1] = 0  # [CLS] and [SEP]
    return w


def matching(out):
    g = torch.Generator().manual_seed(6)
    pairs = []
    for n, m in [(2, 5), (5, 2), (3, 3), (3, 9), (9, 3), (6, 7), (12, 12), (20, 4)] * 3:
        p, r = (torch.round(torch.randn(1, k, 5, generator=g), decimals=3) for k in (n, m))
        mask = [torch.ones(1, k, dtype=torch.long) for k in (m, n)]
        got = greedy_cos_idf(r.clone(), mask[0], weights(m), p.clone(), mask[1], weights(n))
        pairs.append({"p": [[round(x, 3) for x in v] for v in p[0].tolist()],
                      "r": [[round(x, 3) for x in v] for v in r[0].tolist()], "want": [x.item() for x in got]})
    write(out, {"pairs": pairs})


# Predictions with one or more references: like and unlike texts, scripts, marks, control
# tokens written out, what has no tokens at all, and texts beyond 512 tokens.
CASES = [
    ("the cat sat on the mat", ["a cat was sitting on the mat", "the dog barked"]),
    ("Interest rates rose by half a percent.", ["The central bank raised rates by 0.5 %."]),
    ("I forgot my password", ["How do I reset my password?"]),
    ("yes", ["no"]),
    ("yes", ["yes"]),
    ("", ["something"]),
    ("something", [""]),
    ("", [""]),
    ("  \t\n ", ["spaces only"]),
    ("\u200b\u200d", ["what the tokenizer drops"]),
    ("  padded\n", ["padded"]),
    ("Übermäßig naïve façades – 1,234.56 € (approx.)", ["Overly naive facades: 1234.56 EUR"]),
    ("猫が座っている。", ["猫が寝ている。", "The cat is sitting."]),
    ("Привет, мир!", ["Hello, world!"]),
    ("नमस्ते दुनिया", ["नमस्कार"]),
    ("İSTANBUL ΟΔΟΣ ẞ ﬁ ½ Ⅷ", ["istanbul οδος ss fi 1/2 viii"]),
    ("e\u0301te\u0301", ["été"]),
    ("🙂👩‍🔬", ["a smiling face and a scientist"]),
    ("[SEP]", ["a mark written out"]),
    ("one [SEP] two [MASK] three [CLS]", ["one two three"]),
    ("def add(a, b): return a + b", ["fn add(a: i32, b: i32) -> i32 { a + b }"]),
    ("supercalifragilisticexpialidocious " + "x" * 150, ["a word that is longer than a hundred characters"]),
    ("The harbour at Oldney is small, and the boats that use it are smaller still. " * 40, ["The harbour is small. " * 150]),
    ("The harbour at Oldney is small.", ["The harbour at Oldney is small, and the boats that use it are smaller still. " * 40]),
]
BASELINE = [(0.4, 0.41, 0.405), (0.3, 0.31, 0.305), (0.2, 0.21, 0.205), (0.25, 0.26, 0.255), (0.27, 0.28, 0.275), (0.29, 0.3, 0.295), (0.31, 0.32, 0.315)]


def encoder(out, folder):
    cands, refs = [c for c, _ in CASES], [r for _, r in CASES]
    runs = []
    for layer, idf, rescaled in [(6, False, False), (3, False, False), (1, False, False), (6, True, False), (6, False, True), (4, True, True)]:
        path = None
        if rescaled:
            path = out.replace("_minilm.json", "_baseline.csv")
            with open(path, "w") as f:
                f.write("LAYER,P,R,F\n" + "".join("%d,%s,%s,%s\n" % (i, *b) for i, b in enumerate(BASELINE)))
        prf = bert_score.score(cands, refs, model_type=folder, num_layers=layer, idf=idf, batch_size=1, nthreads=0, device="cpu",
                               lang="en", rescale_with_baseline=rescaled, baseline_path=path)
        rows = [[None if x != x else x for x in case] for case in zip(*(v.tolist() for v in prf))]
        runs.append({"layer": layer, "idf": idf, "baseline": BASELINE[layer] if rescaled else None, "want": rows})
    tokens = get_tokenizer(folder)
    ids = [sent_encode(tokens, c) for c in cands]
    write(out, {"cases": [{"prediction": c, "references": r} for c, r in CASES], "ids": ids, "runs": runs})


def write(out, what):
    with open(out, "w") as f:
        json.dump({"made": MADE, **what}, f, separators=(",", ":"))
        f.write("\n")


def main(folder, model=None):
    matching(folder + "/bertscore.json")
    if model:
        encoder(folder + "/bertscore_minilm.json", model)


if __name__ == "__main__":
    main(*sys.argv[1:])
