package lint

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"graft/training"
)

const (
	known   = 0.25 // nats a token: the base says it by itself
	spreads = 5.0  // times the usual distance from the median
)

// difficulty looks at the base model's loss of each example, or of a sample where there
// are many: what it knows already, and what stands out.
func difficulty(ctx context.Context, in *Input) ([]Finding, error) {
	s := in.Set
	if in.Scorer == nil || len(s.Examples) == 0 {
		return nil, nil
	}
	looked := sample(s.Examples, cmp.Or(in.Scored, mostScored))
	some := make([]training.Example, len(looked))
	for i, n := range looked {
		some[i] = s.Examples[n]
	}
	loss, err := in.Scorer.Loss(ctx, some)
	if err != nil {
		return nil, err
	}
	if len(loss) != len(some) {
		return nil, fmt.Errorf("%d losses of %d examples", len(loss), len(some))
	}
	order := slices.Sorted(slices.Values(loss))
	median := order[len(order)/2]
	distance := make([]float64, len(loss))
	for i, v := range loss {
		distance[i] = math.Abs(v - median)
	}
	slices.Sort(distance)
	usual := max(distance[len(distance)/2], 0.05)
	var easy, hard []int
	worst := -1 // of the hard ones
	for i, v := range loss {
		switch {
		case v < known:
			easy = append(easy, s.Sources[looked[i]].Line)
		case v > median+spreads*usual || math.IsNaN(v):
			hard = append(hard, s.Sources[looked[i]].Line)
			if worst < 0 || v > loss[worst] {
				worst = i
			}
		}
	}
	of := &Spread{len(looked), order[0], order[len(order)/4], median, order[len(order)*3/4], order[len(order)-1]}
	if !math.IsNaN(order[0]) && !math.IsInf(order[len(order)-1], 0) { // or JSON could not say it
		in.report.Difficulty = of
	}
	evidence := of.String()
	if len(looked) < len(s.Examples) {
		evidence += fmt.Sprintf("; %d of %d examples were looked at, evenly spread", len(looked), len(s.Examples))
	}
	var out []Finding
	if len(easy) > 0 {
		f := lines("known_already", easy)
		f.Message, f.Evidence = fmt.Sprintf("%s what the base model says by itself (below %.2f nats a token)", rows(f.Count), known), evidence
		f.Fix = "read them: they teach nothing, and may be written by a model"
		out = append(out, f)
	}
	if len(hard) > 0 {
		f := lines("outlier", hard)
		f.Message, f.Evidence = rows(f.Count)+" far harder for the base model than others", fmt.Sprintf("line %d: %.2f; %s", s.Sources[looked[worst]].Line, loss[worst], evidence)
		f.Fix = "read them: wrong answers, other languages and broken text look so"
		out = append(out, f)
	}
	return out, nil
}
