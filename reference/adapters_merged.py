"""Loads models that graft wrote with transformers, and says what it computes. Called by
the tests of package adapters when GRAFT_TEST_PYTHON names a Python that has torch,
transformers and peft:

    GRAFT_TEST_PYTHON=python go test ./adapters -run Transformers -v

Standard input is a JSON list of requests, standard output that of the answers. A request
has "path" of a folder; "adapter", of a PEFT folder to be put on it; "ids", whose logits
are wanted; "greedy", how many tokens to write after them; "texts" to be encoded;
"messages" to be rendered by the chat template.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


@torch.no_grad()
def answer(q):
    out = {}
    model = AutoModelForCausalLM.from_pretrained(q["path"], dtype=torch.float32, attn_implementation="eager").eval()
    if q.get("adapter"):
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, q["adapter"]).eval()
    ids = torch.tensor([q["ids"]])
    out["logits"] = model(ids, use_cache=False).logits[0].flatten().tolist()
    if q.get("greedy"):
        out["tokens"] = []
        for _ in range(q["greedy"]):
            logits = model(ids, use_cache=False).logits[0, -1]
            out["tokens"].append(int(logits.argmax()))
            ids = torch.cat([ids, logits.argmax().view(1, 1)], 1)
    if q.get("texts") or q.get("messages"):
        tokenizer = AutoTokenizer.from_pretrained(q["path"])
        out["encoded"] = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in q.get("texts") or []]
        if q.get("messages"):
            out["rendered"] = tokenizer.apply_chat_template(q["messages"], tokenize=False, add_generation_prompt=True)
    return out


json.dump([answer(q) for q in json.load(sys.stdin)], sys.stdout)
