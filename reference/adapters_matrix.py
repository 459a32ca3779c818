"""Writes adapters/testdata/matrix.json.gz: what peft computes with every kind of adapter
on every architecture's tiny model.

A case has the model, the adapter's configuration, the names and shapes of its tensors as
peft saves them, and logits of the last two positions of a prompt. The numbers of the
tensors follow from their names (fill), so that they need not be stored.

    python reference/adapters_matrix.py

Needs torch, transformers, peft. Deterministic.
"""

import gzip
import hashlib
import json

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from transformers import AutoModelForCausalLM

from adapters import MODELS, OUT, VERSIONS, generator

BASES = ["llama", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "gemma3"]
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj"]
KINDS = {
    "lora": dict(r=4, lora_alpha=8, target_modules=ATTENTION),
    "rslora": dict(r=3, lora_alpha=5, use_rslora=True, target_modules="all-linear",
                   rank_pattern={r"layers\.1\..*": 2}, alpha_pattern={"o_proj": 7}),
    "dora": dict(r=2, lora_alpha=3, use_dora=True, target_modules="all-linear"),
    "rsdora": dict(r=3, lora_alpha=2, use_rslora=True, use_dora=True, target_modules=["o_proj", "down_proj"]),
    "layers": dict(r=2, lora_alpha=4, target_modules=["o_proj", "up_proj", "gate_up_proj"], layers_to_transform=[1]),
    "embed": dict(r=2, lora_alpha=3, target_modules=["embed_tokens", "down_proj"]),
    "head": dict(r=2, lora_alpha=3, target_modules=["lm_head", "o_proj"]),
    "saved": dict(r=2, lora_alpha=4, target_modules=["o_proj"], modules_to_save=["lm_head"]),
    "bias-all": dict(r=2, lora_alpha=4, target_modules=["q_proj", "o_proj"], bias="all"),
    "bias-lora": dict(r=2, lora_alpha=4, target_modules=["q_proj", "o_proj"], bias="lora_only"),
}


def fill(name, shape):
    """Numbers from -1/4 to 1/4, of magnitudes from 1/2 to 1, as splitmix64 of the position
    and the name gives them: 16 bits each, which float32 holds exactly."""
    n = int(np.prod(shape))
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(48)).astype(np.float64) / 131072
    return torch.tensor((u + 0.5 if "magnitude" in name else u - 0.25).reshape(shape))


@torch.no_grad()
def case(base, kind):
    model = AutoModelForCausalLM.from_pretrained(MODELS / base, attn_implementation="eager", dtype=torch.float64).eval()
    config = LoraConfig(task_type="CAUSAL_LM", **KINDS[kind])
    if "target_modules" in KINDS[kind] and isinstance(KINDS[kind]["target_modules"], list):
        there = {n.split(".")[-1] for n, _ in model.named_modules()}
        config.target_modules = set(KINDS[kind]["target_modules"]) & there
        if not config.target_modules:
            return None
    model = get_peft_model(model, config, autocast_adapter_dtype=False).eval()
    saved = get_peft_model_state_dict(model, save_embedding_layers=False)
    if kind.startswith("bias") and not any(k.endswith("bias") for k in saved):
        return None
    values = {k: fill(k, tuple(v.shape)) for k, v in saved.items()}
    for key, p in model.named_parameters():
        name = key.replace(".default", "")
        if "lora_magnitude" in name:
            name = name.removesuffix(".weight")
        name = name.replace(".modules_to_save", "")
        if p.requires_grad:
            p.data = values.pop(name).double()
    assert not values, list(values)
    ids = torch.randint(3, 96, (1, 12), generator=generator("ids"))
    logits = model(ids, use_cache=False).logits[0, -2:]
    tied = model.config.tie_word_embeddings and kind in ("embed", "head", "saved")
    if not tied:  # of a tied weight, peft's merge changes both ends, its forward one
        merged = model.merge_and_unload(safe_merge=True)
        assert (merged(ids, use_cache=False).logits[0, -2:] - logits).abs().max() < 1e-9, (base, kind)
    text = {k: sorted(v) if isinstance(v, (set, list)) and k != "layers_to_transform" else v for k, v in config.to_dict().items() if k in KINDS[kind]}
    return dict(base=base, kind=kind, config=dict(text, peft_type="LORA"), tensors={k: list(v.shape) for k, v in saved.items()},
                logits=[float(np.float32(x)) for x in logits.flatten().tolist()])


def main():
    ids = torch.randint(3, 96, (1, 12), generator=generator("ids"))
    cases = [c for base in BASES for kind in KINDS if (c := case(base, kind))]
    print(len(cases), "cases")
    text = json.dumps(dict(made=f"reference/adapters_matrix.py, {VERSIONS}", ids=ids[0].tolist(), cases=cases), separators=(",", ":"))
    with open(OUT / "matrix.json.gz", "wb") as f, gzip.GzipFile("", "wb", 9, f, 0) as z:
        z.write(text.encode())


main()
