package stats

import (
	"math"
	"sort"
)

// Levels of all planning: two-sided 5 %, power of 80 %.
const (
	alpha = .05
	power = .80
)

// WinsNeeded is how many wins against so many losses are significant, by the mid-p, or
// the exact, p-value.
func WinsNeeded(losses int, exact bool) int {
	for wins := losses; ; wins++ {
		midp, ex := halfTails(wins, losses)
		if exact && ex < alpha || !exact && midp < alpha {
			return wins
		}
	}
}

// critical lists the fewest wins of m = 0 … n disagreements that the mid-p calls
// significant; m+1: none are.
func critical(n int) []int {
	list := make([]int, n+1)
	for m := range list {
		// Losses k are few enough while P(X < k) + P(X = k)/2 < 2.5 %.
		tail, k := 0.0, 0
		for ; k <= m/2; k++ {
			p := binomial(m, k, .5)
			if 2*tail+p >= alpha {
				break
			}
			tail += p
		}
		list[m] = m - k + 1
	}
	return list
}

// Power is the chance that the mid-p McNemar test of n cases finds a difference delta
// for the better arm, when the arms disagree on a share psi of them.
func Power(n int, psi, delta float64) float64 { return powerOf(critical(n), psi, delta) }

func powerOf(critical []int, psi, delta float64) float64 {
	n, q, sum := len(critical)-1, (psi+delta)/(2*psi), 0.0 // q: a disagreement is a win
	for m, need := range critical {
		p := binomial(n, m, psi)
		if p < 1e-9 {
			continue
		}
		for w := need; w <= m; w++ {
			sum += p * binomial(m, w, q)
		}
	}
	return sum
}

// Detectable is the smallest difference of two shares, in steps of half a point, that n
// cases find with a power of 80 %, when the arms disagree on a share psi; ok is false
// when even a difference of psi is not found.
func Detectable(n int, psi float64) (delta float64, ok bool) {
	c, most := critical(n), int((psi+1e-9)/.005)
	i := sort.Search(most, func(i int) bool { return powerOf(c, psi, float64(i+1)*.005) >= power }) // it grows with the difference
	return float64(i+1) * .005, i < most
}

// CasesNeeded is how many cases find a difference delta of two shares that disagree on
// psi of the cases (Connor, 1987). 0: delta is above psi, which cannot be.
func CasesNeeded(psi, delta float64) int {
	if delta <= 0 || delta > psi {
		return 0
	}
	z := quantile(1-alpha/2)*math.Sqrt(psi) + quantile(power)*math.Sqrt(psi-delta*delta)
	return int(math.Ceil(z * z / (delta * delta)))
}

// MeanCasesNeeded is how many cases find a mean difference delta whose standard
// deviation over the cases is sd.
func MeanCasesNeeded(sd, delta float64) int {
	if delta <= 0 {
		return 0
	}
	return int(math.Ceil(math.Pow((quantile(1-alpha/2)+quantile(power))*sd/delta, 2)))
}

// PocockLevel is the level of each of two looks that have 5 % together (Pocock, 1977).
const PocockLevel = .0294

// EValue is the evidence of wins against losses by Jeffreys' mixture, which may be looked
// at after each case: 20 is what 5 % are elsewhere.
func EValue(wins, losses int) float64 {
	a, _ := math.Lgamma(float64(wins) + .5)
	b, _ := math.Lgamma(float64(losses) + .5)
	n, _ := math.Lgamma(float64(wins+losses) + 1)
	return math.Exp(a + b - n - math.Log(math.Pi) + float64(wins+losses)*math.Ln2)
}

// Holm are the p-values of a family of tests, adjusted step by step (Holm, 1979).
func Holm(p []float64) []float64 {
	order := ranked(p)
	out, top := make([]float64, len(p)), 0.0
	for k, i := range order {
		top = max(top, min(1, float64(len(p)-k)*p[i]))
		out[i] = top
	}
	return out
}
