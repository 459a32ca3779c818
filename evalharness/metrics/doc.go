// Package metrics holds the measures of what a model answers: how right it is, how
// near to a reference, and what another model thinks of it. Each is computed as the
// program that made it known computes it, to the last bit of a case where that is a
// ratio of small numbers; its signature names that program, version and options.
//
//	[]Case ─ Metric.Cases  ─ one value a case (binary, continuous)
//	       └ Metric.Corpus ─ the value that is reported
//
// The package knows nothing of arms, runs and models: what needs a model takes a
// function (Embed, Encode, Judge), and asks it in Metric.Prepare. One file holds one family
// and registers it; named_test.go says what each metric is held to.
package metrics
