package native

import (
	"math"
	"slices"

	"graft/internal/kernel"
	"graft/serving"
)

// top is the n most probable tokens, nil for n < 1.
func (sc *scratch) top(logits []float32, lse float64, n int) []serving.TokenLogprob {
	n = min(n, len(logits))
	if n < 1 {
		return nil
	}
	sc.greatest(logits, n)
	slices.SortFunc(sc.best, func(a, b candidate) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	out := make([]serving.TokenLogprob, n)
	for i, c := range sc.best {
		out[i] = serving.TokenLogprob{ID: c.id, Logprob: c.v - lse}
	}
	return out
}

// score is the log-probability of token id under logits [V], with the n most
// probable tokens.
func score(logits []float32, id int32, n int) (serving.TokenLogprob, error) {
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	lse, err := sc.logSumExp(logits)
	if err != nil {
		return serving.TokenLogprob{}, err
	}
	return serving.TokenLogprob{ID: id, Logprob: float64(logits[id]) - lse, Top: sc.top(logits, lse, n)}, nil
}

// argmax is the first of the greatest logits, and its value.
func argmax(logits []float32) (int32, float32, error) {
	at, most, ok := kernel.Largest(logits)
	switch {
	case !ok || math.IsInf(float64(most), 1):
		return 0, 0, errNotANumber
	case math.IsInf(float64(most), -1):
		return 0, 0, errNoToken
	}
	return int32(at), most, nil
}

// logSumExp is log Σ exp(l), in double precision. It overwrites sc.p.
func (sc *scratch) logSumExp(logits []float32) (float64, error) {
	_, most, err := argmax(logits)
	if err != nil {
		return 0, err
	}
	sc.p = slices.Grow(sc.p[:0], len(logits))[:len(logits)]
	return float64(most) + math.Log(kernel.ExpScaled(sc.p, logits, float64(most), 1)), nil
}
