// OpenAI's client for Node, unmodified: an eval, its run, its output items, graders.
import assert from 'node:assert/strict';
import OpenAI, { toFile } from 'openai';

const [url, model] = process.argv.slice(-3);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

const test = await client.evals.create({
  name: 'words',
  data_source_config: { type: 'custom', item_schema: { type: 'object', properties: { w: { type: 'string' } }, required: ['w'] }, include_sample_schema: true },
  testing_criteria: [{ type: 'string_check', name: 'has', input: '{{sample.output_text}}', reference: '{{item.w}}', operation: 'ilike' }],
});
assert.match(test.testing_criteria[0].id, /^has-[0-9a-f-]{36}$/);
assert.equal((await client.evals.retrieve(test.id)).name, 'words');
assert.equal((await client.evals.update(test.id, { name: 'more words' })).name, 'more words');
const listed = [];
for await (const e of client.evals.list({ limit: 1 })) listed.push(e.id);
assert.ok(listed.includes(test.id));

const words = ['apple', 'river', 'stone'];
const file = await client.files.create({ file: await toFile(Buffer.from(words.map((w) => JSON.stringify({ item: { w } }) + '\n').join('')), 'rows.jsonl'), purpose: 'evals' });
let run = await client.evals.runs.create(test.id, {
  name: 'r',
  data_source: {
    type: 'completions', model, source: { type: 'file_id', id: file.id },
    input_messages: { type: 'template', template: [{ role: 'user', content: 'Say {{item.w}}.' }] },
    sampling_params: { temperature: 0, max_completion_tokens: 10 },
  },
});
assert.equal(run.status, 'queued');
while (['queued', 'in_progress'].includes(run.status)) {
  await new Promise((wake) => setTimeout(wake, 50));
  run = await client.evals.runs.retrieve(run.id, { eval_id: test.id });
}
assert.equal(run.status, 'completed', JSON.stringify(run.error));
assert.equal(run.result_counts.total, 3);
assert.equal(run.per_model_usage[0].invocation_count, 3);
const items = [];
for await (const i of client.evals.runs.outputItems.list(run.id, { eval_id: test.id, limit: 1 })) items.push(i);
assert.deepEqual(items.map((i) => i.datasource_item.w), words);
for (const i of items) {
  assert.equal(i.results[0].passed, i.sample.output[0].content.toLowerCase().includes(i.datasource_item.w));
  assert.equal((await client.evals.runs.outputItems.retrieve(i.id, { eval_id: test.id, run_id: run.id })).id, i.id);
}
assert.equal(items.filter((i) => i.status === 'pass').length, run.result_counts.passed);
await assert.rejects(client.evals.runs.cancel(run.id, { eval_id: test.id }), (e) => e.status === 400 && e.code === 'invalid_run_state');

const grader = { type: 'text_similarity', name: 'g', input: '{{sample.output_text}}', reference: '{{item.w}}', evaluation_metric: 'rouge_l' };
assert.equal((await client.fineTuning.alpha.graders.validate({ grader })).grader.name, 'g');
const graded = await client.fineTuning.alpha.graders.run({ grader, model_sample: 'stone', item: { w: 'stone' } });
assert.ok(Math.abs(graded.reward - 1) < 1e-6);
assert.equal(Object.keys(graded.metadata.errors).length, 14);

assert.equal((await client.evals.runs.delete(run.id, { eval_id: test.id })).run_id, run.id);
assert.equal((await client.evals.delete(test.id)).deleted, true);
await assert.rejects(client.evals.retrieve(test.id), (e) => e.status === 404 && e.param === 'eval_id');
console.log('ok');
