package report

import (
	"fmt"
	"io"
	"strings"

	"graft/evalharness"
)

// Markdown writes the verdict and the tables; of the cases, those that were lost.
func Markdown(w io.Writer, r *evalharness.Result) error {
	v := newView(r)
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("# %s: %s\n\n", md(r.Name), md(v.Headline))
	if m := v.Main; m != nil {
		p("**%s** against **%s**: %s%s in %s [%s, %s], p = %s (%s), %d cases: %d won, %d lost, %d tied.\n\n%s\n\n",
			md(m.A), md(m.B), m.Diff, m.Unit, md(m.Metric), m.Low95, m.High95, m.P, md(m.Test), m.N, m.Wins, m.Losses, m.Ties, md(m.Reason))
		if m.More != "" {
			p("Cases still needed: %s.\n\n", m.More)
		}
		for _, g := range m.Guards {
			p("- %s **%s**: %s\n", map[bool]string{true: "✓", false: "✗"}[g.Passed], md(g.Name), md(g.Detail))
		}
		p("\n")
	}
	for i, t := range r.Todo {
		if i == 0 {
			p("## What to fix in the data\n\n")
		}
		p("%d. **%s**: %s", i+1, md(t.Kind), md(t.Text))
		if len(t.Lines) > 0 {
			p(" (lines %s)", lines(t.Lines))
		}
		p("\n")
	}
	p("\n## Comparisons\n\n")
	table(&b, []string{"A", "B", "Metric", "Verdict", "Difference", "95 %", "p"}, func(row func(...string)) {
		for _, c := range v.Comparisons {
			row(c.A, c.B, c.Metric, c.Outcome, c.Diff+c.Unit, c.Low95+" to "+c.High95, c.P)
		}
	})
	p("## Arms\n\n")
	head := []string{"Arm", "Kind", "Model"}
	for _, m := range v.Metrics {
		head = append(head, m.Name)
	}
	table(&b, append(head, "Invalid", "Failed", "Tokens in · out", "Time a case"), func(row func(...string)) {
		for _, a := range v.Arms {
			cells := []string{a.Name, a.Kind, a.Model}
			for _, c := range a.Values {
				cells = append(cells, c.Value)
			}
			row(append(cells, a.Invalid, fmt.Sprint(a.Failed), a.Tokens, a.Time)...)
		}
	})
	for _, a := range v.Arms {
		for i, c := range a.Values {
			if c.More != "" {
				p("- %s of %s: %s\n", md(v.Metrics[i].Name), md(a.Name), md(c.More))
			}
		}
	}
	if r.Ladder != nil {
		p("## Ladder\n\n%s\n\n", md(r.Ladder.Advice))
		table(&b, []string{"Rung", r.Settings.Primary, "95 %", "p against the best", "Time a case", "Cost per correct"}, func(row func(...string)) {
			for _, g := range v.Rungs {
				row(g.Arm, g.Value, g.Range, g.P, g.Time, g.Cost)
			}
		})
	}
	for _, s := range v.Slices {
		p("## Slices: %s against %s\n\n", md(s.A), md(s.B))
		table(&b, []string{"Tag", "Cases", "A", "B", "Difference", "p adjusted"}, func(row func(...string)) {
			for _, x := range s.Rows {
				row(x.Tag, fmt.Sprint(x.N), x.A, x.B, x.Diff, x.P)
			}
		})
	}
	if f := r.Forgetting; f != nil {
		share := unit{percent: true}
		p("## Forgetting\n\n%s, %d items: base %s, adapter %s; with 95 %% not below %s points, allowed is a loss of %s: %s. %s\n\n", md(f.Suite), f.Items,
			share.value(f.Base), share.value(f.Adapter), share.diff(f.Low95), share.value(f.Margin), map[bool]string{true: "passed", false: "not passed"}[f.Passed], md(f.Advice))
	}
	for _, one := range v.Panels {
		p("## Blind panel: %s against %s\n\n%s.\n\n", md(one.A), md(one.B), md(one.Reason))
		if one.Judge != nil {
			p("%s.\n\n", md(one.Judge.Reason))
		}
	}
	p("## Lost cases\n\n")
	table(&b, []string{"Case", "Question", "Right", "A", "B"}, func(row func(...string)) {
		for _, c := range v.Cases {
			if c.Class == "bad" {
				row(c.ID, c.Question, clip(strings.Join(c.References, " / "), 200), clip(c.Answers[0].Output, 200), clip(c.Answers[1].Output, 200))
			}
		}
	})
	p("## Fairness\n\n")
	table(&b, []string{"Arm", "Training rows", "Dev rows", "Choosing: calls · tokens · time", "Gold: calls · tokens · time"}, func(row func(...string)) {
		for _, l := range r.Ledger {
			row(l.Arm, fmt.Sprint(l.TrainRows), fmt.Sprint(l.DevRows), usage(l.Choosing), usage(l.Asking))
		}
	})
	for _, n := range r.Notes {
		p("- %s\n", md(n))
	}
	p("\nRun `%s`, graft %s, %s. Pre-registration `%s`, gold `%s`, seed %d.\n", code(r.ID), md(r.Version), moment(r.Finished), code(r.Settings.Hash), code(r.Gold.Hash), r.Settings.Seed)
	_, err := io.WriteString(w, b.String())
	return err
}

// table writes a table; without rows, that there are none.
func table(b *strings.Builder, head []string, fill func(row func(...string))) {
	var rows strings.Builder
	line := func(w *strings.Builder, cells []string) {
		for _, c := range cells {
			w.WriteString("| " + md(c) + " ")
		}
		w.WriteString("|\n")
	}
	fill(func(cells ...string) { line(&rows, cells) })
	if rows.Len() == 0 {
		b.WriteString("None.\n\n")
		return
	}
	line(b, head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n" + rows.String() + "\n")
}

// special are the characters that mean something in Markdown or HTML.
var special = func() *strings.Replacer {
	pairs := []string{"\r\n", " ", "\n", " ", "\r", " ", "\t", " ", "<", "&lt;", ">", "&gt;", "&", "&amp;"}
	for _, c := range "\\`*_{}[]()#+!|~$" {
		pairs = append(pairs, string(c), "\\"+string(c))
	}
	return strings.NewReplacer(pairs...)
}()

// md makes any text one line of plain Markdown: no markup, link, image or HTML of its
// own. Addresses are kept from becoming links by a break within "://".
func md(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(special.Replace(strings.ToValidUTF8(s, "\uFFFD")), "://", ":\u200B//"), "www.", "www\u200B.")
}

// code makes a text fit between back-ticks.
func code(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, "`", "'")), " ") }
