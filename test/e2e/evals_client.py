# OpenAI's client, unmodified: evals, runs over contents and files, output items,
# cancelling, deleting, and graders by themselves. Replies are validated strictly:
# the client itself would not complain of a field that is missing.
import json
import pathlib
import sys
import time

import openai
from openai.types import EvalCreateResponse, EvalListResponse, EvalRetrieveResponse, EvalUpdateResponse
from openai.types.evals import RunCancelResponse, RunCreateResponse, RunRetrieveResponse
from openai.types.evals.runs import OutputItemRetrieveResponse
from openai.types.fine_tuning.alpha import GraderRunResponse

url, model, embedder = sys.argv[-3], sys.argv[-2], sys.argv[-1]
client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)


def strict(kind, reply, absent=()):
    """Every field of the schema is there, with its type; absent are those that are null until later."""
    data = json.loads(reply.to_json(exclude_unset=True))
    for name in absent:
        if data.get(name, 0) is None:
            del data[name]
    lax = {f.alias or n for n, f in kind.model_fields.items() if f.is_required()}
    missing = lax - set(data) - set(absent)
    assert not missing, (missing, data)
    return reply


LATER = ("error", "per_model_usage", "per_testing_criteria_results")


def ended(eval_id, run):
    while run.status in ("queued", "in_progress"):
        time.sleep(0.05)
        run = client.evals.runs.retrieve(run.id, eval_id=eval_id)
    return strict(RunRetrieveResponse, run, ("error",))


test = client.evals.create(
    name="colours",
    metadata={"team": "a"},
    data_source_config={
        "type": "custom",
        "item_schema": {"type": "object", "properties": {"q": {"type": "string"}, "a": {"type": "string"}}, "required": ["q", "a"]},
        "include_sample_schema": True,
    },
    testing_criteria=[
        {"type": "string_check", "name": "there", "input": "{{ sample.output_text }}", "reference": "{{ item.a }}", "operation": "ilike"},
        {"type": "text_similarity", "name": "close", "input": "{{ sample.output_text }}", "reference": "{{ item.a }}", "evaluation_metric": "fuzzy_match", "pass_threshold": 0.0},
    ],
)
strict(EvalCreateResponse, test)
assert test.id.startswith("eval_") and test.object == "eval" and test.metadata == {"team": "a"}, test
assert test.data_source_config.schema_["properties"]["item"]["required"] == ["q", "a"], test
names = [c.id if hasattr(c, "id") else c.model_extra["id"] for c in test.testing_criteria]
assert names[0].startswith("there-") and names[1].startswith("close-"), names
strict(EvalRetrieveResponse, client.evals.retrieve(test.id))
second = client.evals.create(data_source_config={"type": "logs", "metadata": {"u": "x"}}, testing_criteria=test.model_dump(by_alias=True, exclude_none=True)["testing_criteria"])
assert [e.id for e in client.evals.list(limit=1)] == [test.id, second.id]  # two pages
assert [e.id for e in client.evals.list(order="desc", order_by="updated_at", limit=1)][:1] == [second.id]
for e in client.evals.list():
    strict(EvalListResponse, e)
changed = strict(EvalUpdateResponse, client.evals.update(test.id, name="renamed", metadata={"team": "b"}))
assert changed.name == "renamed" and changed.metadata == {"team": "b"} and [c.to_dict() for c in changed.testing_criteria] == [c.to_dict() for c in test.testing_criteria], changed

# Answers of a model, from rows in the request.
rows = [{"item": {"q": f"Say the word {c}.", "a": c}} for c in ("red", "green", "blue", "white", "black")]
run = client.evals.runs.create(
    test.id,
    name="first",
    data_source={
        "type": "completions",
        "model": model,
        "source": {"type": "file_content", "content": rows},
        "input_messages": {"type": "template", "template": [{"role": "user", "content": "{{item.q}}"}]},
        "sampling_params": {"temperature": 0, "max_completion_tokens": 12, "seed": 1},
    },
)
strict(RunCreateResponse, run, LATER)
assert run.id.startswith("evalrun_") and run.status == "queued" and run.per_model_usage is None, run
run = ended(test.id, run)
assert run.status == "completed" and run.error is None, run
assert run.result_counts.total == 5 and run.result_counts.errored == 0, run.result_counts
assert run.result_counts.passed + run.result_counts.failed == 5, run.result_counts
usage = run.per_model_usage[0]
assert usage.run_model_name == model and usage.invocation_count == 5 and usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage
assert [c.testing_criteria for c in run.per_testing_criteria_results] == names, run.per_testing_criteria_results
items = list(client.evals.runs.output_items.list(run.id, eval_id=test.id, limit=2))
assert [i.datasource_item_id for i in items] == [0, 1, 2, 3, 4], items
for i in items:
    strict(OutputItemRetrieveResponse, client.evals.runs.output_items.retrieve(i.id, eval_id=test.id, run_id=run.id))
    assert i.datasource_item["a"] in i.sample.input[0].content and i.sample.model == model and i.sample.seed == 1, i
    assert i.sample.usage.completion_tokens <= 12 and i.sample.finish_reason in ("stop", "length"), i
    said = i.datasource_item["a"].lower() in i.sample.output[0].content.lower()
    assert i.results[0].passed == said and i.results[0].name == names[0], i
    assert (i.status == "pass") == all(r.passed for r in i.results), i
