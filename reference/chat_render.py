"""Expected texts for internal/chat: conversations in OpenAI's form, rendered by
transformers' own apply_chat_template (continue_final_message included).

    python reference/chat_render.py --templates internal/chat/jinja/testdata/templates --out internal/chat/testdata/render.json.gz

With --hash and DIR of templates that are not ours it keeps digests only: see chat_engine.py; the file is published.json.gz.

As the documentation of transformers asks, the arguments of tool calls are handed
over as dicts; they come as text in OpenAI's form.
"""

import argparse
import copy
import glob
import gzip
import hashlib
import json
import os
import random
import sys

import tokenizers
import transformers
from transformers.utils import chat_template_utils as ctu

sys.path.insert(0, os.path.dirname(__file__))
import chat_engine as engine

ctu.datetime = engine.Clock


def calls(*arguments):
    return [{"id": f"callcall{i}", "type": "function", "function": {"name": "get_weather", "arguments": a}} for i, a in enumerate(arguments)]


def result(c, i=0): return {"role": "tool", "tool_call_id": f"callcall{i}", "content": c}


def cases():
    user, assistant, system, tools = engine.user, engine.assistant, engine.system, engine.TOOLS

    def case(name, messages, tools=None, generate=True, go_on=False, **vars):
        return dict(name=name, messages=messages, tools=tools, generate=generate and not go_on, go_on=go_on, vars=vars)
    yield case("plain", [system("Be brief."), user("Hi <|im_end|>"), assistant("Yes?"), user("ok")])
    yield case("no generation prompt", [user("Hi"), assistant("Yes? ")], generate=False)
    yield case("call", [user("Weather?"), assistant(None, tool_calls=calls('{"location": "Zürich \\"C\\"", "days": 2, "x": [1.0, null, true]}')), result("{\"t\": 1}")], tools)
    yield case("call with text", [user("Weather?"), assistant("Let me see.", tool_calls=calls('{}')), result("21°C"), assistant("21."), user("Thanks")], tools)
    yield case("two calls", [user("Weather?"), assistant(None, tool_calls=calls('{"b":1,"a":2}', '{"location":"x"}')), result("1"), result("2", 1)], tools)
    yield case("call without tools", [user("Weather?"), assistant(None, tool_calls=calls('{"a": 1e5, "b": 12345678901234567890}')), result("1")])
    yield case("empty content", [user(""), assistant(""), user(" ")])
    yield case("reasoning", [user("Solve"), assistant("42", reasoning_content="6*7\n"), user("sure?"), assistant("yes", reasoning_content="checked")], generate=False)
    yield case("parts", [user([{"type": "text", "text": "Hello "}, {"type": "text", "text": " parts"}]), assistant("x"), user([{"type": "text", "text": ""}])])
    yield case("parts of system", [system([{"type": "text", "text": "Be kind."}]), user("Hello")])
    yield case("name", [{"role": "user", "name": "ann", "content": "Hi"}])
    yield case("variables", [user("Hi")], enable_thinking=False, date_string="1 May 2031", custom=[1, "x"])
    yield case("documents", [user("Hi")], documents=[{"title": "T", "text": "D"}])
    for name, text in [("go on", "The answer"), ("go on, trailing space", "The answer is \n"), ("go on, leading space", "\n The"), ("go on, reasoning in text", "<think>\nso</think>\n\nThe"), ("go on, unfinished reasoning", "<think>\nso")]:
        yield case(name, [user("Q"), assistant(text)], go_on=True)
    yield case("go on with parts", [user("Q"), assistant([{"type": "text", "text": "One "}, {"type": "text", "text": "two "}])], go_on=True)
    yield case("go on with a user", [user("Once upon")], go_on=True)
    yield case("go on with nothing", [user("Q"), assistant(None)], go_on=True)
    yield case("go on with the mark in it", [user("CONTINUE_FINAL_MESSAGE_TAG "), assistant("x")], go_on=True)
    r = random.Random(3)
    for c in engine.randomised(20, 5):
        for m in c["messages"]:
            if not m.get("reasoning_content", "x"):
                del m["reasoning_content"]  # OpenAI's form has no empty reasoning
            for k in m.get("tool_calls") or []:
                if not isinstance(k["function"]["arguments"], str):
                    k["function"]["arguments"] = json.dumps(k["function"]["arguments"], ensure_ascii=r.random() < .5)
        yield case(c["name"], c["messages"], c["tools"], c["add_generation_prompt"], **c["vars"])


def documented(messages):
    """messages as transformers asks for them"""
    messages = copy.deepcopy(messages)
    for m in messages:
        for k in m.get("tool_calls") or []:
            k["function"]["arguments"] = json.loads(k["function"]["arguments"])
    return messages


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--templates", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--hash", action="store_true")
    a = p.parse_args()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(tokenizers.models.WordLevel({"<unk>": 0}, unk_token="<unk>")), **engine.SPECIAL)
    all_cases = list(cases())
    expected = {}
    for path in sorted(glob.glob(os.path.join(a.templates, "*.jinja"))):
        template = open(path, newline="", encoding="utf-8").read()
        results = []
        for c in all_cases:
            try:
                results.append(tokenizer.apply_chat_template(
                    documented(c["messages"]), tools=c["tools"], chat_template=template, tokenize=False,
                    add_generation_prompt=c["generate"], continue_final_message=c["go_on"], **c["vars"]))
            except Exception:
                results.append(None)
        if a.hash:
            results = [r if r is None else engine.digest(r) for r in results]
        expected[os.path.basename(path)[:-6]] = {"sha256": hashlib.sha256(template.encode()).hexdigest(), "results": results}
    doc = dict(script="reference/chat_render.py", versions={"transformers": transformers.__version__}, now=engine.NOW.isoformat(), cases=all_cases, expected=expected)
    data = json.dumps(doc, ensure_ascii=False).encode()
    with open(a.out, "wb") as f:
        f.write(gzip.compress(data, mtime=0))
    print(len(expected), "templates,", len(all_cases), "cases,", sum(r is None for v in expected.values() for r in v["results"]), "refused")


if __name__ == "__main__":
    main()
