package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"graft/evalharness"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// page is the template; html/template escapes every text by the place it stands in. It
// is made at its first use, since most starts of the program need none.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"moment": moment, "upper": strings.ToUpper, "short": short, "integer": integer, "pvalue": pValue, "caseID": caseID, "lines": lines, "usage": usage, "sentence": sentence,
		"percent": unit{percent: true}.value, "points": unit{percent: true}.diff,
		"change": func(base, adapter float64) string { return unit{percent: true}.diff(adapter - base) },
	}).Parse(pageText))
})

// HTML writes a page that needs no other file and no network, and runs no program.
func HTML(w io.Writer, r *evalharness.Result) error { return page().Execute(w, newView(r)) }

// view is what the template shows beside the result itself.
type view struct {
	R           *evalharness.Result
	Style       template.CSS
	Headline    string
	Tone, Lead  string // of a page without a verdict
	Next        string // address of more cases
	Panels      []evalharness.Panel
	Main        *comparison
	Parts       []part
	Comparisons []comparison
	Intervals   template.HTML
	Values      template.HTML
	Ladder      template.HTML
	Losses      template.HTML
	Metrics     []evalharness.Metric
	Arms        []arm
	Rungs       []rung
	Slices      []sliceTable
	Confusions  []confusion
	Cases       []caseView
	Lost, Won   int

	unit unit
}

// Value writes a value of the primary metric, Delta a difference.
func (v *view) Value(x float64) string { return v.unit.value(x) }
func (v *view) Delta(x float64) string { return v.unit.diff(x) }
func (v *view) UnitName() string       { return v.unit.name() }

type part struct{ ID, Title string }

type comparison struct {
	A, B, Metric, Outcome, Tone, Reason string
	Diff, Unit, Low95, High95, P, Test  string
	Margin, More                        string
	N, Wins, Losses, Ties               int
	Primary                             bool
	Guards                              []evalharness.Guard
}

type arm struct {
	Name, Kind, Model, Generation string
	Values                        []cell
	Invalid, Tokens, Time         string
	Failed                        int
	Prompt                        evalharness.Prompt
}

type cell struct{ Value, Range, More string }

type rung struct {
	Arm, Kind, Value, Range, P, Tokens, Time, Cost string
	Recommended, Best, Tied                        bool
}

type sliceTable struct {
	A, B string
	Rows []slice
}

type slice struct {
	Tag, A, B, Diff, Range, P, Tone string
	N                               int
}

func newView(r *evalharness.Result) *view {
	v := &view{R: r, Style: template.CSS(pageStyle), Headline: "no comparison", Tone: "even", Metrics: r.Settings.Metrics,
		Intervals: intervals(r), Values: values(r), Ladder: ladder(r), Losses: losses(r.Training),
		unit: unitOf(metricNamed(r, r.Settings.Primary))}
	for _, c := range r.Comparisons {
		v.Comparisons = append(v.Comparisons, newComparison(r, &c))
		if len(c.Slices) > 0 {
			v.Slices = append(v.Slices, newSlices(r, &c))
		}
	}
	// Without an adapter nothing was registered beforehand: the ladder has the say.
	if i := primary(r); i >= 0 {
		v.Main = &v.Comparisons[i]
		v.Headline = v.Main.Outcome
	} else if r.Ladder != nil {
		v.Headline, v.Lead = "advice", strings.TrimSuffix(r.Ladder.Advice, ".")
	}
	for i := range r.Arms {
		v.Arms = append(v.Arms, v.arm(&r.Arms[i]))
		if r.Arms[i].Confusion != nil {
			v.Confusions = append(v.Confusions, newConfusion(&r.Arms[i]))
		}
	}
	if r.Ladder != nil {
		for _, g := range r.Ladder.Rungs {
			v.Rungs = append(v.Rungs, v.rung(&g))
		}
	}
	v.Panels = panels(r)
	v.addCases()
	v.addParts()
	return v
}

// primary is the place of the comparison that was registered beforehand; -1: there is none.
func primary(r *evalharness.Result) int {
	return slices.IndexFunc(r.Comparisons, func(c evalharness.Comparison) bool { return c.Primary })
}

// panels are all of a result, the one that has a say first.
func panels(r *evalharness.Result) (list []evalharness.Panel) {
	if r.Panel != nil {
		list = append(list, *r.Panel)
	}
	return append(list, r.Panels...)
}

