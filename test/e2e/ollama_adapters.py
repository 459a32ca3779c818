"""Chooses adapters with the official ollama Python package, unmodified.

usage: ollama_adapters.py BASE_URL CHAT_MODEL EMBEDDING_MODEL
The server has the adapters poet and coder of CHAT_MODEL. Every check is an
assertion; the last line printed is "ok".
"""

import sys

import ollama

base, model, embedder = sys.argv[1:4]
client = ollama.Client(host=base)
ask = [{"role": "user", "content": "Name a colour."}]
kw = dict(messages=ask, options={"temperature": 0, "num_predict": 16})

listed = {m.model: m for m in client.list().models}
assert "poet:latest" in listed and listed["poet:latest"].details.parent_model == model, listed
assert client.show("poet").details.parent_model == model

poet = client.chat(model="poet", **kw)
assert poet.model == "poet" and poet.message.content
plain = client.chat(model=model, **kw)
assert poet.message.content != plain.message.content
for name in ("poet:latest", f"{model}:poet", "poet@" + listed["poet:latest"].digest):
    r = client.chat(model=name, **kw)
    assert r.model == name and r.message.content == poet.message.content, r
assert "".join(p.message.content for p in client.chat(model="poet", stream=True, **kw)) == poet.message.content
assert client.generate(model="poet", prompt="Name a colour.", options=kw["options"]).response == poet.message.content
for wrong in ("poett", "poet@00000000"):
    try:
        client.chat(model=wrong, **kw)
        raise AssertionError(wrong + " answered")
    except ollama.ResponseError as e:
        assert e.status_code == 404 and "Did you mean: poet" in e.error, e
print("ok")
