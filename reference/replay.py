"""Writes what PyTorch and PEFT compute on the batches of `graft train replay`, under
internal/app/replay/testdata/NAME: init (the adapter to begin with), config.json and
batches.json, which graft reads; losses.json, grads.safetensors and final, which it must
come to.

    python reference/replay.py                # the cases of the tests
    python reference/replay.py --model FILE.gguf|FOLDER --out DIR [--steps N]   # one of a real model, in float32

Needs torch, transformers, peft, safetensors, and the models that reference/model.py
writes. Deterministic. The tiny models compute in float64.
"""

import argparse
import json
import os
import pathlib
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, get_constant_schedule, get_cosine_schedule_with_warmup

ROOT = pathlib.Path(__file__).parent.parent
MODELS = ROOT / "internal/model/testdata"
OUT = ROOT / "internal/app/replay/testdata"
VERSIONS = f"peft {peft.__version__}, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}"
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
ALL = ATTENTION + ["gate_proj", "up_proj", "down_proj"]
# name: model, LoraConfig, what differs from the usual settings, side of the padding (none: rows of one length)
CASES = {
    "lora": ("llama", dict(r=4, lora_alpha=8, target_modules=ALL), {}, "right"),
    "lora-left": ("qwen2", dict(r=4, lora_alpha=4, target_modules=ATTENTION), dict(schedule="constant", max_grad_norm=None, weight_decay=0.0), "left"),
    "rslora": ("gemma3", dict(r=4, lora_alpha=4, target_modules=ATTENTION, use_rslora=True), dict(max_grad_norm=0.05), "right"),
    "dora": ("qwen3", dict(r=4, lora_alpha=8, target_modules=ATTENTION, use_dora=True), {}, "right"),
    "fused": ("phi3", dict(r=4, lora_alpha=8, target_modules=["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]), {}, "right"),
    "window": ("mistral", dict(r=4, lora_alpha=8, target_modules=ALL), {}, "right"),
    # Without padding: eager attention, which gemma2 needs, has no numbers for rows of nothing else.
    "softcap": ("gemma2", dict(r=4, lora_alpha=8, target_modules=ALL), {}, ""),
}
STEPS, ROWS, WIDTH = 12, 3, 20


def batches(vocab, steps, rows, width, side, free):
    g = torch.Generator().manual_seed(7)
    out = []
    for _ in range(steps):
        b = {"ids": [], "labels": [], "mask": []}
        for r in range(rows):
            n = int(torch.randint(width // 2, width + 1, (1,), generator=g)) if side else width
            ids = torch.randint(3, vocab, (n,), generator=g).tolist()
            labels = [t if i >= n // 3 else -100 for i, t in enumerate(ids)]
            if free and r == 0:  # labels need not be the tokens
                labels[-1] = 3 + (labels[-1] + 1) % (vocab - 3)
            pad = width - n
            fill = lambda row, v: [v] * pad + row if side == "left" else row + [v] * pad
            b["ids"].append(fill(ids, 0))
            b["labels"].append(fill(labels, -100))
            b["mask"].append(fill([1] * n, 0))
        out.append(b)
    return out


def disk(name):
    return name.replace(".default", "").replace("lora_magnitude_vector.weight", "lora_magnitude_vector")


def write(model, lora, settings, data, out, start=None):
    """Writes a case, and returns the parameters that it begins with: start, where they are given."""
    shutil.rmtree(out, ignore_errors=True)
    torch.manual_seed(5)
    net = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **lora), autocast_adapter_dtype=False).train()
    params = {k: p for k, p in net.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for k, p in params.items():
            if "lora_B" in k:
                p.normal_(std=0.05)
            if "magnitude" in k:
                p.mul_(1 + 0.1 * torch.rand_like(p))
    for k, p in params.items():  # graft reads float32
        p.data = (p.data if start is None else start[k]).float().to(model.dtype)
    begin = {k: p.detach().clone() for k, p in params.items()}
    out.mkdir(parents=True)
    save_adapter(net, out / "init")
    c = dict(lora=dict(lora, lora_dropout=0.0), optimizer="AdamW", betas=[0.9, 0.95], eps=1e-8, lr=5e-3, weight_decay=0.1, schedule="cosine", max_grad_norm=1.0, steps=len(data), batch_size=len(data[0]["ids"]))
    c.update(settings)
    (out / "config.json").write_text(json.dumps(c, indent=1) + "\n")
    (out / "batches.json").write_text(json.dumps(data, separators=(",", ":")) + "\n")
    opt = torch.optim.AdamW(params.values(), lr=c["lr"], betas=c["betas"], eps=c["eps"], weight_decay=c["weight_decay"])
    sched = get_cosine_schedule_with_warmup(opt, 0, c["steps"]) if c["schedule"] == "cosine" else get_constant_schedule(opt)
    result = {"loss": [], "grad_norm": []}
    for i, b in enumerate(data):
        loss = net(input_ids=torch.tensor(b["ids"]), attention_mask=torch.tensor(b["mask"]), labels=torch.tensor(b["labels"]), use_cache=False).loss
        opt.zero_grad()
        loss.backward()
        if i == 0:
            save_file({disk(k): p.grad.float().contiguous() for k, p in params.items()}, out / "grads.safetensors", {"made": f"reference/replay.py, {VERSIONS}"})
        norm = torch.nn.utils.clip_grad_norm_(params.values(), c["max_grad_norm"] or float("inf"))
        result["loss"].append(loss.item())
        result["grad_norm"].append(norm.item())
        opt.step()
        sched.step()
    (out / "losses.json").write_text(json.dumps(dict(result, made=f"reference/replay.py, {VERSIONS}")) + "\n")
    save_adapter(net, out / "final")
    print(out.name, result["loss"][0], result["loss"][-1], result["grad_norm"][:3])
    return begin


def save_adapter(net, folder):
    state = {k: v.float() for k, v in peft.get_peft_model_state_dict(net).items()}
    net.save_pretrained(folder, state_dict=net.state_dict())
    save_file(state, folder / "adapter_model.safetensors", {"format": "pt"})
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = None  # a path of the machine that wrote it
    config["target_modules"] = sorted(config["target_modules"])
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", type=pathlib.Path)
    p.add_argument("--out", type=pathlib.Path)
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--dora", action="store_true")
    a = p.parse_args()
    if a.model:
        folder, file = (a.model, None) if a.model.is_dir() else (a.model.parent, a.model.name)
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
        lora = dict(r=16, lora_alpha=16, target_modules=ATTENTION, use_dora=a.dora)
        write(model, lora, dict(lr=5e-4), batches(model.config.vocab_size, a.steps, 4, 64, "right", False), a.out)
        return
    for name, (base, lora, settings, side) in CASES.items():
        model = AutoModelForCausalLM.from_pretrained(MODELS / base, attn_implementation="eager" if base == "gemma2" else "sdpa", dtype=torch.float64)
        write(model, lora, settings, batches(model.config.vocab_size, STEPS, ROWS, WIDTH, side, name == "lora"), OUT / name)


if __name__ == "__main__":
    main()
