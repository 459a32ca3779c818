// Package native is the embedded engine: it answers requests with graft's own
// models, on this machine.
//
//	Backend.Generate: messages → template → tokens
//	   │ job                                   ▲ events, through a mailbox
//	   ▼                                       │
//	engine: one goroutine owns all that follows, no locks inside
//	   scheduler   who computes which tokens in the next step; pure policy
//	   blocks      which blocks of the cache hold which tokens; prefix cache
//	   runner      the model: one pass over the rows of all sequences → logits
//	   sampler     logits → token, one per sequence
//	   stream      token → text, stop strings, tool calls → events
//
// A sequence is one answer being computed. A step computes some tokens of many
// sequences at once. The numbers of a sequence never depend on which other
// sequences were in its steps, on how its prompt was cut into steps, on what the
// prefix cache held, or on whether it was preempted: identity_test.go holds this
// to the last bit.
package native
