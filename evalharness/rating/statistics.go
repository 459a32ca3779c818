package rating

import (
	"math"

	"graft/evalharness"
	"graft/evalharness/stats"
)

// seed of the resampling behind intervals: the same votes give the same panel.
const seed = 1

// netInterval is the 95 % bootstrap interval of the mean over cases, of 1, 0 and -1.
func netInterval(signs []float64) (low, high float64) {
	if len(signs) == 0 {
		return 0, 0
	}
	return stats.Bootstrap(len(signs), func(pick []int) float64 {
		sum := 0.0
		for _, i := range pick {
			sum += signs[i]
		}
		return sum / float64(len(pick))
	}, seed, .95)
}

// agreement are the measures that the votes (-1, 0 or 1 by item) allow for; items that
// nobody rated are left out.
func agreement(raters []map[int]int, items int) []evalharness.Agreement {
	var votes stats.Votes
	for item := range items {
		row, any := make([]int, len(raters)), false
		for i, rated := range raters {
			row[i] = stats.Missing
			if v, ok := rated[item]; ok {
				row[i], any = v+1, true
			}
		}
		if any {
			votes = append(votes, row)
		}
	}
	if len(raters) < 2 || len(votes) == 0 {
		return nil
	}
	var list []evalharness.Agreement
	for _, a := range stats.Agree(votes, 3, seed) {
		if math.IsNaN(a.Low) || math.IsNaN(a.High) { // no draw has a value
			a.Low, a.High = a.Value, a.Value
		}
		list = append(list, evalharness.Agreement(a))
	}
	return list
}