passing = list(client.evals.runs.output_items.list(run.id, eval_id=test.id, status="pass"))
assert len(passing) == run.result_counts.passed, passing
assert [r.id for r in client.evals.runs.list(test.id, status="completed")] == [run.id]

# The same rows from a file, as the responses API has them; deterministic.
file = client.files.create(file=("rows.jsonl", "".join(json.dumps(r) + "\n" for r in rows).encode()), purpose="evals")
again = ended(test.id, client.evals.runs.create(
    test.id,
    data_source={
        "type": "responses",
        "model": model,
        "source": {"type": "file_id", "id": file.id},
        "input_messages": {"type": "template", "template": [{"role": "user", "content": [{"type": "input_text", "text": "{{item.q}}"}], "type": "message"}]},
        "sampling_params": {"temperature": 0, "max_completion_tokens": 12, "seed": 1},
    },
))
assert again.status == "completed" and again.result_counts == run.result_counts, again
for a, b in zip(items, client.evals.runs.output_items.list(again.id, eval_id=test.id)):
    assert a.sample.output == b.sample.output and a.status == b.status, (a, b)

# Answers that are there already.
given = ended(test.id, client.evals.runs.create(test.id, data_source={
    "type": "jsonl",
    "source": {"type": "file_content", "content": [{"item": {"q": "?", "a": "red"}, "sample": {"output_text": "Red."}}, {"item": {"q": "?", "a": "red"}, "sample": {"output_text": "blue"}}]},
}))
assert (given.result_counts.passed, given.result_counts.failed) == (1, 1) and given.per_model_usage == [], given

# A run is cancelled by a POST on it.
long = client.evals.runs.create(test.id, data_source={
    "type": "completions", "model": model, "source": {"type": "file_content", "content": rows * 40},
    "input_messages": {"type": "template", "template": [{"role": "user", "content": "{{item.q}}"}]},
    "sampling_params": {"max_completion_tokens": 200},
})
stopped = strict(RunCancelResponse, client.evals.runs.cancel(long.id, eval_id=test.id), LATER)
assert stopped.status == "canceled" and stopped.result_counts.total < 200, stopped
try:
    client.evals.runs.cancel(long.id, eval_id=test.id)
    raise AssertionError("cancelled twice")
except openai.BadRequestError as e:
    assert e.code == "invalid_run_state", e.body

# Graders by themselves.
grade = client.fine_tuning.alpha.graders
for grader, sample, want in [
    ({"type": "string_check", "name": "s", "input": "{{sample.output_text}}", "reference": "{{item.a}}", "operation": "like"}, "bright red", 1),
    ({"type": "text_similarity", "name": "f", "input": "{{sample.output_text}}", "reference": "{{item.a}}", "evaluation_metric": "fuzzy_match"}, "rod", 2 / 3),
    ({"type": "multi", "name": "m", "calculate_output": "0.5 * json + 0.25", "graders": {
        "json": {"type": "string_check", "name": "j", "input": "{{sample.output_json.colour}}", "reference": "{{item.a}}", "operation": "eq"}}}, '{"colour": "red"}', 0.75),
]:
    assert grade.validate(grader=grader).grader.type == grader["type"]
    r = strict(GraderRunResponse, grade.run(grader=grader, model_sample=sample, item={"a": "red"}))
    assert abs(r.reward - want) < 1e-6 and not any(v for v in r.metadata.errors.model_dump().values()), r
    assert r.metadata.type == grader["type"] and r.metadata.execution_time >= 0, r

