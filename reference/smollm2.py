"""What transformers answers with SmolLM2-135M-Instruct, for the tests of serving/native.

    python reference/smollm2.py FOLDER-WITH-THE-GGUF-FILE > serving/native/testdata/smollm2.json

The weights are those of the quantised file, dequantised; the answers are greedy.
"""

import json
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTIONS = [
    "What is the capital of France?",
    "Write a haiku about the sea.",
    "Tell me a joke about cats.",
    "Translate 'good morning' into Spanish.",
    "Why is the sky blue? 🌊",
]

tok = AutoTokenizer.from_pretrained(sys.argv[1], gguf_file=FILE)
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], gguf_file=FILE, dtype=torch.float32)
out = []
for q in QUESTIONS:
    ids = tok.apply_chat_template([{"role": "user", "content": q}], add_generation_prompt=True, return_tensors="pt", return_dict=True)["input_ids"]
    with torch.no_grad():
        seq = model.generate(ids, max_new_tokens=40, do_sample=False)[0]
        lp = torch.log_softmax(model(seq[None]).logits[0].double(), -1)
    answer = seq[ids.shape[1]:].tolist()
    out.append({"question": q, "ids": ids[0].tolist(), "answer": answer,
                "logprobs": [float(f"{lp[ids.shape[1] - 1 + i, t].item():.9g}") for i, t in enumerate(answer)],
                "text": tok.decode(answer, skip_special_tokens=True)})
print(json.dumps({"by": "reference/smollm2.py", "versions": {"torch": torch.__version__, "transformers": transformers.__version__}, "file": FILE, "chats": out}, ensure_ascii=False, separators=(",", ":")))
