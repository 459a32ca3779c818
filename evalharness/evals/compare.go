package evals

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"graft/evalharness/graders"
	"graft/evalharness/stats"
	"graft/internal/store"
)

// Comparison asks whether one run is better than another.
type Comparison struct {
	Arms    [2]string // ids of runs: is the first better?
	Primary string    // id or name of the grader that decides; empty: there is one
	Margin  float64   // 0: binaryMargin or scoreMargin
	Guards  []string  // graders by which the first must not be worse
	Seed    uint64
}

// Compared is the answer.
type Compared struct {
	Arms    [2]Arm
	Primary string // id of the grader
	Verdict stats.Verdict
}

// Arm is one run of a comparison.
type Arm struct {
	RunID   string  `json:"run_id"`
	Name    string  `json:"name"`
	Model   string  `json:"model"`
	Mean    float64 `json:"mean"`    // of the primary grader's scores
	Errored int     `json:"errored"` // rows that score 0 for want of an answer or a grade
}

// Margins where the client names none (evaluation.md, "Verdict rule").
const (
	binaryMargin = .05
	scoreMargin  = .02
)

// maxCompared bounds the rows of a comparison, whose resampling takes time in
// proportion to them.
const maxCompared = 10_000

// judgedRow is what a comparison needs of a row.
type judgedRow struct {
	item   []byte
	scores []float64 // by criterion; of binary ones 0 or 1
	missed bool      // it has ended with an error
}

// Compare compares two completed runs, row by row. Errors: ErrNotFound, ErrNoRun,
// *InvalidError.
func (s *Service) Compare(ctx context.Context, client Client, eval string, q Comparison) (out Compared, err error) {
	e, err := s.Get(ctx, client, eval)
	if err != nil {
		return out, err
	}
	primary, err := criterion(e, q.Primary, "primary")
	if err != nil {
		return out, err
	}
	var guards []int
	for i, name := range q.Guards {
		g, err := criterion(e, name, fmt.Sprintf("guards[%d]", i))
		if err != nil {
			return out, err
		}
		guards = append(guards, g)
	}
	select { // one at a time
	case s.comparing <- struct{}{}:
		defer func() { <-s.comparing }()
	case <-ctx.Done():
		return out, ctx.Err()
	}
	var arms [2][]judgedRow
	for i, id := range q.Arms {
		r, err := s.Run(ctx, client, eval, id)
		if err != nil {
			return out, err
		}
		if r.Status != Completed {
			return out, invalid(fmt.Sprintf("arms[%d]", i), "the run is %s, and only completed ones are compared", r.Status)
		}
		if r.Counts.Total > maxCompared {
			return out, invalid(fmt.Sprintf("arms[%d]", i), "the run has %d rows, and at most %d are compared", r.Counts.Total, maxCompared)
		}
		if arms[i], err = s.judged(ctx, e, id); err != nil {
			return out, err
		}
		out.Arms[i] = Arm{RunID: r.ID, Name: r.Name, Model: r.Model, Mean: stats.Mean(column(arms[i], primary)), Errored: r.Counts.Errored}
	}
	if q.Margin == 0 {
		if q.Margin = scoreMargin; binary(e.Criteria[primary]) {
			q.Margin = binaryMargin
		}
	}
	out.Primary = e.Criteria[primary].ID
	evidence := stats.Evidence{Kind: kind(e.Criteria[primary]), A: column(arms[0], primary), B: column(arms[1], primary), Margin: q.Margin, Seed: q.Seed, Broken: unpaired(arms)}
	if evidence.Broken == "" {
		evidence.Guards = held(e, arms, guards, q.Seed)
		for i := range arms[0] {
			if arms[0][i].missed || arms[1][i].missed {
				evidence.Failed++
			}
		}
	}
	out.Verdict = stats.Decide(evidence)
	return out, nil
}