func (v *view) addParts() {
	r := v.R
	for _, p := range []struct {
		is        bool
		id, title string
	}{
		{len(r.Todo) > 0, "todo", "What to fix"}, {true, "intervals", "Intervals"}, {true, "arms", "Arms"}, {r.Ladder != nil, "ladder", "Ladder"},
		{len(v.Slices) > 0, "slices", "Slices"}, {len(v.Confusions) > 0, "confusion", "Confusion"}, {r.Forgetting != nil, "forgetting", "Forgetting"},
		{len(v.Panels) > 0, "panel", "Panel"}, {r.Training != nil, "training", "Training"}, {len(r.Lint) > 0, "lint", "Checks"},
		{true, "cases", "Cases"}, {true, "ledger", "Fairness"}, {true, "repeat", "Repeat"},
	} {
		if p.is {
			v.Parts = append(v.Parts, part{p.id, p.title})
		}
	}
}

func newComparison(r *evalharness.Result, c *evalharness.Comparison) comparison {
	u, d := unitOf(metricNamed(r, c.Metric)), c.Verdict
	out := comparison{A: c.A, B: c.B, Metric: c.Metric, Outcome: d.Outcome, Tone: tone(d.Outcome), Reason: d.Reason, Primary: c.Primary,
		Diff: u.diff(d.Diff), Unit: u.name(), Low95: u.diff(d.Low95), High95: u.diff(d.High95), P: pValue(d.P), Test: d.Test,
		Margin: strings.TrimPrefix(u.diff(d.Margin), "+") + u.name(), N: d.N, Wins: d.Wins, Losses: d.Losses, Ties: d.Ties, Guards: d.Guards}
	if d.MoreCases > 0 && d.Outcome == evalharness.NotEnough {
		out.More = integer(int64(d.MoreCases)) + " more"
	}
	return out
}

func newSlices(r *evalharness.Result, c *evalharness.Comparison) sliceTable {
	u := unitOf(metricNamed(r, c.Metric))
	s := sliceTable{A: c.A, B: c.B}
	for _, row := range c.Slices {
		one := slice{Tag: row.Tag, N: row.N, A: u.value(row.A), B: u.value(row.B), Diff: u.diff(row.Diff), Range: u.diff(row.Low95) + " to " + u.diff(row.High95), P: pValue(row.Adjusted)}
		s.Rows = append(s.Rows, one)
	}
	return s
}

func (v *view) arm(a *evalharness.Arm) arm {
	out := arm{Name: a.Name, Kind: words(a.Kind), Model: a.Model, Generation: a.Generation, Failed: a.Failed, Prompt: a.Prompt, Invalid: unit{percent: true}.value(a.Invalid)}
	for _, m := range v.Metrics {
		c := cell{Value: "–"}
		if x, ok := a.Metrics[m.Name]; ok {
			u := unitOf(m)
			if c.Value = u.value(x.Value); x.Low != 0 || x.High != 0 {
				c.Range = u.value(x.Low) + " to " + u.value(x.High)
			}
			c.More = DetailsText(x.Details)
		}
		out.Values = append(out.Values, c)
	}
	out.Tokens = integer(int64(a.Usage.PromptTokens)) + " · " + integer(int64(a.Usage.CompletionTokens))
	if n := max(a.Usage.Calls, len(a.Answers)); n > 0 {
		out.Time = millis(a.Usage.Ms / float64(n))
	}
	return out
}

func (v *view) rung(g *evalharness.Rung) rung {
	out := rung{Arm: g.Arm, Kind: words(g.Kind), Value: v.unit.value(g.Value), Range: v.unit.value(g.Low) + " to " + v.unit.value(g.High), P: pValue(g.P),
		Tokens: fmt.Sprintf("%.0f · %.0f", g.PromptTokens, g.Tokens), Time: millis(g.Ms), Cost: "nothing correct",
		Recommended: g.Arm == v.R.Ladder.Recommend, Best: g.Arm == v.R.Ladder.Best, Tied: g.Tied}
	if out.Best {
		out.P = "–"
	}
	if g.CostPerCorrect != nil {
		out.Cost = cost(*g.CostPerCorrect, g.CostUnit)
	}
	return out
}

// words makes a kind readable.
func words(kind string) string { return strings.ReplaceAll(kind, "_", " ") }

func usage(u evalharness.Usage) string {
	s := integer(int64(u.Calls)) + " · " + integer(int64(u.PromptTokens+u.CompletionTokens)) + " · " + millis(u.Ms)
	if u.Cost > 0 {
		s += fmt.Sprintf(" · cost %.4g", u.Cost)
	}
	return s
}

// caseID is the anchor of a case: whatever the id holds, it is one word.
func caseID(id string) string { return "case-" + fmt.Sprintf("%x", id) }

// lines lists numbers, the first forty of them.
func lines(list []int) string {
	var b strings.Builder
	for i, n := range list {
		if i == 40 {
			fmt.Fprintf(&b, " and %d more", len(list)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}
