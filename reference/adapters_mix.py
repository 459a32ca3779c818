"""Writes adapters/testdata/mix.golden.safetensors: what peft's add_weighted_adapter
makes of adapters that reference/adapters.py wrote.

Of each case there are A and B of some modules ("CASE.MODULE.A") and the logits of the
last positions of a prompt ("CASE.logits"). A number that dare_* choose by chance is
kept here when bits 3 to 6 of its float32 are below 16·density, so that others can
choose the same. peft leaves use_rslora of the first adapter set, though the mixture's
scale is 1: of such a case there are no logits.

    python reference/adapters_mix.py

Needs torch, transformers, peft, safetensors. Deterministic.
"""

import torch
from peft import PeftModel
from peft.utils import merge_utils
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from adapters import MODELS, OUT, VERSIONS, generator

# case -> adapters, weights, modules kept, options
Q, UP, TABLE, DOWN = "model.layers.0.self_attn.q_proj", "model.layers.1.mlp.up_proj", "model.embed_tokens", "model.layers.1.mlp.down_proj"
PAIR = ["lora", "other"]
CASES = {
    "linear": (PAIR, [0.7, 0.3], [Q, UP], dict(combination_type="linear")),
    "negative": (PAIR, [0.9, -0.4], [Q, UP], dict(combination_type="linear")),
    "alone": (["other"], [0.6], [Q], dict(combination_type="ties", density=0.2)),
    "cat": (["lora", "other", "embed"], [0.7, -0.3, 1.5], [Q, UP, TABLE], dict(combination_type="cat")),
    "ties": (PAIR, [0.7, 0.3], [Q, UP], dict(combination_type="ties", density=0.5)),
    "ties-frequency": (["lora", "other", "lora"], [0.7, 0.3, -0.6], [Q], dict(combination_type="ties", density=0.7, majority_sign_method="frequency")),
    "dare_linear": (PAIR, [0.7, 0.3], [Q, UP], dict(combination_type="dare_linear", density=0.625)),
    "dare_ties": (PAIR, [0.7, 0.3], [Q, UP], dict(combination_type="dare_ties", density=0.5)),
    "magnitude_prune": (PAIR, [0.7, 0.3], [Q, UP], dict(combination_type="magnitude_prune", density=0.33)),
    "embed": (["embed", "embed"], [0.5, -1.2], [TABLE], dict(combination_type="linear")),
    "rslora": (["rslora", "rslora"], [0.5, 0.25], [DOWN], dict(combination_type="linear")),
}

chosen_from = None
random_pruning = merge_utils.random_pruning


def remember(tensor, density, rescale):
    global chosen_from
    chosen_from = tensor
    return random_pruning(tensor, density, rescale)


def bernoulli(probability):
    bits = chosen_from.float().view(torch.int32) >> 3 & 15
    return (bits < 16 * probability).to(probability.dtype)


@torch.no_grad()
def main():
    merge_utils.random_pruning, torch.bernoulli = remember, bernoulli
    out = {}
    ids = torch.randint(3, 96, (1, 12), generator=generator("ids"))
    out["ids"] = ids[0].float()
    for case, (names, weights, modules, options) in CASES.items():
        model = AutoModelForCausalLM.from_pretrained(MODELS / "llama", attn_implementation="eager", dtype=torch.float64)
        labels = [f"a{i}" for i in range(len(names))]
        model = PeftModel.from_pretrained(model, OUT / names[0], labels[0], autocast_adapter_dtype=False).eval()
        for name, label in list(zip(names, labels))[1:]:
            model.load_adapter(OUT / name, label, autocast_adapter_dtype=False)
        for key, p in model.named_parameters():  # stored in less, computed in double
            p.data = p.data.double()
        model.add_weighted_adapter(labels, weights, "mix", **options)
        model.set_adapter("mix")
        for module in modules:
            layer = model.base_model.model.get_submodule(module)
            if module == TABLE:
                a, b = layer.lora_embedding_A["mix"], layer.lora_embedding_B["mix"]
            else:
                a, b = layer.lora_A["mix"].weight, layer.lora_B["mix"].weight
            rank = max((a != 0).any(1).nonzero().max(), (b != 0).any(0).nonzero().max()) + 1  # peft fills up with zeros
            out[f"{case}.{module}.A"] = a[:rank].float().contiguous()
            out[f"{case}.{module}.B"] = b[:, :rank].float().contiguous()
        if case != "rslora":
            out[f"{case}.logits"] = model(ids, use_cache=False).logits[0, -3:].float().contiguous()
    save_file(out, OUT / "mix.golden.safetensors", {"made": f"reference/adapters_mix.py, {VERSIONS}"})


main()
