# OpenAI's client, unmodified, is told by signed webhooks that jobs have ended.
import http.server
import json
import queue
import sys
import threading

import openai

port, url, model = int(sys.argv[-4]), sys.argv[-3], sys.argv[-2]
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"
client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0, webhook_secret=secret)
told, refused = queue.Queue(), threading.Event()


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not refused.is_set():  # the first attempt of all fails
            refused.set()
            self.send_response(503)
        else:
            told.put((body, dict(self.headers)))
            self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", port), Endpoint).serve_forever, daemon=True).start()

rows = [{"messages": [{"role": "user", "content": f"Say {i * i}."}, {"role": "assistant", "content": f"It is {i}."}]} for i in range(10)]
data = "".join(json.dumps(r) + "\n" for r in rows).encode()
good = client.files.create(file=("good.jsonl", data), purpose="fine-tune").id
bad = client.files.create(file=("bad.jsonl", data + b"{}\n"), purpose="fine-tune").id
method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1, "batch_size": 10}}}
want = {}
for name, file in {"failed": bad, "succeeded": good, "cancelled": good}.items():
    want[client.fine_tuning.jobs.create(model=model, training_file=file, method=method).id] = name
job = [j for j, name in want.items() if name == "cancelled"][0]
assert client.fine_tuning.jobs.cancel(job).status == "cancelled"

ids = set()
for _ in range(3):
    body, headers = told.get(timeout=120)
    event = client.webhooks.unwrap(body, headers)
    name = want.pop(event.data.id)
    assert type(event).__name__ == f"FineTuningJob{name.capitalize()}WebhookEvent" and event.type == f"fine_tuning.job.{name}", event
    job = client.fine_tuning.jobs.retrieve(event.data.id)
    assert event.object == "event" and event.created_at == job.finished_at and event.id.startswith("evt_") and job.status == name, (event, job)
    ids.add(headers["webhook-id"] if "webhook-id" in headers else headers["Webhook-Id"])
    for changed, other in (body.replace(b"fine_tuning", b"fine-tuning"), secret), (body, secret[:-4] + "AAAA"):
        try:
            client.webhooks.unwrap(changed, headers, secret=other)
            raise AssertionError("a wrong signature is accepted")
        except openai.InvalidWebhookSignatureError:
            pass
assert len(ids) == 3 and told.empty(), ids
print("ok")
