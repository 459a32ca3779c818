"""Drives a running graft with the official openai Python package, unmodified.

usage: openai_client.py BASE_URL CHAT_MODEL EMBEDDING_MODEL
Every check is an assertion; the last line printed is "ok".
"""

import asyncio
import json
import math
import sys

import openai

base, model, embedder = sys.argv[1:4]
client = openai.OpenAI(base_url=base + "/v1", api_key="none", max_retries=0, timeout=120)
ask = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]


def models():
    listed = client.models.list().data
    assert listed[0].id == model, listed
    assert client.models.retrieve(model).id == model
    try:
        client.models.retrieve("no-such-model")
        raise AssertionError("an unknown model was found")
    except openai.NotFoundError as e:
        assert e.code == "model_not_found", e.code


def chat():
    r = client.chat.completions.with_raw_response.create(model=model, messages=ask, temperature=0, max_tokens=24)
    assert r.headers["x-request-id"] and float(r.headers["openai-processing-ms"]) >= 0
    r = r.parse()
    assert r.object == "chat.completion" and r.model == model and r.system_fingerprint
    text = r.choices[0].message.content
    assert "Paris" in text, text
    assert r.choices[0].finish_reason in ("stop", "length")
    assert r.usage.total_tokens == r.usage.prompt_tokens + r.usage.completion_tokens
    # Asked again, the prompt comes from the prefix cache and the text is the same.
    again = client.chat.completions.create(model=model, messages=ask, temperature=0, max_tokens=24)
    assert again.choices[0].message.content == text
    # Streamed, it is the same text, one role, one finish reason, and a usage chunk.
    got, finish, usage = "", [], None
    for chunk in client.chat.completions.create(
        model=model, messages=ask, temperature=0, max_tokens=24, stream=True, stream_options={"include_usage": True}
    ):
        if chunk.usage:
            usage = chunk.usage
            assert chunk.choices == []
            continue
        got += chunk.choices[0].delta.content or ""
        if chunk.choices[0].finish_reason:
            finish.append(chunk.choices[0].finish_reason)
    assert got == text, (got, text)
    assert finish == [r.choices[0].finish_reason]
    assert usage.completion_tokens == r.usage.completion_tokens


def sampling():
    kw = dict(model=model, messages=ask, max_tokens=12, temperature=1.0, seed=7)
    a = client.chat.completions.create(n=3, **kw)
    b = client.chat.completions.create(n=3, **kw)
    assert [c.message.content for c in a.choices] == [c.message.content for c in b.choices]
    assert [c.index for c in a.choices] == [0, 1, 2]
    assert len({c.message.content for c in a.choices}) > 1
    stopped = client.chat.completions.create(model=model, messages=ask, temperature=0, max_tokens=24, stop=["Paris"])
    assert "Paris" not in stopped.choices[0].message.content and stopped.choices[0].finish_reason == "stop"
    lp = client.chat.completions.create(model=model, messages=ask, temperature=0, max_tokens=5, logprobs=True, top_logprobs=3)
    items = lp.choices[0].logprobs.content
    assert len(items) == lp.usage.completion_tokens or lp.choices[0].finish_reason == "stop"
    assert "".join(i.token for i in items) == lp.choices[0].message.content
    for i in items:
        assert len(i.top_logprobs) == 3 and math.isclose(i.logprob, i.top_logprobs[0].logprob, abs_tol=1e-6)
    extra = client.chat.completions.create(
        model=model, messages=ask, max_tokens=5, extra_body={"top_k": 1, "min_p": 0.1, "repetition_penalty": 1.0}
    )
    assert extra.choices[0].message.content


def predicted():
    # A prediction changes how soon an answer is there, never the answer.
    kw = dict(model=model, messages=ask, max_tokens=48, temperature=0)
    want = client.chat.completions.create(**kw)
    text = want.choices[0].message.content
    for content in (text, "No. " + text, [{"type": "text", "text": text}], "nothing like it"):
        r = client.chat.completions.create(prediction={"type": "content", "content": content}, **kw)
        assert r.choices[0].message.content == text
        details = r.usage.completion_tokens_details
        assert r.usage.completion_tokens == want.usage.completion_tokens
        assert 0 <= details.accepted_prediction_tokens < r.usage.completion_tokens
        assert details.rejected_prediction_tokens >= 0


def structured():
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 20},
            "population": {"type": "integer", "minimum": 1, "maximum": 99999999},
            "kind": {"enum": ["capital", "town"]},
        },
        "required": ["city", "population", "kind"],
        "additionalProperties": False,
    }
    r = client.chat.completions.create(
        model=model, messages=ask, temperature=1.5, seed=3, max_tokens=200,
        response_format={"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": schema}},
    )
    doc = json.loads(r.choices[0].message.content)
    assert set(doc) == {"city", "population", "kind"} and doc["kind"] in ("capital", "town")
    assert isinstance(doc["population"], int) and len(doc["city"]) <= 20
    try:
        bad = {"type": "object", "patternProperties": {"a": {}}}
        client.chat.completions.create(
            model=model, messages=ask, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": bad}}
        )
        raise AssertionError("an unsupported keyword was accepted")
    except openai.BadRequestError as e:
        assert "patternProperties" in e.message, e.message


