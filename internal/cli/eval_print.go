package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"graft/evalharness"
	"graft/evalharness/report"
)

// exitError is an error with an exit status of its own.
type exitError struct {
	code int
	text string
}

func (x *exitError) Error() string { return x.text }

// verdictError is the verdict as an exit status; nil for a clear win.
func verdictError(v *evalharness.Verdict) error {
	if v == nil {
		return nil
	}
	if code := evalharness.ExitCode(v); code != 0 {
		return &exitError{code, fmt.Sprintf("%s: %s", v.Outcome, v.Reason)}
	}
	return nil
}

// printResult prints a result for people: the verdict first.
func (e *env) printResult(res *evalharness.Result) {
	if v := res.Verdict(); v != nil {
		e.printVerdict(res.Settings.Primary, v)
		fmt.Fprintln(e.out)
	}
	if l := res.Ladder; l != nil {
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
		unit := ""
		if len(l.Rungs) > 0 {
			unit = l.Rungs[0].CostUnit
		}
		fmt.Fprintf(w, "ARM\tPROMPT\t%s\t95%%\tTOKENS IN\tOUT\tMS\t%s A CORRECT ONE\t\n", strings.ToUpper(res.Settings.Primary), strings.ToUpper(unit))
		for _, r := range l.Rungs {
			cost, mark := "-", ""
			if r.CostPerCorrect != nil {
				cost = fmt.Sprintf("%.4g", *r.CostPerCorrect)
			}
			switch {
			case r.Arm == l.Recommend:
				mark = "recommended"
			case r.Tied:
				mark = "tied"
			}
			fmt.Fprintf(w, "%s\t%s\t%.3f\t%.3f–%.3f\t%.0f\t%.0f\t%.0f\t%s\t%s\n", r.Arm, res.Arm(r.Arm).Prompt.Variant, r.Value, r.Low, r.High, r.PromptTokens, r.Tokens, r.Ms, cost, mark)
		}
		w.Flush()
		fmt.Fprintf(e.out, "\n%s\n", l.Advice)
	}
	for i := range res.Arms {
		a := &res.Arms[i]
		for _, m := range res.Settings.Metrics {
			if d := report.DetailsText(a.Metrics[m.Name].Details); d != "" {
				fmt.Fprintf(e.out, "%s of %s: %s\n", m.Name, a.Name, d)
			}
		}
	}
	if s := res.Search; s != nil {
		fmt.Fprintf(e.out, "best prompt of the base: %s, of %d tried with %d calls on %d rows: %.3f there, %.3f on gold\n", s.Winner, len(s.Candidates), s.Usage.Calls, s.Candidates[0].Rows, s.DevValue, s.GoldValue)
	}
	for _, n := range res.Notes {
		fmt.Fprintf(e.out, "note: %s\n", n)
	}
	if len(res.Todo) > 0 {
		fmt.Fprintln(e.out, "\nwhat to fix in the data:")
		for _, t := range res.Todo {
			fmt.Fprintf(e.out, "- %s\n", t.Text)
			if len(t.Cases) > 0 {
				fmt.Fprintf(e.out, "  cases: %s\n", strings.Join(t.Cases, ", "))
			}
		}
	}
}

// printVerdict prints the outcome and its numbers.
func (e *env) printVerdict(metric string, v *evalharness.Verdict) {
	color := "33"
	switch v.Outcome {
	case evalharness.ClearWin:
		color = "32"
	case evalharness.Loss, evalharness.Invalid:
		color = "31"
	}
	fmt.Fprintf(e.out, "%s  %s\n", e.paint(e.out, color, v.Outcome), v.Reason)
	fmt.Fprintf(e.out, "%s %+.3f, 95%% interval %+.3f to %+.3f, p = %.3g (%s), %d cases: %d better, %d worse, %d equal; margin %.3g\n",
		metric, v.Diff, v.Low95, v.High95, v.P, v.Test, v.N, v.Wins, v.Losses, v.Ties, v.Margin)
	for _, g := range v.Guards {
		state := "ok"
		if !g.Passed {
			state = e.paint(e.out, "31", "FAILED")
		}
		fmt.Fprintf(e.out, "  %s: %s (%s)\n", g.Name, state, g.Detail)
	}
}

// writeReport renders a result beside it, and returns the page's path.
func writeReport(dir string, res *evalharness.Result) (string, error) {
	for _, name := range []string{"result.json", "report.html"} {
		var b bytes.Buffer
		if err := report.Write(&b, res, formatOf(name)); err != nil {
			return "", err
		}
		if err := replaceFile(filepath.Join(dir, name), b.Bytes()); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "report.html"), nil
}
