package evalharness

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestJudgeChecked: a judge counts as more than advice when people agree with it on thirty
// cases or more. The kappas are scikit-learn 1.9.1's cohen_kappa_score.
func TestJudgeChecked(t *testing.T) {
	for _, c := range []struct {
		name    string
		people  string // of each case: +, - or 0
		judge   string // . is unreadable
		kappa   float64
		trusted bool
		says    string
	}{
		{"alike", strings.Repeat("++-0", 10), strings.Repeat("++-0", 10), 1, true, "agrees with people"},
		{"nearly", strings.Repeat("++-0", 10), strings.Repeat("++-0", 8) + "-+-00+-0", 0.9215686274509804, true, "agrees with people"},
		{"unlike", strings.Repeat("++-0", 10), strings.Repeat("+-0-", 10), -0.09090909090909083, false, "does not agree"},
		{"few", strings.Repeat("++-0", 5), strings.Repeat("++-0", 5), 1, false, "30 are needed"},
		{"unread", strings.Repeat("++-0", 8), strings.Repeat("++-.", 8), 1, false, "24 of the same cases"},
	} {
		r := &Result{Notes: []string{"other", adviceNote("judge_pairwise|x")}, Settings: Settings{Opponent: "b", Seed: 1}}
		a, b, votes := Arm{Name: "a"}, Arm{Name: "b"}, map[string]int{}
		for i := range c.people {
			id := fmt.Sprint(i)
			votes[id] = strings.IndexByte("-0+", c.people[i]) - 1
			scores := map[string]float64{}
			if k := strings.IndexByte("-0+", c.judge[i]); k >= 0 {
				scores["judge_pairwise"] = float64(k) / 2
			}
			a.Answers = append(a.Answers, Answer{Case: id, Scores: scores})
			b.Answers = append(b.Answers, Answer{Case: id, Scores: map[string]float64{"judge_pairwise": .5}})
		}
		r.Arms = []Arm{a, b}
		r.Comparisons = []Comparison{{A: "a", B: "b", Metric: "judge_pairwise", Primary: true}}
		r.AddPanel(Panel{A: "a", B: "b", Votes: votes})
		k := r.Panel.Judge
		if k == nil || math.Abs(k.Kappa-c.kappa) > 1e-12 || k.Trusted != c.trusted || !strings.Contains(k.Reason, c.says) {
			t.Errorf("%s: %+v, want kappa %v, %v, %q", c.name, k, c.kappa, c.trusted, c.says)
			continue
		}
		if want := judgeNote + " (judge_pairwise|x): " + k.Reason; len(r.Notes) != 2 || r.Notes[1] != want {
			t.Errorf("%s: notes %q, want %q", c.name, r.Notes, want)
		}
		r.Comparisons[0].Metric = "rougeL"
		if r.AddPanel(Panel{A: "a", B: "b", Votes: votes}); r.Panel.Judge != nil {
			t.Errorf("%s: rougeL is no judge, and was checked as one: %+v", c.name, r.Panel.Judge)
		}
	}
}
