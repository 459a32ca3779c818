"""Chooses adapters with the official openai Python package, unmodified.

usage: openai_adapters.py BASE_URL CHAT_MODEL EMBEDDING_MODEL
The server has the adapters poet and coder of CHAT_MODEL; poet is deleted. Every
check is an assertion; the last line printed is "ok".
"""

import asyncio
import sys

import openai

base, model, embedder = sys.argv[1:4]
client = openai.OpenAI(base_url=base + "/v1", api_key="none", max_retries=0, timeout=120)
ask = [{"role": "user", "content": "Name a colour."}]
kw = dict(messages=ask, temperature=0, max_tokens=16)


def text(name, **more):
    r = client.chat.completions.create(model=name, **kw, **more)
    assert r.model == name, r.model
    return r.choices[0].message.content


def listed():
    cards = {m.id: m for m in client.models.list()}
    assert list(cards) == [model, embedder, "coder", "poet"], list(cards)
    poet = client.models.retrieve("poet")
    assert poet.parent == model and poet.root == poet.graft["generation"] and poet.graft["rank"] == 4
    assert client.models.retrieve("poet@" + poet.root[7:19]).root == poet.root
    return poet.root


def chosen(generation):
    raw = client.chat.completions.with_raw_response.create(model="poet", **kw)
    assert raw.headers["x-graft-adapter"] == "poet@" + generation and raw.headers["x-adapter-id"] == "poet"
    r = raw.parse()
    assert r.adapter_generation == generation
    assert r.graft == {"adapters": [{"name": "poet", "generation": generation, "weight": 1}]}
    poet, plain = r.choices[0].message.content, text(model)
    assert poet != plain
    for name in ("poet@" + generation, "poet@" + generation[7:15], f"{model}:poet", f"{model}::poet"):
        assert text(name) == poet, name
    for extra in (
        {"adapters": [{"name": "poet"}]},
        {"adapters": [{"generation": generation}]},
        {"adapter": "poet"},
        {"adapter": {"generation": generation}},
        {"adapter_id": "poet", "adapter_source": "local"},
        {"merged_adapters": {"ids": ["poet"], "weights": [1]}},
        {"lora_path": "poet"},
        {"lora": [{"id": 0, "scale": 1}, {"id": 1, "scale": 0}]},
    ):
        assert text(model, extra_body=extra) == poet, extra
    for extra in ({"adapters": []}, {"lora": []}, {"lora_path": None}, {"adapters": [{"name": "poet", "weight": 0}]}):
        assert text(model, extra_body=extra) == plain, extra
    mixes = [text(model, extra_body={"adapters": [{"name": a, "weight": w}, {"name": b}]}) for a, w, b in (("poet", 0.5, "coder"), ("coder", 1, "poet"))]
    assert plain not in mixes
    assert text(model) == plain


def streamed(generation):
    got, first, last = "", None, None
    for chunk in client.chat.completions.create(model="poet", stream=True, **kw):
        assert chunk.model == "poet"
        first = first or chunk
        last = chunk
        got += chunk.choices[0].delta.content or ""
    assert got == text("poet")
    for chunk in (first, last):
        assert chunk.adapter_generation == generation and chunk.graft["adapters"][0]["name"] == "poet"


def others(generation):
    r = client.completions.create(model="poet", prompt="Roses are", temperature=0, max_tokens=8)
    assert r.adapter_generation == generation and r.model == "poet"
    r = client.responses.create(model="poet", input="Name a colour.", temperature=0, max_output_tokens=16)
    assert r.adapter_generation == generation and r.output_text == text("poet")
    assert client.responses.retrieve(r.id).adapter_generation == generation
    with client.responses.stream(model="poet", input="Name a colour.", temperature=0, max_output_tokens=16) as s:
        for event in s:
            last = event
        assert last.response.output_text == r.output_text and last.response.adapter_generation == generation


def refused():
    def code(kind, name, **more):
        try:
            client.chat.completions.create(model=name, **kw, **more)
        except kind as e:
            return e.code, e.param, e.message
        raise AssertionError(f"{name} {more} was answered")

    c, p, m = code(openai.NotFoundError, "poett")
    assert (c, p) == ("model_not_found", "model") and "Did you mean: poet?" in m
    assert code(openai.NotFoundError, model, extra_body={"adapter_id": "org/other"})[1] == "adapter_id"
    assert code(openai.BadRequestError, "poet", extra_body={"adapter": "coder"})[0] == "invalid_parameter_combination"
    try:
        client.embeddings.create(model="poet", input="x")
        raise AssertionError("an adapter made embeddings")
    except openai.BadRequestError as e:
        assert e.param == "model"


async def crowd():
    # All at once, each row of a batch with its own adapter, or with none.
    a = openai.AsyncOpenAI(base_url=base + "/v1", api_key="none", max_retries=0, timeout=120)
    names = [model, "poet", "coder"] * 4
    alone = {n: text(n) for n in set(names)}
    got = await asyncio.gather(*(a.chat.completions.create(model=n, **kw) for n in names))
    for n, r in zip(names, got):
        assert r.model == n and r.choices[0].message.content == alone[n], (n, r, alone[n])


def deleted():
    d = client.models.delete("poet")
    assert d.deleted and d.id == "poet"
    for f in (lambda: client.models.retrieve("poet"), lambda: text("poet"), lambda: client.models.delete("poet")):
        try:
            f()
            raise AssertionError("a deleted adapter is there")
        except openai.NotFoundError:
            pass
    try:
        client.models.delete(model)
        raise AssertionError("a base model was deleted")
    except openai.PermissionDeniedError:
        pass


generation = listed()
chosen(generation)
streamed(generation)
others(generation)
refused()
asyncio.run(crowd())
deleted()
print("ok")
