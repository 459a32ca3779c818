"""Writes the tiny random models and their goldens under internal/model/testdata.

For each architecture: NAME/config.json and NAME/model.safetensors (bf16) as
transformers saves them, NAME/golden.safetensors with what transformers computes
from them, and NAME.gguf with the same weights as llama.cpp's converter
lays them out (its q/k row order for llama, its +1 on Gemma's norms).

    python reference/model.py [NAME ...]

Needs torch, transformers, safetensors, gguf. Deterministic: run it twice and
git shows no change.
"""

import hashlib
import json
import pathlib
import sys

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForCausalLM
from transformers import BertConfig, Gemma2Config, Gemma3TextConfig, LlamaConfig
from transformers import MistralConfig, Phi3Config, Qwen2Config, Qwen3Config

OUT = pathlib.Path(__file__).parent.parent / "internal/model/testdata"
VERSIONS = f"torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}"
VOCAB, WIDTH, PROMPT = 96, 32, 40

DECODER = dict(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=4,
               num_key_value_heads=2, intermediate_size=48, max_position_embeddings=128,
               bos_token_id=1, eos_token_id=2, pad_token_id=0)

# Each configuration turns on what sets its architecture apart, with windows and
# original contexts small enough that a prompt of 40 tokens crosses them.
CONFIGS = {
    "llama": LlamaConfig(**DECODER, head_dim=16, attention_bias=True, mlp_bias=True, rope_parameters={
        "rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 32}),
    "mistral": MistralConfig(**DECODER, sliding_window=7),
    "qwen2": Qwen2Config(**DECODER, rope_parameters={"rope_type": "default", "rope_theta": 1000.0}),
    "qwen2-window": Qwen2Config(**DECODER, use_sliding_window=True, sliding_window=9, max_window_layers=1,
                                tie_word_embeddings=True),
    "qwen3": Qwen3Config(**DECODER, head_dim=32, tie_word_embeddings=True),
    "phi3": Phi3Config(**DECODER, original_max_position_embeddings=24, sliding_window=33, rope_parameters={
        "rope_type": "longrope", "rope_theta": 300.0, "partial_rotary_factor": 0.5,
        "short_factor": [1.0, 1.25], "long_factor": [1.5, 4.0]}),
    "gemma2": Gemma2Config(**DECODER, head_dim=16, sliding_window=6, query_pre_attn_scalar=24,
                           attn_logit_softcapping=3.0, final_logit_softcapping=2.0),
    "gemma3": Gemma3TextConfig(**(DECODER | dict(num_hidden_layers=7, intermediate_size=32, num_key_value_heads=1,
                                                 num_attention_heads=2)),
                               head_dim=16, sliding_window=6, query_pre_attn_scalar=24, rope_parameters={
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}}),
    "bert": BertConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2,
                       intermediate_size=64, max_position_embeddings=64),
}


def generator(*name):
    seed = int.from_bytes(hashlib.sha256("/".join(name).encode()).digest()[:6], "big")
    return torch.Generator().manual_seed(seed)


def randomise(name, model):
    """Weights large enough that every feature moves the logits well beyond 1e-4."""
    gemma = name.startswith("gemma")
    for key, p in model.named_parameters():
        r = torch.randn(p.shape, generator=generator(name, key))
        if "norm" in key.lower() and key.endswith("weight"):
            r = 0.2 * r + (0.0 if gemma else 1.0)
        elif p.dim() == 1:
            r = 0.2 * r
        elif "embed" in key:
            r = 0.1 * r
        else:
            gain = 2.0 if any(k in key for k in ("q_proj", "k_proj", "query", "key", "qkv")) else 1.2
            r = gain * r / p.shape[1] ** 0.5
        p.data = r.to(torch.bfloat16).float()


def f32(x):
    return x.detach().to(torch.float32).contiguous()


def golden(name, model):
    ids = torch.randint(3, VOCAB, (1, PROMPT), generator=generator(name, "ids"))
    out = {"ids": f32(ids[0])}
    meta = {"made": f"reference/model.py, {VERSIONS}"}
    if name == "bert":
        types = (torch.arange(PROMPT) >= 25).long()[None]
        got = model(ids, token_type_ids=types, output_hidden_states=True)
        out |= {"types": f32(types[0]), "mean": f32(got.last_hidden_state[0].mean(0))}
        short = model(ids[:, :11], output_hidden_states=True)
        out["short"] = f32(short.last_hidden_state[0])
    else:
        got = model(ids, output_hidden_states=True, use_cache=False)
        out["logits"] = f32(got.logits[0])
        out["short"] = f32(model(ids[:, :16], use_cache=False).logits[0])
        greedy = model.generate(ids, max_new_tokens=16, min_new_tokens=16, do_sample=False, eos_token_id=None)
        out["greedy"] = f32(greedy[0, PROMPT:])
    for i, h in enumerate(got.hidden_states):
        out[f"hidden.{i}"] = f32(h[0])
    save_file(out, OUT / name / "golden.safetensors", meta)


