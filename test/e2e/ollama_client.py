"""Drives a running graft with the ollama Python package, unmodified.

usage: ollama_client.py BASE_URL CHAT_MODEL EMBEDDING_MODEL
"""

import json
import sys

import ollama

base, model, embedder = sys.argv[1:4]
client = ollama.Client(host=base)
greedy = {"temperature": 0, "num_predict": 24}
ask = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]

assert any(m.model.startswith(model) for m in client.list().models)
shown = client.show(model)
assert shown.details.format == "gguf" and shown.template
r = client.chat(model=model, messages=ask, options=greedy)
assert "Paris" in r.message.content and r.done and r.eval_count > 0 and r.prompt_eval_count > 0
parts = list(client.chat(model=model, messages=ask, options=greedy, stream=True))
assert "".join(p.message.content for p in parts) == r.message.content
assert parts[-1].done and parts[-1].done_reason in ("stop", "length")
g = client.generate(model=model, prompt="The quick brown fox", raw=True, options=greedy)
assert g.response and g.done
schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]}
f = client.chat(model=model, messages=ask, format=schema, options={"temperature": 1.0, "seed": 1, "num_predict": 80})
assert isinstance(json.loads(f.message.content)["city"], str)
e = client.embed(model=embedder, input=["a", "b"])
assert len(e.embeddings) == 2 and abs(sum(x * x for x in e.embeddings[0]) - 1) < 1e-3
assert any(p.model.startswith(model) for p in client.ps().models)
try:
    client.chat(model="no-such-model", messages=ask)
    raise AssertionError("an unknown model answered")
except ollama.ResponseError as err:
    assert err.status_code == 404, err
print("ok")
