// Package neutral has a text that no task is about: what a model loses on it, it has
// forgotten.
package neutral

import (
	_ "embed"
)

// Text is about 4.5 kB of plain English prose, one paragraph a line, with empty lines
// between, written for graft so that no model has learnt it by heart. Figures measured
// on it are comparable only while it stays as it is: a change of one byte makes all of
// them another measure.
//
//go:embed text.txt
var Text string
