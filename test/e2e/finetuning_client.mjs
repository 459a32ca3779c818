// OpenAI's client for Node, unmodified: a file, a fine-tuning job, a chat with the result.
import assert from 'node:assert/strict';
import OpenAI, { toFile } from 'openai';

const [url, model] = process.argv.slice(-3);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

const colours = ['red', 'green', 'blue', 'white', 'black', 'grey', 'pink', 'brown', 'gold', 'teal'];
const data = colours
  .map((c) => JSON.stringify({ messages: [{ role: 'user', content: `Code word for ${c}?` }, { role: 'assistant', content: 'zebra' }] }) + '\n')
  .join('');

const file = await client.files.create({ file: await toFile(Buffer.from(data), 'rows.jsonl'), purpose: 'fine-tune' });
assert.equal(file.bytes, data.length);
const ids = [];
for await (const f of client.files.list({ purpose: 'fine-tune' })) ids.push(f.id);
assert.deepEqual(ids, [file.id]);
assert.equal(await (await client.files.content(file.id)).text(), data);
const upload = await client.uploads.create({ bytes: 4, filename: 'x.txt', mime_type: 'text/plain', purpose: 'user_data' });
const part = await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from('text'), 'blob') });
const done = await client.uploads.complete(upload.id, { part_ids: [part.id] });
assert.equal(await (await client.files.content(done.file.id)).text(), 'text');
await assert.rejects(client.fineTuning.jobs.create({ model, training_file: done.file.id }), (e) => e.status === 400 && e.param === 'training_file');

let job = await client.fineTuning.jobs.create({
  model, training_file: file.id, seed: 2,
  method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 1, batch_size: 5, learning_rate_multiplier: 'auto' } } },
  graft: { rank: 4, validation_share: 0 },
});
while (!['succeeded', 'failed', 'cancelled'].includes(job.status)) {
  await new Promise((wake) => setTimeout(wake, 50));
  job = await client.fineTuning.jobs.retrieve(job.id);
}
assert.equal(job.status, 'succeeded', JSON.stringify(job.error));
const events = [];
for await (const e of client.fineTuning.jobs.listEvents(job.id, { limit: 3 })) events.push(e);
assert.match(events.at(-1).message, /^Created fine-tuning job/);
assert.equal(events.filter((e) => e.data?.train_loss !== undefined).length, 2);
const checkpoints = [];
for await (const p of client.fineTuning.jobs.checkpoints.list(job.id)) checkpoints.push(p.step_number);
assert.deepEqual(checkpoints, [2]);
const reply = await client.chat.completions.create({ model: job.fine_tuned_model, messages: [{ role: 'user', content: 'Hello' }], max_completion_tokens: 8 });
assert.equal(reply.model, job.fine_tuned_model);
assert.ok(reply.choices[0].message.content.length > 0);
assert.equal((await client.models.delete(job.fine_tuned_model)).deleted, true);
assert.equal((await client.files.delete(file.id)).deleted, true);
console.log('ok');
