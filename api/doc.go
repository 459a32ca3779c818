// Package api is graft's HTTP surface: OpenAI's API, the routes of vLLM that
// evaluation clients use, and Ollama's API, over any serving.Backend.
//
//	request ─ requestID ─ observe ─ recover ─ auth ─ limits ─ handler
//	                                                            │ decode (object.go: strict, names the field)
//	                                                            │ validate, build a serving.Request
//	                                                            │ Backend.Generate ── events ─┐
//	response ◀── JSON, or server-sent events (sse.go) ◀─────────┴─────────────────────────────┘
//
// Each resource has one file: its wire structs, the interface it needs, and its
// handlers. router.go holds every route, errors.go every error.
package api
