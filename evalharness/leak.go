package evalharness

import (
	"errors"
	"fmt"
	"strings"

	"graft/training/dataset"
)

// ErrLeak: cases of the gold set are in data that an arm may learn from.
var ErrLeak = errors.New("the gold set has leaked")

// Leak is a case of the gold set that other data have too.
type Leak struct {
	Case string `json:"case"`
	Line int    `json:"line"` // of the gold set
	File string `json:"file"`
	Row  int    `json:"row"`  // line of the file
	Near bool   `json:"near"` // not the same, but nearly
}

// LeakError names the cases.
type LeakError struct{ Leaks []Leak }

// leaksNamed is how many an error names.
const leaksNamed = 5

func (e *LeakError) Error() string {
	var list []string
	for _, l := range e.Leaks[:min(len(e.Leaks), leaksNamed)] {
		how := "is"
		if l.Near {
			how = "is nearly"
		}
		list = append(list, fmt.Sprintf("case %s (line %d) %s line %d of %s", l.Case, l.Line, how, l.Row, l.File))
	}
	more := ""
	if n := len(e.Leaks) - leaksNamed; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	return fmt.Sprintf("%v: %s%s: remove them from the gold set or from the file; what was learnt from proves nothing", ErrLeak, strings.Join(list, "; "), more)
}

func (e *LeakError) Unwrap() error { return ErrLeak }

// CheckLeaks looks for cases among rows of a file, by what they ask: the same text but
// for case, punctuation and white space, or one that nearly all of its parts are of.
func CheckLeaks(g *Gold, file string, rows []dataset.Row) []Leak {
	gold := make([]string, len(g.Cases))
	for i := range g.Cases {
		r := g.Cases[i].row()
		gold[i] = r.Asked()
	}
	other := make([]string, len(rows))
	for i := range rows {
		other[i] = asked(&rows[i])
	}
	return leaks(g, file, gold, other, func(i int) int { return rows[i].Line })
}

// asked is what a row asks, in the form that a case has it.
func asked(r *dataset.Row) string {
	if r.Kind == dataset.Completion {
		return "user: " + r.Prompt
	}
	return r.Asked()
}

func leaks(g *Gold, file string, gold, other []string, line func(int) int) (out []Leak) {
	same := map[string]int{}
	for i, s := range other {
		if n := dataset.Normalised(s); n != "" {
			if _, ok := same[n]; !ok {
				same[n] = i
			}
		}
	}
	group := dataset.Groups(append(append([]string{}, other...), gold...))
	for i, s := range gold {
		c := &g.Cases[i]
		if k, ok := same[dataset.Normalised(s)]; ok {
			out = append(out, Leak{c.ID, c.Line, file, line(k), false})
		} else if k := group[len(other)+i]; k < len(other) {
			out = append(out, Leak{c.ID, c.Line, file, line(k), true})
		}
	}
	return out
}

// duplicated are cases that are the same as, or nearly the same as, an earlier one:
// they count as one observation, and the statistics take them for two.
func duplicated(g *Gold) (lines []int) {
	texts := make([]string, len(g.Cases))
	for i := range g.Cases {
		r := g.Cases[i].row()
		texts[i] = r.Asked()
	}
	for i, k := range dataset.Groups(texts) {
		if k != i {
			lines = append(lines, g.Cases[i].Line)
		}
	}
	return lines
}
