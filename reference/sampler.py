"""Goldens of the sampler: probabilities after each of transformers' logits
processors and after all of them together.

    python reference/sampler.py > serving/native/testdata/sampler.json

Frequency and presence penalties are not in transformers; their formula is that of
OpenAI's API reference: mu[j] -> mu[j] - c[j] * frequency - (c[j] > 0) * presence.
"""

import json

import torch
import transformers
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

V = 131
torch.manual_seed(20)
LOGITS = {
    "peaked": torch.randn(V) * 4,
    "flat": torch.randn(V) * 0.1,
    "ties": torch.randint(-3, 4, (V,)).float(),
    "wide": torch.randn(V) * 30,
}
PROMPT = [5, 17, 17, 90, 3]
OUTPUT = [90, 41, 41, 41, 100]


def probabilities(logits, c):
    x = logits.clone()[None]
    if "mask" in c:
        keep = torch.zeros(V, dtype=torch.bool)
        keep[c["mask"]] = True
        x = x.masked_fill(~keep, float("-inf"))
    if "logit_bias" in c:
        x = SequenceBiasLogitsProcessor([[[int(i)], v] for i, v in c["logit_bias"].items()])(torch.tensor([PROMPT + OUTPUT]), x)
    if "repetition" in c:
        x = RepetitionPenaltyLogitsProcessor(c["repetition"])(torch.tensor([PROMPT + OUTPUT]), x)
    count = torch.bincount(torch.tensor(OUTPUT), minlength=V).float()
    x = x - c.get("frequency", 0.0) * count - c.get("presence", 0.0) * (count > 0)
    ids = torch.tensor([PROMPT + OUTPUT])
    if "temperature" in c:
        x = TemperatureLogitsWarper(c["temperature"])(ids, x)
    if "top_k" in c:
        x = TopKLogitsWarper(c["top_k"])(ids, x)
    if "top_p" in c:
        x = TopPLogitsWarper(c["top_p"])(ids, x)
    if "min_p" in c:
        x = MinPLogitsWarper(c["min_p"])(ids, x)
    return torch.softmax(x.double(), -1)[0]


SETTINGS = [
    {},
    {"temperature": 0.3},
    {"temperature": 1.7},
    {"top_k": 1},
    {"top_k": 10},
    {"top_k": 500},
    {"top_p": 0.1},
    {"top_p": 0.9},
    {"top_p": 0.999},
    {"min_p": 0.05},
    {"min_p": 0.5},
    {"min_p": 1.0},
    {"repetition": 1.3},
    {"repetition": 0.8},
    {"frequency": 0.7},
    {"presence": 1.5},
    {"frequency": -0.5, "presence": -1.0},
    {"logit_bias": {"7": 5.0, "41": -100.0, "90": 1.25}},
    {"mask": [1, 2, 41, 90, 130]},
    {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.02, "repetition": 1.1, "frequency": 0.2, "presence": 0.3, "logit_bias": {"3": 2.0, "100": -1.0}},
    {"temperature": 1.5, "top_p": 0.8, "repetition": 1.2, "mask": list(range(0, V, 3))},
]

cases = []
for name, logits in LOGITS.items():
    for c in SETTINGS:
        # Which of several equal tokens top-p keeps is up to the sort; skip where equals meet it.
        if name == "ties" and "top_p" in c:
            continue
        p = probabilities(logits, c)
        cases.append({"logits": name, **c, "want": {str(i): float(f"{v:.10g}") for i, v in enumerate(p.tolist()) if v > 0}})

logprobs = {name: [float(f"{v:.12g}") for v in torch.log_softmax(x.double(), -1).tolist()] for name, x in LOGITS.items()}
print(json.dumps({
    "by": "reference/sampler.py",
    "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    "prompt": PROMPT,
    "output": OUTPUT,
    "logits": {k: [float(v) for v in x.tolist()] for k, x in LOGITS.items()},
    "logprobs": logprobs,
    "cases": cases,
}, separators=(",", ":")))
