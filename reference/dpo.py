"""Writes training/testdata/dpo-trl.safetensors: the loss of two preferences, and its
gradients, by TRL's own DPOTrainer.

    python reference/dpo.py

Needs trl beside what reference/training.py needs.

The model and the adapter are those of mistral.safetensors (reference/training.py): TRL
adapts no head, and that of the llama is. Two prompts, each with two continuations of
other lengths, go through TRL's collator into DPOTrainer.compute_loss, with beta 0.3;
the reference is the base, which TRL gets by turning the adapter off. ids.0 and ids.1 are the first pair, weights.N has 1 for each
token of a continuation. In float32, since TRL's fused head is.
"""

import os
import pathlib
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import peft
import torch
from datasets import Dataset
from datasets.table import InMemoryTable
import transformers
import trl
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.dpo_trainer import DataCollatorForPreference

import model as tiny
from training import ALPHA, MODELS, OUT, RANK, ROOT, TARGETS, kind, module

BETA = 0.3
SIZES = [(9, 14, 5), (12, 7, 18)]  # tokens of prompt, chosen, rejected


def main():
    base = AutoModelForCausalLM.from_pretrained(MODELS / "mistral", attn_implementation="eager", dtype=torch.float32)
    tok = AutoTokenizer.from_pretrained(ROOT / "serving/native/testdata/tiny")  # TRL wants one; no text is tokenised
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS["mistral"], task_type="CAUSAL_LM")
    rows = {"prompt": ["a"], "chosen": ["b"], "rejected": ["c"]}
    trl.DPOTrainer._prepare_dataset = lambda self, dataset, *rest, **more: dataset
    with tempfile.TemporaryDirectory() as folder:
        args = trl.DPOConfig(output_dir=folder, beta=BETA, report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False, per_device_train_batch_size=2)
        trainer = trl.DPOTrainer(model=base, args=args, processing_class=tok, train_dataset=Dataset(InMemoryTable.from_pydict(rows), fingerprint="0"), peft_config=config)
    first = load_file(OUT / "mistral.safetensors")
    params = {k: p for k, p in trainer.model.named_parameters() if p.requires_grad}
    for key, p in params.items():
        p.data = first[kind(key) + module(key.replace(".default", ""))].clone()

    out, examples = {}, []
    draw = lambda n, name: torch.randint(3, tiny.VOCAB, (n,), generator=tiny.generator("dpo", name)).tolist()
    for i, (p, c, r) in enumerate(SIZES):
        e = {"prompt_ids": draw(p, f"prompt{i}"), "chosen_ids": draw(c, f"chosen{i}"), "rejected_ids": draw(r, f"rejected{i}")}
        examples.append(e)
        for k, ids in enumerate((e["chosen_ids"], e["rejected_ids"])):
            out[f"ids.{2 * i + k}"] = torch.tensor(e["prompt_ids"] + ids).float()
            out[f"weights.{2 * i + k}"] = torch.tensor([0.0] * p + [1.0] * len(ids))
    batch = DataCollatorForPreference(pad_token_id=tok.pad_token_id)(examples)
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    out["loss"] = loss.detach()[None]
    for key, p in params.items():
        out["g" + kind(key) + module(key.replace(".default", ""))] = p.grad
    versions = f"trl {trl.__version__}, peft {peft.__version__}, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}"
    save_file({k: v.float().contiguous() for k, v in out.items()}, OUT / "dpo-trl.safetensors", {"made": f"reference/dpo.py, {versions}"})
    print("loss", loss.item(), {k: v[-1] for k, v in trainer._metrics["train"].items()})


if __name__ == "__main__":
    main()
