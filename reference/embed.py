"""Writes embeddings of some sentences as sentence-transformers computes them:
the mean of BERT's last hidden states, scaled to length 1.

    python reference/embed.py FOLDER GOLDEN.safetensors

Needs torch, transformers, safetensors.
"""

import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

SENTENCES = [
    "The cat sits on the mat.", "A feline rests upon the rug.", "Interest rates rose by half a percent.", "ok",
    "How do I reset my password?", "I forgot my password and cannot log in.", "El gato está en la alfombra.",
    "Übermäßig naïve façades – 1,234.56 € (approx.)", "猫が座っている。",
    "def add(a, b): return a + b", "", "The harbour at Oldney is small, and the boats that use it are smaller still. " * 12,
]


@torch.no_grad()
def main(folder, out):
    tok = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tensors = {}
    for i, s in enumerate(SENTENCES):
        ids = tok(s, truncation=True, max_length=512)["input_ids"]
        v = model(torch.tensor([ids])).last_hidden_state[0].mean(0)
        tensors[f"ids.{i}"] = torch.tensor(ids).float()
        tensors[f"vector.{i}"] = torch.nn.functional.normalize(v, dim=0)
    made = f"reference/embed.py, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}"
    save_file(tensors, out, {"made": made})


main(*sys.argv[1:])
