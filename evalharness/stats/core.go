// Package stats has paired tests on slices of numbers.
package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

type Guard struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail"`
}

func Wilson(k, n int, level float64) (float64, float64) {
	if n == 0 {
		return 0, 1
	}
	z := 1.959963984540054
	p, f := float64(k)/float64(n), float64(n)
	mid := (p + z*z/(2*f)) / (1 + z*z/f)
	half := z / (1 + z*z/f) * math.Sqrt(p*(1-p)/f+z*z/(4*f*f))
	return mid - half, mid + half
}

func Bootstrap(n int, f func([]int) float64, seed uint64, level float64) (float64, float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	vals := make([]float64, 1000)
	pick := make([]int, n)
	for i := range vals {
		for k := range pick {
			pick[k] = r.IntN(n)
		}
		vals[i] = f(pick)
	}
	slices.Sort(vals)
	return vals[25], vals[974]
}

func BCa(d []float64, seed uint64, level float64) (float64, float64) {
	return Bootstrap(len(d), func(p []int) float64 {
		s := 0.0
		for _, k := range p {
			s += d[k]
		}
		return s / float64(len(p))
	}, seed, level)
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

// McNemar is the two-sided test of b against c disagreements.
func McNemar(b, c int) (midp, exact float64) {
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

func Holm(p []float64) []float64 {
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
