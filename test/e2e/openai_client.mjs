// Drives a running graft with the official openai package for Node, unmodified.
// usage: node openai_client.mjs BASE_URL CHAT_MODEL EMBEDDING_MODEL
import assert from "node:assert/strict";
import OpenAI from "openai";

const [base, model, embedder] = process.argv.slice(2);
const client = new OpenAI({ baseURL: base + "/v1", apiKey: "none", maxRetries: 0 });
const ask = {
  model,
  messages: [{ role: "user", content: "What is the capital of France? Answer in one sentence." }],
  temperature: 0,
  max_tokens: 24,
};

const listed = [];
for await (const m of await client.models.list()) listed.push(m.id);
assert.equal(listed[0], model);

const whole = await client.chat.completions.create(ask);
const text = whole.choices[0].message.content;
assert.match(text, /Paris/);

let streamed = "", usage = null;
for await (const chunk of await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(streamed, text);
assert.equal(usage.completion_tokens, whole.usage.completion_tokens);

const runner = client.chat.completions.stream(ask);
assert.equal((await runner.finalMessage()).content, text);

// The Node package asks for base64 unless told otherwise.
const e = await client.embeddings.create({ model: embedder, input: ["a cat", "a dog"] });
assert.equal(e.data.length, 2);
assert.ok(Math.abs(e.data[0].embedding.reduce((s, x) => s + x * x, 0) - 1) < 1e-3);

const r = await client.responses.create({ model, input: "What is the capital of France? Answer in one sentence.", temperature: 0, max_output_tokens: 24 });
assert.match(r.output_text, /Paris/);

// Leaving a stream in the middle must free the server at once.
const abandoned = await client.chat.completions.create({ ...ask, max_tokens: 500, stream: true });
for await (const chunk of abandoned) break;
assert.equal((await client.chat.completions.create(ask)).choices[0].message.content, text);

await assert.rejects(
  client.chat.completions.create({ ...ask, model: "no-such-model" }),
  (err) => err instanceof OpenAI.NotFoundError && err.code === "model_not_found",
);
await assert.rejects(
  client.chat.completions.create({ ...ask, temperature: 9 }),
  (err) => err instanceof OpenAI.BadRequestError && err.param === "temperature",
);
console.log("ok");
