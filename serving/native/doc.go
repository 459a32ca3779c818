// Package native is the embedded engine: it answers requests with graft's own
// models, on this machine.
//
//	Backend.Generate: messages → template → tokens; residency: adapters in memory
//	   │ job                                   ▲ events, through a mailbox
//	   ▼                                       │
//	engine: one goroutine owns all that follows, no locks inside
//	   scheduler   who computes which tokens in the next step; pure policy
//	   blocks      which blocks of the cache hold which tokens; prefix cache
//	   speculate   guesses of the next tokens that are worth computing beside
//	   runner      the model: one pass over the rows of all sequences → logits
//	   sampler     logits → token, one per sequence, and one for each right guess
//	   stream      token → text, stop strings, tool calls → events
//
// Adapters are brought into memory by the goroutines of the requests that want
// them, in the place of blocks that the engine lends, before the job begins; the
// engine lets go of them when the job is closed.
//
// A sequence is one answer being computed. A step computes some tokens of many
// sequences at once. The numbers of a sequence never depend on which other
// sequences were in its steps, on how its prompt was cut into steps, on what the
// prefix cache held, on what was guessed, on whether it was preempted, or on which adapters came and
// went meanwhile: identity_test.go and backend_adapters_test.go hold this to the
// last bit.
package native
