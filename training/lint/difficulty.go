package lint

import (
	"context"
	"fmt"
	"math"
	"slices"
)

const (
	known   = 0.25 // nats a token: the base says it by itself
	spreads = 5.0  // times the usual distance from the median
)

// difficulty looks at the base model's loss of each example: what it knows already,
// and what stands out.
func difficulty(ctx context.Context, in *Input) ([]Finding, error) {
	s := in.Set
	if in.Scorer == nil || len(s.Examples) == 0 {
		return nil, nil
	}
	loss, err := in.Scorer.Loss(ctx, s.Examples)
	if err != nil {
		return nil, err
	}
	if len(loss) != len(s.Examples) {
		return nil, fmt.Errorf("%d losses of %d examples", len(loss), len(s.Examples))
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
	worst := 0
	for i, v := range loss {
		switch {
		case v < known:
			easy = append(easy, s.Sources[i].Line)
		case v > median+spreads*usual || math.IsNaN(v):
			hard = append(hard, s.Sources[i].Line)
			if v > loss[worst] {
				worst = i
			}
		}
	}
	spread := fmt.Sprintf("nats a token: least %.2f, a quarter below %.2f, half below %.2f, three quarters below %.2f, most %.2f",
		order[0], order[len(order)/4], median, order[len(order)*3/4], order[len(order)-1])
	var out []Finding
	if len(easy) > 0 {
		f := lines("known_already", easy)
		f.Message, f.Evidence = fmt.Sprintf("%s what the base model says by itself (below %.2f nats a token)", rows(f.Count), known), spread
		f.Fix = "read them: they teach nothing, and may be written by a model"
		out = append(out, f)
	}
	if len(hard) > 0 {
		f := lines("outlier", hard)
		f.Message, f.Evidence = rows(f.Count)+" far harder for the base model than others", fmt.Sprintf("line %d: %.2f; %s", s.Sources[worst].Line, loss[worst], spread)
		f.Fix = "read them: wrong answers, other languages and broken text look so"
		out = append(out, f)
	}
	return out, nil
}
