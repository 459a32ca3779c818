package evalharness

import (
	"fmt"
	"time"

	"graft/evalharness/metrics"
)

// conclude compares the arms, and says what follows.
func (r *run) conclude(res *Result, s *Search) {
	adapter, best := res.Arm(KindAdapter), res.Arm(KindBestPrompt)
	if s != nil && best != nil {
		s.GoldValue = best.Primary
		s.Shrinkage = s.DevValue - s.GoldValue
	}
	if adapter != nil && best != nil {
		guards := []Guard{formatGuard(adapter, best)}
		if f := res.Forgetting; f != nil {
			guards = append(guards, f.guard())
		}
		c := r.compare(adapter, best, true, guards)
		if c.Crossfit = r.crossfit; c.Crossfit {
			c.Verdict.Reason += " (cross-fitted: the base's prompt for each fifth of the gold set was chosen on the other four)"
		}
		res.Comparisons = append(res.Comparisons, c)
	}
	// All others are exploratory, and say so by their not being primary.
	for _, pair := range [][2]string{{KindAdapter, KindZeroShot}, {KindBestPrompt, KindZeroShot}, {KindAdapterRetrieval, KindAdapter}, {KindAdapter, KindRetrieval}} {
		if a, b := res.Arm(pair[0]), res.Arm(pair[1]); a != nil && b != nil {
			res.Comparisons = append(res.Comparisons, r.compare(a, b, false, nil))
		}
	}
	for i := range res.Arms {
		if a := &res.Arms[i]; a.Kind == KindRemote {
			if adapter != nil {
				res.Comparisons = append(res.Comparisons, r.compare(adapter, a, false, nil))
			}
			if a.Failed > 0 {
				res.Notes = append(res.Notes, fmt.Sprintf("%s did not answer %d of %d cases: they count as wrong; run the same command again to ask them", a.Name, a.Failed, len(a.Answers)))
			}
		}
	}
	if best != nil && best.Prompt.Hash == r.variants[0].seal().Hash {
		res.Notes = append(res.Notes, "no prompt that was tried was better on dev than the plain one")
	}
	if s != nil && r.solved(s) {
		res.Notes = append(res.Notes, r.dressed(s))
	}
	if info, _ := metrics.Lookup(r.metrics[0].Name); info.Needs == "judge" {
		res.Notes = append(res.Notes, adviceNote(r.metrics[0].Signature))
	}
	res.Ladder = r.ladder(res)
	if v := res.Verdict(); v != nil && v.Outcome != ClearWin {
		res.Todo = r.todo(res)
	}
	res.Finished = time.Now().UTC()
}

// guard: not too much was forgotten.
func (f *Forgetting) guard() Guard {
	return Guard{Name: "forgetting", Passed: f.Passed, Detail: fmt.Sprintf("%s: %.1f %% of the base's, %.1f %% of the adapter's answers are right; the loss is at most %.1f points with 95 %%, %.1f are allowed", f.Suite, 100*f.Base, 100*f.Adapter, -100*min(f.Low95, 0), 100*f.Margin)}
}

// Verdict is that of the registered comparison; nil where there is none.
func (res *Result) Verdict() *Verdict {
	for i := range res.Comparisons {
		if res.Comparisons[i].Primary {
			return &res.Comparisons[i].Verdict
		}
	}
	return nil
}
