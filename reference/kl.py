"""Writes what a quantised GGUF file means, computed without quantised arithmetic.

transformers dequantises the weights and runs the model in f32. For a text the
golden keeps, at every position, the most probable next tokens with their
log-probabilities; for some prompts, the greedy continuation. Distance from it is
the mean of KL(golden || other) over the positions, the distribution taken as
those tokens one by one and all others together.

    python reference/kl.py MODEL.gguf GOLDEN.safetensors [FOLDER_OF_LLAMA_SERVER]

With llama.cpp at hand its distance is measured the same way and kept beside.
Needs torch, transformers, safetensors, gguf.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

TOP, GREEDY, PORT = 64, 24, 18431

TEXT = """The harbour at Oldney is small, and the boats that use it are smaller still. In winter the wind comes
straight down the valley, and on such days the only sound is the knocking of masts. Anna kept the light for
thirty-one years. She wrote down the weather every morning at six, in a hand so regular that visitors took the
pages for print, and she never once missed a day. When the light was made automatic in 1987, the company offered her a
flat in the town, with a lift and a view of the station. She thanked them and bought the boathouse instead.

To convert a temperature from Celsius to Fahrenheit, multiply by nine, divide by five, and add 32. Water boils
at 100 degrees Celsius, which is 212 degrees Fahrenheit. The capital of France is Paris; the capital of Italy is Rome.

def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a

print([fibonacci(i) for i in range(10)])

Question: A train leaves at 9:15 and arrives at 11:40. How long does the journey take?
Answer: The journey takes 2 hours and 25 minutes.
Question: Why is the sky blue?
Answer: Sunlight is scattered by the molecules of the air, and blue light is scattered more strongly than red, because
its wavelength is shorter. In the evening the light travels a longer way through the air, so that most of the blue is
lost before it reaches us, and what remains is orange and red.
"""

PROMPTS = ["The capital of France is", "Once upon a time there was a lighthouse keeper who",
           "def add(a, b):\n    \"\"\"Return the sum of a and b.\"\"\"\n", "Water is made of"]
CHAT = ["What is the capital of Italy?", "Write one sentence about the sea."]


def prompts(tok):
    out = [tok(p)["input_ids"] for p in PROMPTS]
    if tok.chat_template:
        for p in CHAT:
            text = tok.apply_chat_template([{"role": "user", "content": p}], add_generation_prompt=True, tokenize=False)
            out.append(tok(text, add_special_tokens=False)["input_ids"])
    return out


def distance(golden_ids, golden_logprobs, other):
    """Mean KL; other(position) maps token ids to log-probabilities."""
    total = 0.0
    for p, (ids, want) in enumerate(zip(golden_ids.tolist(), golden_logprobs.double().tolist())):
        have = other(p)
        rest_want, rest_have = 1.0, 1.0
        for i, w in zip(ids, want):
            h = have.get(i, -50.0)
            total += math.exp(w) * (w - h)
            rest_want -= math.exp(w)
            rest_have -= math.exp(h)
        if rest_want > 1e-9:
            total += rest_want * math.log(rest_want / max(rest_have, 1e-9))
    return total / len(golden_ids)


def llama_cpp(folder, model, ids, golden_ids, golden_logprobs):
    env = os.environ | {"LD_LIBRARY_PATH": folder}
    server = subprocess.Popen([f"{folder}/llama-server", "-m", model, "--port", str(PORT), "-np", "1", "-c", "2048",
                               "-t", "2", "--no-webui"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def post(path, body):
            req = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
            return json.load(urllib.request.urlopen(req))

        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health")
                break
            except OSError:
                time.sleep(0.3)

        def other(p):
            got = post("/completion", {"prompt": ids[:p + 1], "n_predict": 1, "n_probs": 4000, "temperature": -1.0,
                                       "cache_prompt": True})
            return {t["id"]: t["logprob"] for t in got["completion_probabilities"][0]["top_logprobs"]}

        return distance(golden_ids, golden_logprobs, other)
    finally:
        server.terminate()
        server.wait()


@torch.no_grad()
def main(path, out, llama=None):
    path = pathlib.Path(path)
    tok = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32,
                                                 attn_implementation="eager").eval()
    ids = tok(TEXT)["input_ids"]
    logprobs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    best, at = logprobs.topk(TOP)
    tensors = {"text": torch.tensor(ids).float(), "ids": at.float(), "logprobs": best.float().contiguous()}
    for i, p in enumerate(prompts(tok)):
        got = model.generate(torch.tensor([p]), max_new_tokens=GREEDY, min_new_tokens=GREEDY, do_sample=False,
                             repetition_penalty=1.0, eos_token_id=None, pad_token_id=0)[0, len(p):]
        tensors[f"prompt.{i}"] = torch.tensor(p).float()
        tensors[f"greedy.{i}"] = got.float()
        print(repr(tok.decode(p)), "->", repr(tok.decode(got)))
    made = (f"reference/kl.py, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, "
            f"{path.name}, {len(ids)} positions")
    if llama:
        d = llama_cpp(llama, str(path), ids, at, best)
        version = subprocess.run([f"{llama}/llama-server", "--version"], env=os.environ | {"LD_LIBRARY_PATH": llama},
                                 capture_output=True, text=True).stderr
        version = next((line.split(":", 1)[1].strip() for line in version.splitlines() if line.startswith("version")), "?")
        made += f"; llama.cpp {version}: {d:.6f}"
        tensors["llama.cpp"] = torch.tensor([d])
    print(made)
    save_file(tensors, out, {"made": made})


main(*sys.argv[1:])
