"""Writes internal/app/testdata/smollm2_greedy.json: what transformers answers,
greedily, with the weights of the default model's GGUF file, dequantised to f32.

    python reference/smollm2_greedy.py SmolLM2-135M-Instruct.Q4_1.gguf

Needs torch, transformers and gguf.
"""
import json
import os
import pathlib
import sys

import torch
import transformers

PROMPTS = [
    "What is the capital of France?",
    "Name three rivers in Europe.",
    "Write one sentence about the sea.",
    "What is 2 + 2?",
    "Count from one to ten.",
    "Why is the sky blue?",
]
TOKENS = 32

path = pathlib.Path(sys.argv[1]).resolve()
where = dict(pretrained_model_name_or_path=os.fspath(path.parent), gguf_file=path.name)
tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
model = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).eval()

end = tokenizer.convert_tokens_to_ids("<|im_end|>")
cases = []
for prompt in PROMPTS:
    ids = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True, return_dict=False)
    answer, logprobs, margins = [], [], []
    with torch.no_grad():
        out = model(torch.tensor([ids]), use_cache=True)
        while True:
            row = out.logits[0, -1].log_softmax(-1)
            top = row.topk(2)
            answer.append(top.indices[0].item())
            logprobs.append(round(top.values[0].item(), 4))
            margins.append(round((top.values[0] - top.values[1]).item(), 4))
            if answer[-1] == end or len(answer) == TOKENS:
                break
            out = model(torch.tensor([answer[-1:]]), past_key_values=out.past_key_values, use_cache=True)
    cases.append({
        "prompt": prompt,
        "prompt_ids": ids,
        "ids": answer,
        "text": tokenizer.decode(answer, skip_special_tokens=True),
        "logprobs": logprobs,  # of the ids, natural logarithms
        "margins": margins,  # between the best and the second logit
    })

out = pathlib.Path(__file__).parent.parent / "internal/app/testdata/smollm2_greedy.json"
out.parent.mkdir(exist_ok=True)
out.write_text(json.dumps({
    "script": "reference/smollm2_greedy.py",
    "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
    "tokens": TOKENS, "cases": cases,
}, ensure_ascii=False).replace('{"prompt"', '\n{"prompt"') + "\n")
