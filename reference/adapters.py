"""Writes PEFT adapters of the tiny models, and what PEFT computes with them, under
adapters/testdata.

Each NAME/ is an adapter as peft saves it. NAME.golden.safetensors holds, of the same
adapter, logits of a prompt ("ids"), and the update that peft's merge adds to the
weights of some modules ("delta.MODULE", [out, in]). NAME.gguf, where there is one, is
the adapter as llama.cpp's convert_lora_to_gguf.py lays it out: rows of B in llama's
q/k order, A of the table transposed, one alpha. targets.json has the modules that
configurations select, patterns.json what patterns match.

    python reference/adapters.py [targets] [NAME ...]

Needs torch, transformers, peft, safetensors, gguf, and the models that
reference/model.py writes. Deterministic.
"""

import hashlib
import json
import os
import pathlib
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy as np
import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from peft.utils.other import get_pattern_key
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).parent.parent
MODELS = ROOT / "internal/model/testdata"
OUT = ROOT / "adapters/testdata"
VERSIONS = f"peft {peft.__version__}, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}"
ATTN = ["q_proj", "k_proj", "v_proj", "o_proj"]

# name -> model, storage type, modules whose update is kept, configuration
VARIANTS = {
    "lora": ("llama", torch.float32, ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.k_proj"],
             dict(r=4, lora_alpha=8, target_modules=ATTN)),
    "rslora": ("llama", torch.float16, ["model.layers.1.mlp.down_proj"],
               dict(r=3, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "down_proj"])),
    "patterns": ("qwen3", torch.bfloat16, ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj",
                                           "model.layers.1.self_attn.o_proj", "model.layers.0.mlp.up_proj"],
                 dict(r=4, lora_alpha=8, target_modules=r".*\.(q_proj|o_proj|up_proj)",
                      rank_pattern={r"layers\.1\.self_attn\.q_proj": 2, "q_proj": 3, "^model.layers.0.mlp.up_proj": 1},
                      alpha_pattern={"o_proj": 5, r"layers.0.self_attn.q_proj": 7.5})),
    "dora": ("qwen2", torch.float32, ["model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"],
             dict(r=4, lora_alpha=6, use_dora=True, target_modules=["q_proj", "v_proj", "down_proj"])),
    "all-linear": ("gemma2", torch.bfloat16, ["model.layers.1.mlp.gate_proj"],
                   dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "fused": ("phi3", torch.float32, ["model.layers.0.self_attn.qkv_proj", "model.layers.1.mlp.gate_up_proj"],
              dict(r=3, lora_alpha=4, target_modules=["qkv_proj", "gate_up_proj", "o_proj"])),
    "fused-dora": ("phi3", torch.float32, ["model.layers.1.self_attn.qkv_proj"],
                   dict(r=2, lora_alpha=4, use_dora=True, target_modules=["qkv_proj"])),
    "ends": ("gemma3", torch.float32, ["model.embed_tokens", "lm_head"],
             dict(r=2, lora_alpha=3, target_modules=["embed_tokens", "lm_head", "o_proj"], layers_to_transform=None)),
    "embed": ("llama", torch.float32, ["model.embed_tokens"],
              dict(r=2, lora_alpha=3, target_modules=["embed_tokens", "k_proj"])),
    "saved": ("llama", torch.float16, [], dict(r=2, lora_alpha=4, target_modules=["v_proj"], modules_to_save=["lm_head"])),
    "bias-all": ("llama", torch.float32, [], dict(r=2, lora_alpha=4, target_modules=["q_proj", "up_proj"], bias="all")),
    "bias-lora": ("qwen2", torch.float32, [], dict(r=2, lora_alpha=4, target_modules=["q_proj"], bias="lora_only")),
    "layers": ("mistral", torch.float32, ["model.layers.1.self_attn.v_proj"],
               dict(r=2, lora_alpha=1, target_modules=["v_proj"], layers_to_transform=[1], layers_pattern="layers",
                    exclude_modules=["mlp"])),
    "other": ("llama", torch.float32, ["model.layers.1.mlp.up_proj"],
              dict(r=4, lora_alpha=6, target_modules=["q_proj", "v_proj", "up_proj"])),  # to be mixed with lora; float32, since of equal numbers peft keeps any
}


