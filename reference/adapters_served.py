"""Writes adapters/testdata/served.golden.safetensors: logits of the last positions of
a prompt ("ids") with adapters that reference/adapters.py wrote, not merged.

"NAME.rounded" has A and B of float32 rounded to eleven significant bits, as graft
keeps them. "BASE.ADAPTER WEIGHT, ….mix" has several adapters active at once,

    y = base(x) + sum of weight * (y_adapter(x) - base(x))

in every module, where y_adapter is what peft's own layer computes with that adapter
alone. Where peft can have them active together (LoRA of linear layers and tables), its
set_adapter, with the weights as factors on its scales, must say the same.
"NAME.q4_1" has the weights of the base quantised to Q4_1 and back by gguf, those whose
rows are whole blocks. Peft would put the copy of the table that it stores beside an
adapter of it in the place of the quantised one: that is undone.

    python reference/adapters_served.py

Needs torch, transformers, peft, safetensors, gguf. Deterministic.
"""

import copy

import gguf
import torch
from gguf import quants
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from adapters import MODELS, OUT, VARIANTS, VERSIONS, generator

LAST = 4  # positions
MIXES = [
    ("llama", [("lora", 0.7), ("other", -0.5)]),
    ("llama", [("lora", 1), ("other", 1), ("embed", 1)]),
    ("llama", [("rslora", 0.25)]),
    ("llama", [("lora", 0), ("rslora", 1.5)]),
    ("llama", [("lora", 0.5), ("saved", 0.75), ("bias-all", 2)]),
    ("llama", [("bias-all", -1), ("embed", 2), ("saved", -0.5)]),
    ("qwen2", [("dora", 0.6), ("bias-lora", -1)]),
    ("qwen2", [("bias-lora", 1), ("dora", 1), ("dora", 0.5)]),
    ("phi3", [("fused", 0.5), ("fused-dora", 1.5)]),
    ("gemma3", [("ends", 0.5)]),
]
QUANTISED = ["lora", "rslora", "embed", "saved"]
TOGETHER = {"lora", "other", "embed", "rslora"}  # which peft can have active at once


def base_of(name):
    return AutoModelForCausalLM.from_pretrained(MODELS / name, attn_implementation="eager", dtype=torch.float64).eval()


def double(model):
    """Stored in less, computed in double."""
    for p in model.parameters():
        p.data = p.data.double()
    return model


def adapted(base, *names):
    """A copy of base with adapters "0", "1", …"""
    model = PeftModel.from_pretrained(copy.deepcopy(base), OUT / names[0], "0", autocast_adapter_dtype=False).eval()
    for i, name in enumerate(names[1:], 1):
        model.load_adapter(OUT / name, str(i), autocast_adapter_dtype=False)
    return double(model)


def logits(model, ids):
    return model(ids, use_cache=False).logits[0, -LAST:]


class Mixed(torch.nn.Module):
    def __init__(self, base, parts):
        super().__init__()
        self.base, self.parts = base, parts

    @property
    def weight(self):
        return self.base.weight

    def forward(self, x):
        y = base = self.base(x)
        for module, weight in self.parts:
            y = y + weight * (module(x) - base)
        return y


def mixed(base, uses, ids):
    models = [(adapted(base, name).base_model.model, weight) for name, weight in uses]
    model = copy.deepcopy(base)
    for name, module in list(model.named_modules()):
        if isinstance(module, (torch.nn.Linear, torch.nn.Embedding)):
            parent, _, last = name.rpartition(".")
            parts = [(m.get_submodule(name), weight) for m, weight in models]
            setattr(model.get_submodule(parent), last, Mixed(module, parts))
    out = logits(model, ids)
    if {name for name, _ in uses} <= TOGETHER:
        together = adapted(base, *(name for name, _ in uses))
        together.base_model.set_adapter([str(i) for i in range(len(uses))])
        for layer in together.modules():
            for i, (_, weight) in enumerate(uses):
                if isinstance(layer, LoraLayer) and str(i) in layer.scaling:
                    layer.scaling[str(i)] *= weight
        assert (logits(together, ids) - out).abs().max() < 1e-9, uses
    return out


def eleven_bits(x):
    mantissa, exponent = torch.frexp(x)
    return torch.ldexp(torch.round(mantissa * 2048), exponent - 11)  # ties to even


def quantise(model):
    for module in model.modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Embedding)) and module.weight.shape[1] % 32 == 0:
            kind = gguf.GGMLQuantizationType.Q4_1
            stored = quants.quantize(module.weight.detach().float().numpy(), kind)
            module.weight.data = torch.from_numpy(quants.dequantize(stored, kind)).double()


@torch.no_grad()
def main():
    ids = torch.randint(3, 96, (1, 12), generator=generator("ids"))
    out = {"ids": ids[0].float()}
    for name, (base, dtype, _, config) in VARIANTS.items():
        if dtype != torch.float32 or config.get("use_dora"):
            continue  # 16 bits stay; the norm of DoRA is that of the numbers of the file
        model = adapted(base_of(base), name)
        for key, p in model.named_parameters():
            if "lora_" in key:
                p.data = eleven_bits(p.data)
        out[name + ".rounded"] = logits(model, ids)
    for base, uses in MIXES:
        out[base + "." + ", ".join(f"{name} {weight}" for name, weight in uses) + ".mix"] = mixed(base_of(base), uses, ids)
    for name in QUANTISED:
        base = base_of("llama")
        quantise(base)
        model = adapted(base, name)
        table = model.base_model.model.model.embed_tokens
        getattr(table, "base_layer", table).weight.data = base.model.embed_tokens.weight.data
        out[name + ".q4_1"] = logits(model, ids)
    save_file({k: v.float().contiguous() for k, v in out.items()}, OUT / "served.golden.safetensors",
              {"made": f"reference/adapters_served.py, {VERSIONS}"})
    print(len(out), "tensors")


main()