ARCHS = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3,
         "phi3": gguf.MODEL_ARCH.PHI3, "gemma2": gguf.MODEL_ARCH.GEMMA2, "gemma3": gguf.MODEL_ARCH.GEMMA3,
         "bert": gguf.MODEL_ARCH.BERT}


def permute(w, heads):
    """convert_hf_to_gguf.py, LlamaModel.permute."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def write_gguf(name, model):
    c = model.config
    arch = ARCHS[name]
    w = gguf.GGUFWriter(OUT / f"{name}.gguf", gguf.MODEL_ARCH_NAMES[arch])
    w.add_name(f"tiny {name}; reference/model.py, {VERSIONS}")
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_head_count(c.num_attention_heads)
    w.add_vocab_size(c.vocab_size)
    extra = {}
    if name == "bert":
        w.add_layer_norm_eps(c.layer_norm_eps)
        w.add_causal_attention(False)
        w.add_pooling_type(gguf.PoolingType.MEAN)
        w.add_token_type_count(c.type_vocab_size)
    else:
        w.add_head_count_kv(c.num_key_value_heads)
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
        dim = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
        w.add_key_length(dim)
        w.add_value_length(dim)
        rope = c.rope_parameters
        if name == "gemma3":
            w.add_rope_freq_base(rope["full_attention"]["rope_theta"])
            w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            w.add_rope_scaling_factor(rope["full_attention"]["factor"])
            w.add_rope_freq_base_swa(rope["sliding_attention"]["rope_theta"])
        else:
            w.add_rope_freq_base(rope["rope_theta"])
            dim = int(dim * rope.get("partial_rotary_factor", 1.0))
            w.add_rope_dimension_count(dim)
        if name == "llama":
            # LlamaModel.generate_extra_tensors: what each default frequency is divided by
            base = 1.0 / rope["rope_theta"] ** (torch.arange(0, dim, 2).float() / dim)
            extra["rope_freqs.weight"] = (base / model.model.rotary_emb.inv_freq).numpy()
        if name == "phi3":
            w.add_rope_scaling_orig_ctx_len(c.original_max_position_embeddings)
            factor = c.max_position_embeddings / c.original_max_position_embeddings
            w.add_rope_scaling_attn_factors(float(np.sqrt(1 + np.log(factor) / np.log(c.original_max_position_embeddings))))
            extra["rope_factors_long.weight"] = np.array(rope["long_factor"], np.float32)
            extra["rope_factors_short.weight"] = np.array(rope["short_factor"], np.float32)
        if name in ("phi3", "gemma2", "gemma3"):
            w.add_sliding_window(c.sliding_window)
        if name.startswith("gemma"):
            w.add_attention_scale(c.query_pre_attn_scalar ** -0.5)
        if name == "gemma2":
            w.add_attn_logit_softcapping(c.attn_logit_softcapping)
            w.add_final_logit_softcapping(c.final_logit_softcapping)
    names = gguf.get_tensor_name_map(arch, c.num_hidden_layers)
    for key, p in list(load_file(OUT / name / "model.safetensors").items()):
        if "pooler" in key:
            continue
        p = p.float().numpy()
        if name == "llama" and ("q_proj" in key or "k_proj" in key):
            p = permute(p, c.num_attention_heads if "q_proj" in key else c.num_key_value_heads)
        if name.startswith("gemma") and key.endswith("norm.weight"):
            p = p + 1
        to = names.get_name(key, try_suffixes=(".weight", ".bias"))
        assert to, key
        add(w, to, p)
    for key, p in extra.items():
        add(w, key, p)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def add(w, name, p):
    if p.ndim == 1 or name == "token_types.weight":
        w.add_tensor(name, p.astype(np.float32))
        return
    bf16 = gguf.quants.quantize(p.astype(np.float32), gguf.GGMLQuantizationType.BF16)
    w.add_tensor(name, bf16, raw_dtype=gguf.GGMLQuantizationType.BF16)


@torch.no_grad()
def main(only):
    for name, config in CONFIGS.items():
        if only and name not in only:
            continue
        auto = AutoModel if name == "bert" else AutoModelForCausalLM
        model = auto.from_config(config, attn_implementation="eager").eval()
        randomise(name, model)
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        model.to(torch.bfloat16).save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        # Read back what was written: the golden belongs to the file.
        # Products in f64, so that the machine's load does not show in the last bits.
        model = auto.from_pretrained(folder, attn_implementation="eager", dtype=torch.float64).eval()
        golden(name, model)
        if name in ARCHS:
            write_gguf(name, model)
        print(name, json.dumps({f.name: f.stat().st_size for f in sorted(folder.iterdir())}))


if __name__ == "__main__":
    main(sys.argv[1:])
