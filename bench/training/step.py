"""The step of BenchmarkStep (training/bench_test.go) in PyTorch and PEFT.

    python bench/training/step.py [float32|bfloat16] [steps] [threads]

A model of SmolLM2-135M's shape with random weights, LoRA of rank 16 on q, k, v and o,
four sequences of 256 tokens. Prints tokens per second of the best step and of all,
and the peak of resident memory.
"""

import resource
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

dtype = getattr(torch, sys.argv[1] if len(sys.argv) > 1 else "float32")
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 3
if len(sys.argv) > 3:
    torch.set_num_threads(int(sys.argv[3]))
config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                     num_key_value_heads=3, tie_word_embeddings=True, max_position_embeddings=8192)
torch.manual_seed(1)
torch.set_default_dtype(dtype)
model = LlamaForCausalLM(config)
torch.set_default_dtype(torch.float32)
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]))
optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
ids = torch.randint(0, 49152, (4, 257))
times, cpus = [], []
for _ in range(steps + 1):
    start, cpu = time.time(), time.process_time()
    optimiser.zero_grad()
    model(input_ids=ids[:, :-1], labels=ids[:, :-1]).loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    times.append(time.time() - start)
    cpus.append(time.process_time() - cpu)
times, cpus = times[1:], cpus[1:]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{dtype} threads {torch.get_num_threads()}: best {1024 / min(times):.0f} tokens/s, all {1024 * len(times) / sum(times):.0f}, per CPU second {1024 * len(cpus) / sum(cpus):.0f}, peak {peak:.0f} MB")