# Every evaluation_metric, as the programs have it that made it known (reference/metrics.py).
# bertscore is graft's own; cosine and bertscore are a real model's.
oracle = json.loads((pathlib.Path(__file__).parent / "../../evalharness/metrics/testdata/similarities.json").read_text("utf-8"))
assert set(oracle["want"]) == {"cosine", "fuzzy_match", "bleu", "gleu", "meteor", "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l", "bertscore"}, oracle["want"].keys()
for metric, scores in oracle["want"].items():
    grader = {"type": "text_similarity", "name": "s", "input": "{{sample.output_text}}", "reference": "{{item.a}}", "evaluation_metric": metric}
    for (sample, reference), want in zip(oracle["pairs"], scores):
        r = grade.run(grader=grader, model_sample=sample, item={"a": reference})
        assert abs(r.reward - want) < (1e-5 if metric in ("cosine", "bertscore") else 1e-12), (metric, sample, reference, r.reward, want)
        signature = r.metadata.model_extra["x_signature"]
        assert metric not in ("cosine", "bertscore") or signature.endswith("|model:" + embedder), signature
measured = client.evals.create(
    data_source_config={"type": "custom", "item_schema": {"type": "object", "properties": {"a": {"type": "string"}}}, "include_sample_schema": True},
    testing_criteria=[{"type": "text_similarity", "name": m, "input": "{{sample.output_text}}", "reference": "{{item.a}}", "evaluation_metric": m, "pass_threshold": 0.4} for m in oracle["want"]],
)
graded = client.evals.runs.create(measured.id, data_source={"type": "jsonl", "source": {
    "type": "file_content", "content": [{"item": {"a": b}, "sample": {"output_text": a}} for a, b in oracle["pairs"]]}})
graded = ended(measured.id, graded)
assert graded.status == "completed" and graded.result_counts.errored == 0, graded
for i in client.evals.runs.output_items.list(graded.id, eval_id=measured.id):
    for result, (metric, scores) in zip(i.results, oracle["want"].items()):
        want = scores[i.datasource_item_id]
        assert abs(result.score - want) < 1e-5 and result.passed == (result.score >= 0.4) and result.name.startswith(metric + "-"), (metric, result, want)

r = grade.run(grader={"type": "score_model", "name": "judge", "model": model, "range": [0, 10], "sampling_params": {"seed": 3},
                      "input": [{"role": "user", "content": "Rate this answer from 0 to 10: {{sample.output_text}}"}]}, model_sample="blue", item={})
assert 0 <= r.reward <= 10 and r.metadata.sampled_model_name == model and r.metadata.token_usage > 0, r
assert r.api_model_grader_token_usage_per_model[model]["total_tokens"] == r.metadata.token_usage, r
r = grade.run(grader={"type": "string_check", "name": "s", "input": "{{item.nobody}}", "reference": "", "operation": "eq"}, model_sample="x", item={})
assert r.reward == 0 and r.metadata.errors.invalid_variable_error, r
for bad, param in [
    ({"type": "python", "name": "p", "source": "def grade(sample, item): return 1.0"}, "grader.type"),
    ({"type": "score_model", "name": "x", "model": "no-such-model", "input": [{"role": "user", "content": "x"}]}, "model"),
    ({"type": "string_check", "name": "x", "input": "{{", "reference": "", "operation": "eq"}, "grader.input"),
]:
    try:
        grade.validate(grader=bad)
        raise AssertionError(f"{bad} is accepted")
    except openai.APIStatusError as e:
        assert e.status_code in (400, 404) and e.param == param, (param, e.body)

for bad, param in {
    "data_source.model": {"type": "completions", "source": {"type": "file_content", "content": rows}},
    "data_source.source": {"type": "jsonl", "source": {"type": "file_content", "content": [{"item": {"q": "?"}, "sample": {}}]}},
    "data_source.source.id": {"type": "jsonl", "source": {"type": "file_id", "id": "file-none"}},
    "data_source.source.type": {"type": "responses", "model": model, "source": {"type": "responses", "model": "x"}},
}.items():
    try:
        client.evals.runs.create(test.id, data_source=param)
        raise AssertionError(f"{param} is accepted")
    except openai.BadRequestError as e:
        assert e.param == bad, (bad, e.body)

gone = client.evals.runs.delete(given.id, eval_id=test.id)
assert gone.object == "eval.run.deleted" and gone.deleted and gone.run_id == given.id, gone
gone = client.evals.delete(test.id)
assert gone.object == "eval.deleted" and gone.deleted and gone.eval_id == test.id, gone
try:
    client.evals.runs.retrieve(run.id, eval_id=test.id)
    raise AssertionError("a deleted eval has runs")
except openai.NotFoundError as e:
    assert e.param == "eval_id", e.body
print("ok")