def generator(*name):
    seed = int.from_bytes(hashlib.sha256("/".join(name).encode()).digest()[:6], "big")
    return torch.Generator().manual_seed(seed)


def randomise(name, model, dtype):
    """Sets whatever is trained to numbers that dtype holds exactly."""
    for key, p in model.named_parameters():
        if not p.requires_grad:
            continue
        r = torch.randn(p.shape, generator=generator(name, key), dtype=torch.float32)
        if "magnitude" in key:
            r = p.data.float() * (1 + 0.2 * r)
        elif "modules_to_save" in key or key.endswith("bias"):
            r = p.data.float() + 0.1 * r
        else:
            r = 0.5 * r / p.shape[-1] ** 0.5
        p.data = r.to(dtype).double()


@torch.no_grad()
def write(name):
    base, dtype, modules, config = VARIANTS[name]
    model = AutoModelForCausalLM.from_pretrained(MODELS / base, attn_implementation="eager", dtype=torch.float64).eval()
    before = {k.removesuffix(".weight"): v.clone() for k, v in model.state_dict().items()}
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **config), autocast_adapter_dtype=False).eval()
    randomise(name, model, dtype)
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    file = folder / "adapter_model.safetensors"
    save_file({k: v.to(dtype).contiguous() for k, v in load_file(file).items()}, file, {"format": "pt"})
    path = folder / "adapter_config.json"
    text = json.loads(path.read_text())
    text["base_model_name_or_path"] = f"tiny/{base}"
    for key in ("target_modules", "modules_to_save"):  # sets, in any order
        if isinstance(text[key], list):
            text[key].sort()
    path.write_text(json.dumps(text, indent=2) + "\n")

    ids = torch.randint(3, 96, (1, 12), generator=generator("ids"))
    logits = model(ids, use_cache=False).logits
    out = {"ids": ids[0].float(), "logits": logits[0].float()}
    if name == "ends":  # peft merges both updates into the one tied weight: its merge is not its forward
        for module in modules:
            layer = model.base_model.model.get_submodule(module)
            out["delta." + module] = layer.get_delta_weight("default").float().contiguous()
        modules = []
    merged = model.merge_and_unload(safe_merge=True)
    assert name == "ends" or (merged(ids, use_cache=False).logits - logits).abs().max() < 1e-9, name
    after = merged.state_dict()
    for module in modules:
        out["delta." + module] = (after[module + ".weight"] - before[module]).float().contiguous()
    save_file(out, OUT / f"{name}.golden.safetensors", {"made": f"reference/adapters.py, {VERSIONS}"})
    if name in ("lora", "rslora", "embed", "fused"):
        write_gguf(name, base, merged.config)


TARGETS = [
    ("llama", dict(target_modules=["q_proj", "v_proj"])),
    ("llama", dict(target_modules=["proj", "mlp.up_proj", "model.layers.1.self_attn.k_proj"])),
    ("llama", dict(target_modules="all-linear")),
    ("gemma3", dict(target_modules="ALL-linear")),
    ("phi3", dict(target_modules="all-linear")),
    ("llama", dict(target_modules=r".*\.layers\.0\..*(q|k)_proj")),
    ("llama", dict(target_modules=r"q_proj|.*\.up_proj")),
    ("llama", dict(target_modules=["q_proj", "up_proj"], exclude_modules=["layers.1.self_attn.q_proj"])),
    ("llama", dict(target_modules=["q_proj", "up_proj"], exclude_modules=r".*layers\.0.*")),
    ("gemma3", dict(target_modules=["o_proj", "down_proj"], layers_to_transform=[1, 5])),
    ("gemma3", dict(target_modules=["o_proj"], layers_to_transform=3, layers_pattern="layers")),
    ("gemma3", dict(target_modules=["o_proj", "lm_head"], layers_to_transform=[3], layers_pattern=["h", "layers"])),
    ("qwen3", dict(target_modules=["lm_head", "embed_tokens"], modules_to_save=["lm_head"])),
    ("qwen3", dict(target_modules=["lm_head", "embed_tokens"])),
]


