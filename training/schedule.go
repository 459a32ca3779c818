package training

import (
	"fmt"
	"math"
)

// Schedule says how the learning rate runs over the steps.
type Schedule string

// Schedules. After the warm-up, in which the rate grows by equal steps, it stays
// ("constant"), falls along half a cosine ("cosine") or a line ("linear"); both end
// one step short of 0, so that the last step still learns.
const (
	Constant Schedule = "constant"
	Cosine   Schedule = "cosine"
	Linear   Schedule = "linear"
)

func (s Schedule) check() error {
	switch s {
	case Constant, Cosine, Linear:
		return nil
	}
	return fmt.Errorf("schedule %q is not known: use %s, %s or %s", string(s), Constant, Cosine, Linear)
}

// factor is what the learning rate is multiplied by in step number step, counted
// from 0, of total with so many of warm-up. It is above 0 in every step:
//
//	(step+1)/warmup                        while step < warmup
//	½ (1 + cos π (step-warmup)/(total-warmup))   cosine, as transformers
//	1 - (step-warmup)/(total-warmup)       linear, as transformers
//
// (get_cosine_schedule_with_warmup and get_linear_schedule_with_warmup, whose warm-up
// begins with 0 and so loses the first step.)
func (s Schedule) factor(step, warmup, total int) float64 {
	if step < warmup {
		return float64(step+1) / float64(warmup)
	}
	done := float64(step-warmup) / float64(max(1, total-warmup))
	switch s {
	case Cosine:
		return 0.5 * (1 + math.Cos(math.Pi*done))
	case Linear:
		return 1 - done
	}
	return 1
}
