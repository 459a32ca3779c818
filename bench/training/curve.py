"""Trains with PyTorch and PEFT what `graft train replay` trains, and answers the gold rows.

    python bench/training/curve.py init   --model FILE.gguf --dir DIR     # the adapter both begin with
    python bench/training/curve.py train  --model FILE.gguf --dir DIR     # losses, adapter, time, memory
    python bench/training/curve.py answer --model FILE.gguf --dir DIR --adapter PEFT --out FILE
    python bench/training/curve.py rouge  --answers FILE [FILE ...]       # mean ROUGE-L F1 of each

DIR holds config.json and batches.json, as `graft train replay` reads them, and gold.json:
{"prompts": [[ids]], "answers": [text], "choices": [first token of each label] or []}. The
base is the file that graft serves, dequantised to float32. Needs torch, transformers, peft,
gguf, safetensors, and rouge_score for the last. bench/training runs it.
"""

import argparse
import json
import os
import pathlib
import resource
import time

os.environ["HF_HUB_OFFLINE"] = "1"

p = argparse.ArgumentParser()
p.add_argument("what", choices=["init", "train", "answer", "rouge"])
p.add_argument("--model", type=pathlib.Path)
p.add_argument("--dir", type=pathlib.Path)
p.add_argument("--adapter", type=pathlib.Path)
p.add_argument("--out", type=pathlib.Path)
p.add_argument("--answers", type=pathlib.Path, nargs="*")
p.add_argument("--threads", type=int, default=2)
a = p.parse_args()

if a.what == "rouge":
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    out = []
    for path in a.answers:
        rows = json.loads(path.read_text())
        out.append(sum(scorer.score(want, got)["rougeL"].fmeasure for want, got in zip(rows["want"], rows["got"])) / len(rows["want"]))
    print(json.dumps(out))
    raise SystemExit

import peft
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, get_constant_schedule, get_cosine_schedule_with_warmup

torch.set_num_threads(a.threads)
config = json.loads((a.dir / "config.json").read_text())


def load():
    return AutoModelForCausalLM.from_pretrained(a.model.parent, gguf_file=a.model.name, dtype=torch.float32)


def save(net, folder):
    net.save_pretrained(folder)
    path = folder / "adapter_config.json"
    c = json.loads(path.read_text())
    c["base_model_name_or_path"] = None
    path.write_text(json.dumps(c, indent=1) + "\n")


@torch.no_grad()
def answer(net, gold):
    """The label whose first token is likeliest, or up to 24 tokens, greedily."""
    net.eval()
    tok = AutoTokenizer.from_pretrained(a.model.parent, gguf_file=a.model.name)
    end = tok.convert_tokens_to_ids("<|im_end|>")
    got = []
    for ids in gold["prompts"]:
        if gold["choices"]:
            logits = net(input_ids=torch.tensor([ids]), logits_to_keep=1).logits[0, -1]
            got.append(max(gold["choices"], key=lambda t: logits[t].item()))
        else:
            x = torch.tensor([ids])
            y = net.generate(input_ids=x, attention_mask=torch.ones_like(x), max_new_tokens=24, do_sample=False, eos_token_id=end, pad_token_id=end)
            got.append(tok.decode(y[0, len(ids):], skip_special_tokens=True))
    return {"got": got, "want": gold["answers"]}


def write(path, data):
    path.with_suffix(".tmp").write_text(json.dumps(data) + "\n")
    path.with_suffix(".tmp").rename(path)


if a.what == "init":
    torch.manual_seed(config["seed"])
    save(peft.get_peft_model(load(), peft.LoraConfig(task_type="CAUSAL_LM", **config["lora"])), a.dir / "init")
elif a.what == "answer":
    net = load()
    if a.adapter:
        net = peft.PeftModel.from_pretrained(net, a.adapter)
    write(a.out, answer(net, json.loads((a.dir / "gold.json").read_text())))
else:
    torch.manual_seed(config["seed"])
    net = peft.PeftModel.from_pretrained(load(), a.dir / "init", is_trainable=True).train()
    params = [p for p in net.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, lr=config["lr"], betas=config["betas"], eps=config["eps"], weight_decay=config["weight_decay"])
    sched = get_cosine_schedule_with_warmup(opt, 0, config["steps"]) if config["schedule"] == "cosine" else get_constant_schedule(opt)
    batches = json.loads((a.dir / "batches.json").read_text())
    result = {"loss": [], "grad_norm": [], "made": f"peft {peft.__version__}, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}"}
    start, cpu = time.time(), time.process_time()
    for i, b in enumerate(batches):
        loss = net(input_ids=torch.tensor(b["ids"]), attention_mask=torch.tensor(b["mask"]), labels=torch.tensor(b["labels"]), use_cache=False).loss
        opt.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, config["max_grad_norm"] or float("inf"))
        opt.step()
        sched.step()
        result["loss"].append(loss.item())
        result["grad_norm"].append(norm.item())
        print(f"step {i + 1}/{len(batches)} loss {loss.item():.4f} {time.time() - start:.0f} s", flush=True)
    result["wall_s"], result["cpu_s"] = time.time() - start, time.process_time() - cpu
    result["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    save(net, a.dir / "peft")
    write(a.dir / "peft.json", result)
