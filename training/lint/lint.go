package lint

import (
	"context"
	"fmt"
	"slices"

	"graft/training"
	"graft/training/dataset"
)

// Scorer is a model that judges how hard examples are.
type Scorer interface {
	// Loss is the mean loss of the trained tokens of each example under the base
	// model, in nats.
	Loss(ctx context.Context, examples []training.Example) ([]float64, error)
}

// Embedder is a model that turns texts into vectors.
type Embedder interface {
	// Embed returns a vector of length 1 for each text.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// File is rows of another file, to be kept apart from those that are trained on.
type File struct {
	Name string
	Rows []dataset.Row
	// Validation: the file chooses among checkpoints and proves nothing, so that copies
	// in it are a warning. In a file that the result is judged by they are an error.
	Validation bool
}

// Input is what is looked at.
type Input struct {
	Set      *dataset.Set
	Others   []File   // validation and test files
	Scorer   Scorer   // nil: no checks of difficulty
	Scored   int      // tokens that the Scorer reads at most; 0: 8192
	Embedder Embedder // nil: other files are compared by words alone

	report *Report // that checks add to beside their findings
}

// check is one of the checks.
type check func(ctx context.Context, in *Input) ([]Finding, error)

var checks = []check{encoding, duplicates, contradictions, formats, labels, lengths, machine, templates, secrets, contamination, meaning, difficulty}

// Run makes all checks.
func Run(ctx context.Context, in Input) (*Report, error) {
	s := in.Set
	r := &Report{File: s.Problems.File, Kind: string(s.Kind), Rows: len(s.Rows), Examples: len(s.Examples) + len(s.Pairs), Tokens: s.Tokens, Trained: s.Trained, Longest: s.Longest}
	r.Findings, in.report = schema(s), r
	for _, c := range checks {
		found, err := c(ctx, &in)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if f.File == "" {
				f.File = s.Problems.File
			}
			r.Findings = append(r.Findings, f)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return rank(a) - rank(b) })
	for _, f := range r.Findings {
		if f.Severity == Error {
			r.Errors++
		} else {
			r.Warnings++
		}
	}
	r.Errors += s.Total - len(s.List)
	return r, nil
}

func rank(f Finding) int {
	if f.Severity == Error {
		return 0
	}
	return 1
}

// schema is what was wrong when the file was read.
func schema(s *dataset.Set) []Finding {
	out := []Finding{}
	for _, p := range s.List {
		f := Finding{Check: p.Code, Severity: Error, File: p.File, Field: p.Field, Count: 1, Message: p.Text, Fix: p.Fix}
		if p.Line > 0 {
			f.Lines = []int{p.Line}
		}
		out = append(out, f)
	}
	for _, c := range []struct {
		list      []int
		code, say string
	}{{s.Dropped, "too_long", "left out because they have too many tokens"}, {s.Cut, "too_long", "cut because they have too many tokens: their ends are not learnt"}} {
		if len(c.list) > 0 {
			f := lines(c.code, c.list)
			f.File, f.Message, f.Fix = s.Problems.File, fmt.Sprintf("%s %s", rows(f.Count), c.say), "shorten them, or raise the limit"
			out = append(out, f)
		}
	}
	return out
}

// have counts in words.
func have(n int) string {
	if n == 1 {
		return "1 row has"
	}
	return fmt.Sprintf("%d rows have", n)
}

// rows counts in words.
func rows(n int) string {
	if n == 1 {
		return "1 row is"
	}
	return fmt.Sprintf("%d rows are", n)
}
