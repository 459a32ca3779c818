package rating

import (
	"math"
	"math/rand/v2"
	"slices"

	"graft/evalharness"
)

// resamples is how many bootstrap samples an interval rests on.
const resamples = 10_000

// binomial is the two-sided exact test of equal chances for a and b.
func binomial(a, b int) float64 {
	tail, _ := binomialTail(a, b)
	return min(1, 2*tail)
}

// signTest is the two-sided mid-p test of equal chances for wins and losses.
func signTest(wins, losses int) float64 {
	tail, point := binomialTail(wins, losses)
	return min(1, 2*(tail-point/2))
}

// binomialTail is P(X <= min(a, b)) of X ~ B(a+b, 1/2), and P(X = min(a, b)).
func binomialTail(a, b int) (tail, point float64) {
	n, k := a+b, min(a, b)
	lg := func(m int) float64 { v, _ := math.Lgamma(float64(m + 1)); return v }
	for i := 0; i <= k; i++ {
		point = math.Exp(lg(n) - lg(i) - lg(n-i) - float64(n)*math.Ln2)
		tail += point
	}
	return tail, point
}

// meanInterval is the 95 % percentile bootstrap interval of the mean over cases.
func meanInterval(values []float64) (low, high float64) {
	n := len(values)
	if n == 0 {
		return 0, 0
	}
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	means := make([]float64, resamples)
	for i := range means {
		for range n {
			means[i] += values[rng.IntN(n)]
		}
		means[i] /= float64(n)
	}
	slices.Sort(means)
	return means[resamples/40], means[resamples-1-resamples/40]
}

// agreement are the measures that the votes (-1, 0 or 1 by item) allow for.
func agreement(raters []map[int]int, items int) []evalharness.Agreement { return nil }
