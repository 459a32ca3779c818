package metrics

import (
	"slices"
	"strconv"
	"strings"
)

// Confusion counts which label was given where which was right.
type Confusion struct {
	Labels []string // sorted, or in declared order; with declared labels, other answers are counted in Invalid
	Counts [][]int  // [gold][predicted]
	// Invalid counts, per gold label, the answers that are none of the declared labels.
	Invalid []int
}

// pair is a case's right label and the given one, as indices into labels; -1 for a
// label that is not among them.
type pair struct{ gold, given int }

// pairs reads the labels of cases. Without declared labels, they are the sorted union
// of all strings that occur. A case with several references is right with any.
func pairs(cases []Case, o Options) ([]string, []pair) {
	norm := func(s string) string {
		if s = trim(s); o.FoldCase {
			s = lower(s)
		}
		return s
	}
	gold, given := make([]string, len(cases)), make([]string, len(cases))
	for i := range cases {
		given[i] = norm(cases[i].text())
		for k, r := range cases[i].References {
			if r = norm(r); k == 0 || r == given[i] {
				gold[i] = r
			}
		}
	}
	labels, index := o.Labels, map[string]int{}
	if len(labels) == 0 || o.RawLabels {
		labels = slices.Concat(gold, given)
		slices.Sort(labels)
		labels = slices.Compact(labels)
		for i, l := range labels {
			index[l] = i
		}
	}
	if len(index) == 0 {
		for i, l := range labels {
			index[norm(l)] = i
		}
	}
	at := func(s string) int {
		if i, ok := index[s]; ok {
			return i
		}
		return -1
	}
	ps := make([]pair, len(cases))
	for i := range ps {
		ps[i] = pair{at(gold[i]), at(given[i])}
	}
	return labels, ps
}

// Confuse makes the confusion matrix of cases. Of the options it reads the labels.
func Confuse(cases []Case, o Options) Confusion {
	labels, ps := pairs(cases, o)
	c := Confusion{Labels: labels, Counts: make([][]int, len(labels)), Invalid: make([]int, len(labels))}
	for i := range c.Counts {
		c.Counts[i] = make([]int, len(labels))
	}
	for _, p := range ps {
		switch {
		case p.gold < 0: // the gold set is wrong, which its reader says
		case p.given < 0:
			c.Invalid[p.gold]++
		default:
			c.Counts[p.gold][p.given]++
		}
	}
	return c
}

// InvalidLabelRate is the share of answers that are none of the labels; failed ones,
// being empty, are among them.
func InvalidLabelRate(cases []Case, labels []string) float64 {
	if len(cases) == 0 || len(labels) == 0 {
		return 0
	}
	_, ps := pairs(cases, Options{Labels: labels})
	var n int
	for _, p := range ps {
		if p.given < 0 {
			n++
		}
	}
	return float64(n) / float64(len(cases))
}

// quoted are labels, with quotes around those that have what signatures are parted by.
func quoted(labels []string) []string {
	out := slices.Clone(labels)
	for i, l := range out {
		if strings.ContainsAny(l, `,|"`) {
			out[i] = strconv.Quote(l)
		}
	}
	return out
}

// labelSignature is the part of a signature that says how labels are read.
func labelSignature(o Options) string {
	s := "|labels:union"
	if len(o.Labels) > 0 && !o.RawLabels {
		s = "|labels:" + strings.Join(quoted(o.Labels), ",")
	}
	if o.FoldCase {
		return s + "|norm:trim+lower"
	}
	return s + "|norm:trim"
}
