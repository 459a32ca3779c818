"""Writes what PyTorch and PEFT compute when they train adapters of the tiny models,
under training/testdata.

NAME.safetensors holds, for a model of internal/model/testdata, four sequences
("ids.N") with the weight of each token as a target ("weights.N"); parameters of an
adapter of all its projections ("A.MODULE", "B.MODULE", with DoRA "M.MODULE"); the loss Σ weight*nll /
Σ weight over all four ("loss") and its gradients ("gA.MODULE", …); then, from
the same A, B = 0 and M as PEFT begins, losses and gradient norms of twenty steps of AdamW, each on
two of the sequences ("steps.loss", "steps.norm", "steps.lr"), and parameters after
them ("end.A.MODULE", …, of some modules).

llama-q4_1.gguf is the tiny llama with its matrices in Q4_1 (but for down_proj, whose
rows are no whole blocks), and llama-q4_1.safetensors
what is computed with the numbers that they dequantise to.

dpo.safetensors holds, for the llama, the loss of two pairs, sequences 0 and 1 and
sequences 2 and 3 of llama.safetensors, with beta 0.3, and its gradients; the base is
the reference.

    python reference/training.py [NAME ...]

Needs torch, transformers, peft, safetensors, gguf, and the models that
reference/model.py writes. Deterministic. Sums in float64 but where transformers
itself casts to float32.
"""

import os
import pathlib
import shutil
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import gguf
import numpy as np
import peft
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup

import model as tiny

ROOT = pathlib.Path(__file__).parent.parent
MODELS = ROOT / "internal/model/testdata"
OUT = ROOT / "training/testdata"
VERSIONS = f"peft {peft.__version__}, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}"
RANK, ALPHA, STEPS = 3, 6, 20
LENGTHS = [23, 9, 30, 17]
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TARGETS = {name: LINEARS for name in ("llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3")}
TARGETS["phi3"] = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
TARGETS["llama"] = LINEARS + ["lm_head"]
TARGETS["qwen2-dora"] = LINEARS
TARGETS["phi3-dora"] = TARGETS["phi3"]
TARGETS["llama-q4_1"] = ["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"]
Q4_1 = gguf.GGMLQuantizationType.Q4_1


def quantised(p):
    return gguf.quants.quantize(np.ascontiguousarray(p, np.float32), Q4_1)


def write_quantised():
    """The tiny llama as GGUF with all matrices in Q4_1 whose rows are whole blocks."""
    plain = tiny.add

    def add(w, name, p):
        if p.ndim == 1 or p.shape[1] % 32:
            plain(w, name, p)
        else:
            w.add_tensor(name, quantised(p), raw_dtype=Q4_1)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(MODELS / "llama", folder / "llama")
        tiny.OUT, tiny.add = folder, add
        tiny.write_gguf("llama", AutoModelForCausalLM.from_pretrained(folder / "llama"))
        shutil.move(folder / "llama.gguf", OUT / "llama-q4_1.gguf")


def load(name):
    base = AutoModelForCausalLM.from_pretrained(MODELS / name.removesuffix("-q4_1").removesuffix("-dora"), attn_implementation="eager", dtype=torch.float64)
    if name.endswith("q4_1"):
        for p in base.parameters():
            if p.dim() == 2 and p.shape[1] % 32 == 0:
                p.data = torch.from_numpy(gguf.quants.dequantize(quantised(p.detach().numpy()), Q4_1)).double()
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS[name], use_dora=name.endswith("dora"), task_type="CAUSAL_LM")
    return peft.get_peft_model(base, config).train()


def loss_of(model, sequences):
    """Each sequence alone: Phi-3 chooses its rope by the longest of a batch."""
    total, weight = 0.0, 0.0
    for ids, w in sequences:
        logits = model(input_ids=ids[None], use_cache=False).logits[0].double()
        nll = torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="none")
        total = total + (w[1:] * nll).sum()
        weight += w[1:].sum()
    return total / weight


def log_prob(model, sequence):
    ids, w = sequence
    logits = model(input_ids=ids[None], use_cache=False).logits[0].double()
    return -(w[1:] * torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="none")).sum()