def tools():
    tool = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Current weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "maxLength": 30}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
    messages = [{"role": "user", "content": "What is the weather in Rome?"}]
    named = {"type": "function", "function": {"name": "get_weather"}}
    for choice in ("required", named):
        r = client.chat.completions.create(model=model, messages=messages, tools=[tool], tool_choice=choice, temperature=0, max_tokens=80)
        call = r.choices[0].message.tool_calls[0]
        assert call.function.name == "get_weather" and call.id
        assert isinstance(json.loads(call.function.arguments)["city"], str)
    name, args = "", ""
    for chunk in client.chat.completions.create(
        model=model, messages=messages, tools=[tool], tool_choice=named, temperature=0, max_tokens=80, stream=True
    ):
        for d in chunk.choices[0].delta.tool_calls or []:
            name += d.function.name or ""
            args += d.function.arguments or ""
    assert name == "get_weather" and json.loads(args) == json.loads(call.function.arguments)
    follow = messages + [
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": '{"temperature": 21}'},
    ]
    r = client.chat.completions.create(model=model, messages=follow, tools=[tool], tool_choice="none", temperature=0, max_tokens=20)
    assert r.choices[0].message.content and not r.choices[0].message.tool_calls


def completions():
    r = client.completions.create(model=model, prompt="The quick brown fox", temperature=0, max_tokens=8)
    assert r.choices[0].text
    # What evaluation harnesses ask: the prompt's own log-probabilities, nothing generated.
    r = client.completions.create(model=model, prompt="The quick brown fox jumps", max_tokens=0, echo=True, logprobs=1)
    lp = r.choices[0].logprobs
    assert lp.token_logprobs[0] is None and all(x <= 0 for x in lp.token_logprobs[1:])
    assert "".join(lp.tokens) == "The quick brown fox jumps" == r.choices[0].text
    assert lp.text_offset[0] == 0 and lp.text_offset == sorted(lp.text_offset)
    ids = client.post("/../tokenize", body={"model": model, "prompt": "Hello world"}, cast_to=object)["tokens"]
    by_id = client.completions.create(model=model, prompt=ids, temperature=0, max_tokens=6)
    by_text = client.completions.create(model=model, prompt="Hello world", temperature=0, max_tokens=6)
    assert by_id.choices[0].text == by_text.choices[0].text
    many = client.completions.create(model=model, prompt=["One", "Two"], temperature=0, max_tokens=3)
    assert [c.index for c in many.choices] == [0, 1]


def embeddings():
    texts = ["A cat sits on the mat.", "A feline rests on a rug.", "Interest rates rose again."]
    vs = [d.embedding for d in client.embeddings.create(model=embedder, input=texts).data]  # base64 underneath
    raw = client.embeddings.create(model=embedder, input=texts, encoding_format="float").data
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(vs[0], raw[0].embedding))
    dot = lambda a, b: sum(x * y for x, y in zip(a, b))
    assert math.isclose(dot(vs[0], vs[0]), 1, abs_tol=1e-4)
    assert dot(vs[0], vs[1]) > 0.4 > dot(vs[0], vs[2])
    assert len(client.embeddings.create(model=embedder, input="x", dimensions=64).data[0].embedding) == 64


def responses():
    r = client.responses.create(model=model, input="What is the capital of France? Answer in one sentence.", temperature=0, max_output_tokens=24)
    assert "Paris" in r.output_text and r.status in ("completed", "incomplete")
    assert client.responses.retrieve(r.id).output_text == r.output_text
    assert client.responses.input_items.list(r.id).data[0].content[0].text.startswith("What is")
    nxt = client.responses.create(model=model, input="And of Italy?", previous_response_id=r.id, temperature=0, max_output_tokens=24)
    assert nxt.previous_response_id == r.id and nxt.usage.input_tokens > r.usage.input_tokens
    text, kinds = "", []
    with client.responses.stream(model=model, input="What is the capital of France? Answer in one sentence.", temperature=0, max_output_tokens=24) as s:
        for event in s:
            kinds.append(event.type)
            if event.type == "response.output_text.delta":
                text += event.delta
        final = s.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] in ("response.completed", "response.incomplete"), kinds
    assert text == r.output_text == final.output_text
    client.responses.delete(r.id)
    try:
        client.responses.retrieve(r.id)
        raise AssertionError("a deleted response was found")
    except openai.NotFoundError:
        pass


def errors():
    def refused(kind, **kw):
        try:
            client.chat.completions.create(**{"model": model, "messages": ask, "max_tokens": 1, **kw})
        except kind as e:
            return e
        raise AssertionError(f"{kw} was accepted")

    e = refused(openai.NotFoundError, model="no-such-model")
    assert e.code == "model_not_found" and model in e.message
    assert refused(openai.BadRequestError, temperature=9).param == "temperature"
    assert refused(openai.BadRequestError, extra_body={"no_such_parameter": 1}).param == "no_such_parameter"
    e = refused(openai.BadRequestError, messages=[{"role": "user", "content": "word " * 20000}])
    assert e.code == "context_length_exceeded", e.code
    for key in ("message", "type", "param", "code"):
        assert key in e.body, e.body


async def many():
    # A crowd of streams, every other one left after a few chunks.
    a = openai.AsyncOpenAI(base_url=base + "/v1", api_key="none", max_retries=0, timeout=120)

    async def one(i):
        stream = await a.chat.completions.create(model=model, messages=ask, temperature=0, max_tokens=24, stream=True)
        text = ""
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            if i % 2 and len(text) > 5:
                await stream.close()
                return None
        return text

    texts = {t for t in await asyncio.gather(*(one(i) for i in range(16))) if t is not None}
    assert len(texts) == 1, texts


for check in (models, chat, sampling, predicted, structured, tools, completions, embeddings, responses, errors):
    check()
    print(check.__name__, flush=True)
asyncio.run(many())
print("ok")
