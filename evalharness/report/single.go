package report

import (
	"io"

	"graft/evalharness"
)

// Single is what a page says of a run that compares nothing: one model's answers, graded.
type Single struct {
	Headline string // what became of it
	Tone     string // good, bad, warn or even
	Lead     string // a sentence
	Next     string // address of the page with the cases that come after these; "": there is none
}

// Alone writes the page of such a run.
func Alone(w io.Writer, r *evalharness.Result, s Single) error {
	v := newView(r)
	v.Headline, v.Tone, v.Lead, v.Next = s.Headline, s.Tone, s.Lead, s.Next
	return page().Execute(w, v)
}
