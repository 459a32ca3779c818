// Package grammar constrains what a model may write. A JSON Schema, a regular
// expression or a list of choices becomes a pushdown automaton over bytes; at
// each step the automaton says which tokens of the vocabulary may come next, so
// the finished text always matches.
//
//	schema, regex, choice, literal ──► Builder ──► graph of nodes (graph.go)
//	graph ──► lazily built deterministic states (automaton.go)
//	state × trie of token bytes (vocabulary.go) ──► bit mask, kept per state
//
// The states are sets of (node, stack of return nodes), made when first
// reached; a step from a known state by a known byte is one table look-up.
package grammar
