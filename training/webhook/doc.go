// Package webhook tells endpoints that fine-tuning jobs have ended, as OpenAI does: a
// JSON object in a POST that is signed by the Standard Webhooks specification 1.0.
//
//	job ends ──(one transaction)──> table webhooks ──> Sender ──> endpoint
//	                                     ^               │
//	                                     └── try later ──┘
//
// A webhook is kept until its endpoint has answered with 2xx, for three days at most. A
// process that is killed goes on with what is there, so that an endpoint may be told twice:
// by the same webhook-id, as the specification asks.
package webhook
