"""Draws small models and adapters, trains them with PyTorch and PEFT, and writes what
`graft train replay` must come to: `GRAFT_TEST_PYTHON=PYTHON go test ./internal/app/replay
-run Random` makes and compares them.

    python reference/replay_random.py DIR COUNT [SEED]

DIR/SEED/base is the model, DIR/SEED/single the same training in float32, which tells how
far rounding alone leads, the rest as reference/replay.py writes it. Drawn are the
architecture, sizes of heads, groups, biases, ropes and windows; the modules with their
ranks, alphas and layers; rsLoRA, DoRA; steps, rows, labels and every setting. Needs
torch, transformers, peft and safetensors. Deterministic for a SEED and its versions.
"""

import pathlib
import random
import sys

import torch
import transformers

import replay

LLAMA_ROPES = [
    dict(rope_type="default", rope_theta=10000.0),
    dict(rope_type="linear", rope_theta=5000.0, factor=2.0),
    dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32),
]


def base(r, arch):
    size, kv = r.choice([16, 24, 32]), r.choice([1, 2, 3])
    heads = kv * r.choice([1, 2, 3])
    c = dict(
        vocab_size=r.choice([97, 128, 300]), hidden_size=r.choice([2, 3]) * heads * 16, intermediate_size=r.choice([40, 96, 128]),
        num_hidden_layers=r.choice([2, 3]), num_attention_heads=heads, num_key_value_heads=kv, head_dim=size, max_position_embeddings=256,
        tie_word_embeddings=r.random() < 0.5, rms_norm_eps=r.choice([1e-5, 1e-6]), pad_token_id=0, bos_token_id=1, eos_token_id=2)
    if arch in ("qwen2", "phi3"):  # their heads are what the width leaves
        c["hidden_size"] = heads * c.pop("head_dim")
    if arch == "llama":
        c.update(rope_parameters=r.choice(LLAMA_ROPES), attention_bias=r.random() < 0.3, mlp_bias=r.random() < 0.3)
    if arch == "mistral":
        c.update(sliding_window=r.choice([8, None]))
    if arch.startswith("gemma"):
        c.update(sliding_window=8, query_pre_attn_scalar=size, tie_word_embeddings=True)
    if arch == "gemma2":
        c.update(attn_logit_softcapping=20.0, final_logit_softcapping=10.0)
    model = transformers.AutoModelForCausalLM.from_config(transformers.CONFIG_MAPPING[arch](**c), attn_implementation="eager" if arch == "gemma2" else "sdpa", dtype=torch.float64)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 2:
                p.normal_(0, r.choice([0.05, 0.1, 0.2]))
            elif "norm" in name:
                p.add_(torch.randn_like(p) * 0.2)
            else:
                p.normal_(0, 0.1)
            p.data = p.data.float().double()  # graft reads float32
    return model


def adapter(r, arch):
    modules = replay.ALL if arch != "phi3" else ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
    lora = dict(r=r.randint(1, 12), lora_alpha=r.choice([4, 7, 8, 16]), use_rslora=r.random() < 0.3, use_dora=r.random() < 0.3)
    kind = r.random()
    if kind < 0.3:
        return dict(lora, target_modules="all-linear")
    if kind < 0.4:
        return dict(lora, target_modules=r".*layers\.[01]\.(self_attn|mlp)\.(o_proj|down_proj)")
    some = r.sample(modules, r.randint(1, len(modules)))
    if r.random() < 0.3:
        lora["rank_pattern"] = {some[0]: r.randint(1, 9)}
    if r.random() < 0.3:
        lora["alpha_pattern"] = {some[-1]: r.randint(1, 30)}
    if r.random() < 0.2:
        lora["layers_to_transform"] = [1]
    return dict(lora, target_modules=some)


def batches(r, vocab, padded):
    out, rows = [], r.choice([1, 2, 3])
    for _ in range(r.randint(1, 5)):
        b = {"ids": [], "labels": [], "mask": []}
        lengths = [r.randint(2, 40) for _ in range(rows)] if padded else [r.randint(2, 40)] * rows
        for n in lengths:
            ids = [r.randrange(3, vocab) for _ in range(n)]
            pad = max(lengths) - n
            b["ids"].append(ids + [0] * pad)
            b["labels"].append([v if i == 1 or r.random() < 0.6 else -100 for i, v in enumerate(ids)] + [-100] * pad)
            b["mask"].append([1] * n + [0] * pad)
        out.append(b)
    return out


def main(folder, count, first=1):
    for seed in range(first, first + count):
        r = random.Random(seed)
        torch.manual_seed(seed)
        arch = r.choice(["llama", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "gemma3_text"])
        model = base(r, arch)
        out = folder / str(seed)
        settings = dict(
            betas=[r.choice([0.9, 0.8]), r.choice([0.999, 0.95])], eps=r.choice([1e-8, 1e-6]), lr=r.choice([1e-3, 1e-2]), weight_decay=r.choice([0, 0.01, 0.1]),
            schedule=r.choice(["constant", "cosine"]), max_grad_norm=r.choice([None, 1.0, 0.1]))
        # Eager attention, which gemma2 needs, has no numbers for rows of nothing but padding.
        data, lora = batches(r, model.config.vocab_size, arch != "gemma2"), adapter(r, arch)
        print(arch, lora, settings)
        weights = {k: v.float() for k, v in model.state_dict().items()}
        start = replay.write(model, lora, settings, data, out)
        model = type(model)._from_config(model.config, attn_implementation=model.config._attn_implementation, dtype=torch.float32)
        model.load_state_dict(weights)
        model.save_pretrained(out / "base")
        replay.write(model, lora, settings, data, out / "single", start)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:]))