PATTERNS = ["q_proj", "_proj", "self_attn.q_proj", r"self_attn\.(q|k)_proj", "^model.layers.1.mlp.up_proj", "^layers.0",
            r"layers\.[01]\.mlp\.up_proj", "l.yers.1.self_attn.k_proj", "model.layers.0.self_attn.q_proj", "proj|up_proj", ""]
PATHS = ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.k_proj", "model.layers.1.mlp.up_proj", "q_proj", "xq_proj", "lm_head"]


def targets():
    """Which modules peft puts an adapter on, and which patterns match which."""
    matches = {p: [x for x in PATHS if get_pattern_key([p], x) == p] for p in PATTERNS}
    (OUT / "patterns.json").write_text(json.dumps(dict(paths=PATHS, matches=matches), indent=1) + "\n")
    cases = []
    for base, config in TARGETS:
        model = AutoModelForCausalLM.from_pretrained(MODELS / base)
        order = [n for n, m in model.named_modules()]
        model = get_peft_model(model, LoraConfig(r=2, **config))
        found = {n for n, m in model.base_model.model.named_modules() if isinstance(m, peft.tuners.lora.LoraLayer)}
        want = [n for n in order if n in found]
        cases.append(dict(model=base, config=config, want=want))
    (OUT / "targets.json").write_text(json.dumps(cases, indent=1) + "\n")


def permute(w, heads):
    """convert_hf_to_gguf.py, LlamaModel.permute."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def write_gguf(name, base, c):
    arch = {"llama": gguf.MODEL_ARCH.LLAMA, "phi3": gguf.MODEL_ARCH.PHI3}[base]
    config = json.loads((OUT / name / "adapter_config.json").read_text())
    w = gguf.GGUFWriter(OUT / f"{name}.gguf", gguf.MODEL_ARCH_NAMES[arch])
    w.add_type("adapter")
    w.add_string("adapter.type", "lora")
    rs = config["r"] ** 0.5 if config["use_rslora"] else 1
    w.add_float32("adapter.lora.alpha", config["lora_alpha"] * rs)
    w.add_name(f"tiny {name}; reference/adapters.py, {VERSIONS}")
    names = gguf.get_tensor_name_map(arch, c.num_hidden_layers)
    for key, p in load_file(OUT / name / "adapter_model.safetensors").items():
        module, _, part = key.removeprefix("base_model.model.").rpartition(".lora_")
        if not module:
            continue  # the copy of the table
        p = p.numpy()
        a = part.removeprefix("embedding_")[0] == "A"
        if base == "llama" and not a and module.endswith(("q_proj", "k_proj")):
            p = permute(p, c.num_attention_heads if module.endswith("q_proj") else c.num_key_value_heads)
        if a and module.endswith("embed_tokens"):
            p = p.T
        to = names.get_name(module + ".weight", try_suffixes=(".weight",))
        w.add_tensor(f"{to}.lora_{'a' if a else 'b'}", np.ascontiguousarray(p))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    if not sys.argv[1:] or "targets" in sys.argv:
        targets()
    for name in [n for n in sys.argv[1:] if n != "targets"] or (VARIANTS if "targets" not in sys.argv else []):
        write(name)
        print(name, sum(f.stat().st_size for f in OUT.glob(f"{name}*/*")), [(f.name, f.stat().st_size) for f in OUT.glob(f"{name}.*")])