// criterion finds a grader by its id, or by a name that is one grader's only.
func criterion(e Eval, name, param string) (int, error) {
	if name == "" && len(e.Criteria) == 1 {
		return 0, nil
	}
	found := -1
	for i, c := range e.Criteria {
		switch {
		case c.ID == name:
			return i, nil
		case c.Name != name:
		case found >= 0:
			return 0, invalid(param, "more than one grader is called %q: give the id of one", name)
		default:
			found = i
		}
	}
	if found < 0 {
		var names []string
		for _, c := range e.Criteria {
			names = append(names, c.Name)
		}
		return 0, invalid(param, "it names none of the eval's graders (%.200s)", fmt.Sprint(names))
	}
	return found, nil
}

func binary(c *graders.Spec) bool {
	return c.Type == graders.StringCheck || c.Type == graders.LabelModel
}

func kind(c *graders.Spec) string {
	if binary(c) {
		return stats.Binary
	}
	return stats.Continuous
}

// judged reads the rows of a run, in their order.
func (s *Service) judged(ctx context.Context, e Eval, run string) (rows []judgedRow, err error) {
	p := store.Page{Limit: 500}
	for more := true; more; {
		var list []store.EvalItem
		if list, more, err = s.Store.Evals().Items(ctx, run, "", p); err != nil {
			return nil, missing(err, ErrNoItem)
		}
		for _, i := range list {
			var row Row
			var out struct {
				Results []struct {
					Name  string
					Score float64
				}
			}
			if err := json.Unmarshal([]byte(i.Row), &row); err != nil {
				return nil, fmt.Errorf("output item %s: %w", i.ID, err)
			}
			if err := json.Unmarshal([]byte(i.Body), &out); err != nil {
				return nil, fmt.Errorf("output item %s: %w", i.ID, err)
			}
			j := judgedRow{scores: make([]float64, len(e.Criteria)), missed: i.Status == Errored}
			var plain bytes.Buffer
			if err := json.Compact(&plain, row.Item); err != nil {
				return nil, fmt.Errorf("output item %s: %w", i.ID, err)
			}
			j.item = plain.Bytes()
			for _, r := range out.Results {
				if n := slices.IndexFunc(e.Criteria, func(c *graders.Spec) bool { return c.ID == r.Name }); n >= 0 {
					j.scores[n] = r.Score
				}
			}
			rows = append(rows, j)
			p.After = i.ID
		}
	}
	return rows, nil
}

func column(rows []judgedRow, criterion int) []float64 {
	x := make([]float64, len(rows))
	for i, r := range rows {
		x[i] = r.scores[criterion]
	}
	return x
}

// unpaired says why the rows of two runs are not the same; empty: they are.
func unpaired(arms [2][]judgedRow) string {
	if a, b := len(arms[0]), len(arms[1]); a != b {
		return fmt.Sprintf("one run has %d rows and the other %d", a, b)
	}
	for i := range arms[0] {
		if !bytes.Equal(arms[0][i].item, arms[1][i].item) {
			return fmt.Sprintf("row %d is not the same item in both runs", i)
		}
	}
	return ""
}

// held are the guards: by none of them is the first arm significantly worse, after
// Holm's adjustment for their number.
func held(e Eval, arms [2][]judgedRow, guards []int, seed uint64) (out []stats.Guard) {
	p, diff := make([]float64, len(guards)), make([]float64, len(guards))
	for i, g := range guards {
		a, b := column(arms[0], g), column(arms[1], g)
		wins, losses := 0, 0
		d := make([]float64, len(a))
		for k := range a {
			if d[k] = a[k] - b[k]; d[k] > 0 {
				wins++
			} else if d[k] < 0 {
				losses++
			}
		}
		if diff[i] = stats.Mean(d); binary(e.Criteria[g]) {
			p[i], _ = stats.McNemar(wins, losses)
		} else {
			p[i] = stats.SignFlip(d, seed)
		}
	}
	for i, adjusted := range stats.Holm(p) {
		out = append(out, stats.Guard{Name: e.Criteria[guards[i]].Name, Passed: diff[i] >= 0 || adjusted >= .05, Detail: fmt.Sprintf("difference %.3g, p = %.2g", diff[i], adjusted)})
	}
	return out
}
