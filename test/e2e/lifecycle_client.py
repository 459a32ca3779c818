"""Manages adapters of a running graft with the ollama and openai Python packages,
unmodified, and with the requests of vLLM's and llama.cpp's documentation.

usage: lifecycle_client.py ADAPTER_FOLDER GGUF_FILE BASE_URL CHAT_MODEL EMBEDDING_MODEL
The folder is under adapters.roots. The last line printed is "ok".
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import ollama
import openai

folder, gguf, base, model, _ = sys.argv[1:6]
oll = ollama.Client(host=base)
oai = openai.OpenAI(base_url=base + "/v1", api_key="none", max_retries=0, timeout=120)
ask = [{"role": "user", "content": "Name a colour."}]


def post(path, body, method="POST"):
    req = urllib.request.Request(base + path, json.dumps(body).encode() if body is not None else None, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(req) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def say(name):
    r = oai.chat.completions.create(model=name, messages=ask, temperature=0, max_tokens=12)
    assert r.model == name, r.model
    return r.choices[0].message.content


def with_ollama():
    names = ["adapter_config.json", "adapter_model.safetensors"]
    files = {n: oll.create_blob(Path(folder) / n) for n in names}
    greedy = {"temperature": 0, "num_predict": 12}
    steps = [s.status for s in oll.create(model="mario", from_=model, adapters=files, system="You are Mario.", parameters={"top_k": 20, "temperature": 0.5}, stream=True)]
    assert steps[-1] == "success", steps
    assert oll.create(model="file", from_=model, adapters={"adapter.gguf": oll.create_blob(gguf)}).status == "success"
    listed = {m.model: m for m in oll.list().models}
    assert {"mario:latest", "file:latest"} <= set(listed), listed
    shown = oll.show("mario")
    assert shown.details.parent_model == model and "top_k" in shown.parameters, shown
    said = {n: oll.chat(model=n, messages=ask, options=greedy).message.content for n in (model, "mario", "file")}
    assert said["mario"] != said[model] and said["file"] != said[model], said
    assert oll.copy("mario", "luigi").status == "success"
    assert oll.chat(model="luigi", messages=ask, options=greedy).message.content == said["mario"]
    for bad in (dict(template="{{ .System }}"), dict(parameters={"num_ctx": 4096}), dict(quantize="q4_0")):
        try:
            oll.create(model="bad", from_=model, adapters=files, **bad)
            raise AssertionError(f"{bad} was accepted")
        except ollama.ResponseError as e:
            assert e.status_code == 400, e
    for name in ("mario", "luigi", "file"):
        assert oll.delete(name).status == "success"
    try:
        oll.chat(model="mario", messages=ask)
        raise AssertionError("a deleted model answered")
    except ollama.ResponseError as e:
        assert e.status_code == 404, e


def with_vllm():
    plain = say(model)
    body = {"lora_name": "sql_adapter", "lora_path": folder}
    assert post("/v1/load_lora_adapter", body) == (200, "Success: LoRA adapter 'sql_adapter' added successfully.")
    status, text = post("/v1/load_lora_adapter", body)
    assert status == 400 and json.loads(text)["error"]["type"] == "InvalidUserInput", text
    card = {m.id: m for m in oai.models.list().data}["sql_adapter"]
    assert card.parent == model and card.root.startswith("sha256:"), card
    tuned = say("sql_adapter")
    assert tuned != plain
    # llama.cpp: the same adapter as a global scale, and off again.
    (entry,) = json.loads(urllib.request.urlopen(base + "/lora-adapters").read())
    assert entry["path"] == "sql_adapter" and entry["scale"] == 0, entry
    assert post("/lora-adapters", [{"id": entry["id"], "scale": 1.0}]) == (200, '{"success":true}\n')
    assert say(model) == tuned
    post("/lora-adapters", [])
    assert say(model) == plain
    assert oai.models.delete("sql_adapter").deleted
    assert "sql_adapter" not in {m.id for m in oai.models.list().data}
    try:
        say("sql_adapter")
        raise AssertionError("a deleted adapter answered")
    except openai.NotFoundError as e:
        assert e.code == "model_not_found"
    status, text = post("/v1/unload_lora_adapter", {"lora_name": "sql_adapter"})
    assert status == 404 and json.loads(text)["error"]["message"] == "The lora adapter 'sql_adapter' cannot be found.", text


def with_openai():
    """graft's own routes through the client's untyped calls: its errors and retries hold for them."""
    made = oai.post("/lora_adapters", body={"name": "a/b", "path": folder}, cast_to=dict)
    retrying = oai.with_options(max_retries=3)
    try:
        retrying.post("/lora_adapters", body={"name": "a/b", "path": folder, "replace": True, "expected_generation": "0" * 64}, cast_to=dict)
        raise AssertionError("a lost comparison went through")
    except openai.ConflictError as e:
        assert e.code == "lora_generation_mismatch" and e.response.request.headers["x-stainless-retry-count"] == "0", e
    listed = oai.get("/lora_adapters", cast_to=dict)
    assert listed["data"][0]["generation"] == made["generation"]
    say("a/b")
    resident = oai.get("/lora_adapters/residency", cast_to=dict)
    assert [r["generation"] for r in resident["data"]] == [made["generation"]], resident
    oai.post("/lora_adapters/a/b/unload", cast_to=dict)
    assert oai.get("/lora_adapters/residency", cast_to=dict)["data"] == []
    oai.post("/lora_adapters/a/b/load", cast_to=dict)
    assert oai.get("/lora_adapters/residency", cast_to=dict)["resident_bytes"] > 0
    oai.delete("/lora_adapters/a/b", cast_to=dict)
    assert oai.get("/lora_adapters/residency", cast_to=dict)["data"] == [], "a deleted adapter keeps its memory"


with_ollama()
with_vllm()
with_openai()
print("ok")