def write_dpo(model, params, sequences):
    with torch.no_grad(), model.disable_adapter():
        base = [log_prob(model, s) for s in sequences]
    gain = [log_prob(model, s) - r for s, r in zip(sequences, base)]
    margins = 0.3 * torch.stack([gain[0] - gain[1], gain[2] - gain[3]])
    loss = -torch.nn.functional.logsigmoid(margins).mean()
    loss.backward()
    out = {"loss": loss.detach().float()[None], "margins": margins.detach().float()}
    for key, p in params.items():
        out["g" + kind(key) + module(key)] = p.grad.float()
        p.grad = None
    save_file(out, OUT / "dpo.safetensors", {"made": f"reference/training.py, {VERSIONS}"})
    print("dpo", loss.item(), margins)


def kind(key):
    """A and B, or M for the magnitudes of DoRA."""
    return "M." if "magnitude" in key else "A." if "lora_A" in key else "B."


def module(key):
    return key.removeprefix("base_model.model.").split(".lora_")[0]


def main(only):
    OUT.mkdir(parents=True, exist_ok=True)
    for name in TARGETS:
        if only and name not in only:
            continue
        if name == "llama-q4_1":
            write_quantised()
        model = load(name)
        out, sequences = {}, []
        for i, n in enumerate(LENGTHS):
            ids = torch.randint(3, tiny.VOCAB, (n,), generator=tiny.generator(name, "train", str(i)))
            w = torch.tensor([0.0, 1.0, 1.0, 0.5])[torch.randint(0, 4, (n,), generator=tiny.generator(name, "weights", str(i)))]
            w[0] = 0
            sequences.append((ids, w.double()))
            out[f"ids.{i}"], out[f"weights.{i}"] = ids.float(), w
        params = {k: p for k, p in model.named_parameters() if p.requires_grad}
        first = {}
        for key, p in params.items():
            r = torch.rand(p.shape, generator=tiny.generator(name, key)) * 2 - 1
            first[key] = torch.zeros_like(p)
            if kind(key) == "M.":
                first[key] = p.data.clone()
                p.data = p.data * (1 + 0.2 * r).double()
            else:
                p.data = (r / p.shape[1] ** 0.5 * (1.0 if "lora_A" in key else 0.3)).double()
            if kind(key) == "A.":
                first[key] = p.data.clone()
            p.data = p.data.float().double()
            out[kind(key) + module(key)] = p.data.float()
        if name == "llama":
            write_dpo(model, params, sequences)
        loss = loss_of(model, sequences)
        loss.backward()
        out["loss"] = loss.detach().float()[None]
        for key, p in params.items():
            out["g" + kind(key) + module(key)] = p.grad.float()
            p.data = first[key]

        optimiser = torch.optim.AdamW(params.values(), lr=5e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
        schedule = get_cosine_schedule_with_warmup(optimiser, 0, STEPS)
        losses, norms, rates = [], [], []
        for step in range(STEPS):
            optimiser.zero_grad()
            loss = loss_of(model, [sequences[step % 4], sequences[(step + 1) % 4]])
            loss.backward()
            norms.append(torch.nn.utils.clip_grad_norm_(params.values(), 1.0).item())
            losses.append(loss.item())
            rates.append(schedule.get_last_lr()[0])
            optimiser.step()
            schedule.step()
        out["steps.loss"], out["steps.norm"], out["steps.lr"] = map(torch.tensor, (losses, norms, rates))
        for key, p in params.items():
            if "layers.0." in key and any(k in key for k in ("q_proj", "qkv_proj", "down_proj")) or "lm_head" in key:
                out["end." + kind(key) + module(key)] = p.data.float()
        out = {k: v.detach().float().contiguous() for k, v in out.items()}
        save_file(out, OUT / f"{name}.safetensors", {"made": f"reference/training.py, {VERSIONS}"})
        print(name, losses[0], losses[-1], max(norms))


if __name__ == "__main__":
    main(sys.argv[1:])
