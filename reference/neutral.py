"""Writes training/jobs/testdata/neutral.json: the bits that the tiny model of
serving/native/testdata needs for a byte of the neutral text, by transformers.

    python reference/neutral.py

Windows of 512 tokens that overlap by one; the first token of the text has nothing
before it and is not counted, nor its bytes. Sums in float64.
"""

import json
import math
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers

ROOT = pathlib.Path(__file__).parent.parent
WINDOW = 512


def main():
    folder = ROOT / "serving/native/testdata/tiny"
    tok = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).double().eval()
    text = (ROOT / "internal/neutral/text.txt").read_text("ascii")
    enc = tok(text, return_offsets_mapping=True)
    ids, first = enc["input_ids"], enc["offset_mapping"][0][1]
    nats, count, start = 0.0, 0, 0
    while start < len(ids) - 1:
        part = torch.tensor(ids[start:start + WINDOW])
        with torch.no_grad():
            p = torch.log_softmax(model(part[None]).logits[0].double(), -1)
        nats -= p[:-1].gather(1, part[1:, None]).sum().item()
        count += len(part) - 1
        start += WINDOW - 1
    assert count == len(ids) - 1
    out = {
        "made": f"reference/neutral.py, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}",
        "tokens": len(ids), "bytes": len(text) - first, "bits": nats / math.log(2) / (len(text) - first),
    }
    path = ROOT / "training/jobs/testdata/neutral.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(out, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
