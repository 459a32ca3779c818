package evalharness

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Guard is a condition of a clear win beside the numbers.
type Guard struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail"`
}

// wilson is the score interval of a share of k in n.
func wilson(k, n int, level float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	z := math.Sqrt2 * math.Erfinv(level)
	p, f := float64(k)/float64(n), float64(n)
	mid := (p + z*z/(2*f)) / (1 + z*z/f)
	half := z / (1 + z*z/f) * math.Sqrt(p*(1-p)/f+z*z/(4*f*f))
	return max(0, mid-half), min(1, mid+half)
}

// resamples of bootstraps and randomisations.
const resamples = 2000

// bootstrap is the percentile interval of a statistic over resampled cases.
func bootstrap(n int, f func(pick []int) float64, seed uint64, level float64) (low, high float64) {
	if n == 0 {
		return 0, 0
	}
	r := rand.New(rand.NewPCG(seed, 1))
	vals := make([]float64, resamples)
	pick := make([]int, n)
	for i := range vals {
		for k := range pick {
			pick[k] = r.IntN(n)
		}
		vals[i] = f(pick)
	}
	slices.Sort(vals)
	cut := int((1 - level) / 2 * resamples)
	return vals[cut], vals[resamples-1-cut]
}

// meanInterval is the interval of a mean.
func meanInterval(d []float64, seed uint64, level float64) (low, high float64) {
	return bootstrap(len(d), func(pick []int) float64 {
		s := 0.0
		for _, k := range pick {
			s += d[k]
		}
		return s / float64(len(pick))
	}, seed, level)
}

// signFlip is the p-value of a mean difference of zero: how often drawn signs give as
// large a one.
func signFlip(d []float64, seed uint64) float64 {
	r := rand.New(rand.NewPCG(seed, 2))
	sum := func(flip bool) float64 {
		s := 0.0
		for _, v := range d {
			if flip && r.Uint64()&1 == 1 {
				v = -v
			}
			s += v
		}
		return math.Abs(s)
	}
	seen, count := sum(false), 0
	for range resamples {
		if sum(true) >= seen-1e-12 {
			count++
		}
	}
	return float64(count+1) / (resamples + 1)
}

// randomise is the p-value of a difference of corpus values: how often exchanging the
// arms of drawn cases gives as large a one.
func randomise(n int, f func(swap []bool) (a, b float64), seed uint64) float64 {
	r := rand.New(rand.NewPCG(seed, 3))
	swap := make([]bool, n)
	a, b := f(swap)
	seen, count := math.Abs(a-b), 0
	for range resamples {
		for i := range swap {
			swap[i] = r.Uint64()&1 == 1
		}
		if a, b := f(swap); math.Abs(a-b) >= seen-1e-12 {
			count++
		}
	}
	return float64(count+1) / (resamples + 1)
}

// Verdict is what a paired comparison shows.
type Verdict struct {
	Outcome   string  `json:"outcome"`
	Reason    string  `json:"reason"`
	Diff      float64 `json:"diff"`
	Low95     float64 `json:"low95"`
	High95    float64 `json:"high95"`
	Low90     float64 `json:"low90"`
	High90    float64 `json:"high90"`
	P         float64 `json:"p"`
	Margin    float64 `json:"margin"`
	Test      string  `json:"test"`
	N         int     `json:"n"`
	Wins      int     `json:"wins"`
	Losses    int     `json:"losses"`
	Ties      int     `json:"ties"`
	MoreCases int     `json:"more_cases,omitempty"`
	Guards    []Guard `json:"guards,omitempty"`
}

// mcNemar is the two-sided test of b against c disagreements.
func mcNemar(b, c int) (midp, exact float64) {
	n := b + c
	if n == 0 {
		return 1, 1
	}
	pmf := func(k int) float64 {
		a, _ := math.Lgamma(float64(n + 1))
		x, _ := math.Lgamma(float64(k + 1))
		y, _ := math.Lgamma(float64(n - k + 1))
		return math.Exp(a - x - y - float64(n)*math.Ln2)
	}
	tail := 0.0
	for k := 0; k <= min(b, c); k++ {
		tail += pmf(k)
	}
	exact = min(1, 2*tail)
	midp = min(1, 2*tail-pmf(min(b, c)))
	return midp, exact
}

// holm adjusts p-values for their number.
func holm(p []float64) []float64 {
	idx := make([]int, len(p))
	for i := range idx {
		idx[i] = i
	}
	slices.SortFunc(idx, func(a, b int) int {
		if p[a] < p[b] {
			return -1
		}
		return 1
	})
	out := make([]float64, len(p))
	top := 0.0
	for k, i := range idx {
		top = max(top, min(1, float64(len(p)-k)*p[i]))
		out[i] = top
	}
	return out
}
