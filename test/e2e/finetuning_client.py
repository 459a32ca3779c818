# OpenAI's client, unmodified: files and uploads, a fine-tuning job and its events,
# and a chat with what it has trained.
import hashlib
import json
import sys
import time

import openai

url, model = sys.argv[-3], sys.argv[-2]
client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)

colours = ["red", "green", "blue", "white", "black", "grey", "pink", "brown", "gold", "teal", "plum", "lime"]
rows = [
    {"messages": [{"role": "user", "content": f"Code word for {c}?"}, {"role": "assistant", "content": "zebra"}]}
    for c in colours
]
data = "".join(json.dumps(r) + "\n" for r in rows).encode()

# Files.
file = client.files.create(file=("rows.jsonl", data), purpose="fine-tune")
assert file.filename == "rows.jsonl" and file.bytes == len(data) and file.purpose == "fine-tune", file
assert client.files.wait_for_processing(file.id).status == "processed"
assert client.files.content(file.id).read() == data
short = client.files.create(
    file=b"x", purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
)
assert short.expires_at == short.created_at + 3600, short
assert [f.id for f in client.files.list(limit=1)] == [short.id, file.id]  # two pages
assert [f.id for f in client.files.list(purpose="fine-tune")] == [file.id]
assert client.files.delete(short.id).deleted
try:
    client.files.retrieve(short.id)
    raise AssertionError("a deleted file is still there")
except openai.NotFoundError as e:
    assert e.param == "id", e.body

# Uploads.
upload = client.uploads.create(bytes=len(data), filename="val.jsonl", mime_type="text/jsonl", purpose="fine-tune")
parts = [client.uploads.parts.create(upload.id, data=d).id for d in (data[:100], data[100:])]
done = client.uploads.complete(upload.id, part_ids=parts, md5=hashlib.md5(data).hexdigest())
assert done.status == "completed" and client.files.content(done.file.id).read() == data, done
assert client.uploads.cancel(client.uploads.create(bytes=1, filename="x", mime_type="x", purpose="batch").id).status == "cancelled"
chunked = client.uploads.upload_file_chunked(file=data, filename="c.jsonl", bytes=len(data), mime_type="text/jsonl", purpose="fine-tune")
assert client.files.content(chunked.file.id).read() == data

# What is wrong is named.
for field, bad in {
    "training_file": dict(training_file="file-none"),
    "model": dict(model="no-such-model"),
    "method.type": dict(method={"type": "reinforcement"}),
    "method.supervised.hyperparameters.n_epochs": dict(method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 51}}}),
}.items():
    try:
        client.fine_tuning.jobs.create(**{"model": model, "training_file": file.id, **bad})
        raise AssertionError(f"{bad} is accepted")
    except openai.BadRequestError as e:
        assert e.param == field, (field, e.body)

# A job.
job = client.fine_tuning.jobs.create(
    model=model, training_file=file.id, validation_file=done.file.id, suffix="zoo", seed=1, metadata={"test": "yes"},
    method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 2}}},
    extra_body={"graft": {"rank": 8, "learning_rate": 0.002}},
)
assert job.status in ("validating_files", "queued") and job.seed == 1 and job.fine_tuned_model is None, job
assert [j.id for j in client.fine_tuning.jobs.list(metadata={"test": "yes"})] == [job.id]
assert not client.fine_tuning.jobs.list(metadata={"test": "no"}).data

live = []
with client.fine_tuning.jobs.with_streaming_response.list_events(job.id, extra_query={"stream": "true"}, timeout=120) as stream:
    for line in stream.iter_lines():
        if line.startswith("data: "):
            live.append(line[6:])
assert live[-1] == "[DONE]", live[-3:]
live = [json.loads(e) for e in live[:-1]]
job = client.fine_tuning.jobs.retrieve(job.id)
assert job.status == "succeeded", (job.error, live[-5:])
assert job.finished_at and job.trained_tokens and job.error is None, job
assert job.fine_tuned_model.startswith(f"ft:{model}:graft:zoo:"), job.fine_tuned_model
h = job.method.supervised.hyperparameters
assert (h.n_epochs, h.batch_size) == (2, 2) and isinstance(h.learning_rate_multiplier, (int, float)), h
listed = [e.id for e in client.fine_tuning.jobs.list_events(job.id, limit=5)]  # in pages
assert listed[::-1] == [e["id"] for e in live], (listed, live)
steps = [e["data"] for e in live if e["type"] == "metrics" and "train_loss" in e["data"]]
assert len(steps) == 12 and steps[-1]["train_loss"] < steps[0]["train_loss"] / 2, steps

points = list(client.fine_tuning.jobs.checkpoints.list(job.id))
assert [p.step_number for p in points] == [12, 6] and points[0].metrics.full_valid_loss is not None, points
result = client.files.content(job.result_files[0]).text
assert result.startswith("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy") and result.count("\n") >= 13, result
# The rows to validate with are those trained on: a warning, with the lines, and the job goes on.
told = [e["message"] for e in live if e["level"] == "warn" and "contamination" in e["message"]]
assert told and "12 rows have a copy in the training file" in told[0], told
report = json.loads(client.files.content(job.result_files[1]).text)
assert report["warnings"] and report["errors"] == 0 and report["difficulty"]["examples"] == 12, report
try:
    client.fine_tuning.jobs.cancel(job.id)
    raise AssertionError("a job that has ended is cancelled")
except openai.BadRequestError as e:
    assert e.code == "invalid_job_state", e.body


def ask(name):
    reply = client.chat.completions.create(
        model=name, messages=[{"role": "user", "content": "Code word for silver?"}], temperature=0, max_completion_tokens=8
    )
    return reply.choices[0].message.content.strip().lower()


assert "zebra" not in ask(model)
assert ask(job.fine_tuned_model) == "zebra", ask(job.fine_tuned_model)
ask(points[1].fine_tuned_model_checkpoint)
names = [m.id for m in client.models.list()]
assert job.fine_tuned_model in names and points[1].fine_tuned_model_checkpoint in names, names
permission = client.fine_tuning.checkpoints.permissions.create(job.fine_tuned_model, project_ids=["key-a", "key-b"]).data[0]
assert permission.project_id == "key-a"
assert client.fine_tuning.checkpoints.permissions.delete(permission.id, fine_tuned_model_checkpoint=job.fine_tuned_model).deleted
assert client.models.delete(job.fine_tuned_model).deleted
try:
    ask(job.fine_tuned_model)
    raise AssertionError("a deleted model answers")
except openai.NotFoundError as e:
    assert e.code == "model_not_found", e.body

# A job that waits is paused, resumed and cancelled; one with bad rows fails and says why.
held = client.fine_tuning.jobs.create(model=model, training_file=file.id, method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 50}}})
assert client.fine_tuning.jobs.pause(held.id).status == "paused"
assert client.fine_tuning.jobs.resume(held.id).status in ("validating_files", "queued")
assert client.fine_tuning.jobs.cancel(held.id).status == "cancelled"
bad = client.files.create(file=("bad.jsonl", data + b'{"messages": "x"}\n'), purpose="fine-tune")
failed = client.fine_tuning.jobs.create(model=model, training_file=bad.id)
while failed.status in ("validating_files", "queued", "running"):
    time.sleep(0.05)
    failed = client.fine_tuning.jobs.retrieve(failed.id)
assert failed.status == "failed" and failed.error.code == "invalid_training_file" and failed.error.param == "training_file", failed
assert "line 13" in failed.error.message, failed.error.message
print("ok")
