package dataset

import (
	"fmt"
	"strings"
)

// Problem is something in a file that a training cannot start with.
type Problem struct {
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`  // from 1; 0: the file as a whole
	Field string `json:"field,omitempty"` // as in messages[2].content
	Code  string `json:"code"`
	Text  string `json:"message"` // what is wrong
	Fix   string `json:"fix"`     // what to do
}

func (p Problem) String() string {
	var where []string
	if p.File != "" {
		where = append(where, p.File)
	}
	if p.Line > 0 {
		where = append(where, fmt.Sprintf("line %d", p.Line))
	}
	if p.Field != "" {
		where = append(where, p.Field)
	}
	s := p.Text
	if len(where) > 0 {
		s = strings.Join(where, ", ") + ": " + s
	}
	if p.Fix != "" {
		s += "; " + p.Fix
	}
	return s
}

// InvalidError is a file that cannot be trained on.
type InvalidError struct {
	Problems []Problem // the first ones
	Total    int
}

// shown is how many problems an error's text names.
const shown = 5

func (e *InvalidError) Error() string {
	lines := make([]string, 0, shown+1)
	for _, p := range e.Problems[:min(len(e.Problems), shown)] {
		lines = append(lines, p.String())
	}
	if more := e.Total - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Problems collects what is wrong with a file.
type Problems struct {
	File  string
	List  []Problem
	Total int // also those beyond what is kept
	Most  int // kept; 0: 200
}

func (p *Problems) add(line int, field, code, text, fix string) {
	if p.Total++; len(p.List) < max(p.Most, 0) || p.Most == 0 && len(p.List) < 200 {
		p.List = append(p.List, Problem{p.File, line, field, code, text, fix})
	}
}

// Err is nil if there are no problems.
func (p *Problems) Err() error {
	if p.Total == 0 {
		return nil
	}
	return &InvalidError{Problems: p.List, Total: p.Total}
}
