package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// quantile is z with P(Z < z) = p for a standard normal Z.
func quantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// below is P(Z < z).
func below(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// twoSided is z with P(|Z| < z) = level.
func twoSided(level float64) float64 { return quantile((1 + level) / 2) }

// binomial is P(X = k) for n throws that succeed with probability p.
func binomial(n, k int, p float64) float64 {
	switch {
	case k < 0 || k > n:
		return 0
	case p <= 0:
		return oneIf(k == 0)
	case p >= 1:
		return oneIf(k == n)
	}
	return distuv.Binomial{N: float64(n), P: p}.Prob(float64(k))
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// halfTails are the two-sided mid-p and exact p-values of b against c under
// Binomial(b+c, 1/2).
func halfTails(b, c int) (midp, exact float64) {
	n, k := b+c, min(b, c)
	if n == 0 {
		return 1, 1
	}
	tail := 0.0
	for i := 0; i <= k; i++ {
		tail += binomial(n, i, .5)
	}
	return min(1, 2*tail-binomial(n, k, .5)), min(1, 2*tail)
}

// McNemar tests whether two arms are right equally often, given b cases that only the
// first has right and c that only the second has (Fagerland, Lydersen, Laake, 2013: the
// mid-p keeps its level where the exact test wastes half of it).
func McNemar(b, c int) (midp, exact float64) { return halfTails(b, c) }

// SignTest tests whether wins and losses are equally likely; ties are left out before.
func SignTest(wins, losses int) (midp, exact float64) { return halfTails(wins, losses) }

// Wilson is the score interval of a share of k in n.
func Wilson(k, n int, level float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	z := twoSided(level)
	p, f := float64(k)/float64(n), float64(n)
	mid := (p + z*z/(2*f)) / (1 + z*z/f)
	half := z / (1 + z*z/f) * math.Sqrt(p*(1-p)/f+z*z/(4*f*f))
	return max(0, mid-half), min(1, mid+half)
}

// Table is what two arms have right of the same cases.
type Table struct{ Both, OnlyA, OnlyB, Neither int }

func (t Table) n() int { return t.Both + t.OnlyA + t.OnlyB + t.Neither }

// Newcombe is the interval of P(A) - P(B) from the Wilson intervals of both and their
// correlation (Newcombe, "Improved confidence intervals for the difference between
// binomial proportions based on paired data", 1998, method 10).
func Newcombe(t Table, level float64) (low, high float64) {
	n := float64(t.n())
	if n == 0 {
		return -1, 1
	}
	a, b, c, d := float64(t.Both), float64(t.OnlyA), float64(t.OnlyB), float64(t.Neither)
	p1, p2 := (a+b)/n, (a+c)/n
	l1, u1 := Wilson(t.Both+t.OnlyA, t.n(), level)
	l2, u2 := Wilson(t.Both+t.OnlyB, t.n(), level)
	phi := 0.0
	if m := (a + b) * (c + d) * (a + c) * (b + d); m > 0 {
		over := a*d - b*c
		switch {
		case over > n/2:
			over -= n / 2
		case over >= 0:
			over = 0
		}
		phi = over / math.Sqrt(m)
	}
	reach := func(x, y float64) float64 { return math.Sqrt(max(0, x*x-2*phi*x*y+y*y)) }
	return max(-1, p1-p2-reach(p1-l1, u2-p2)), min(1, p1-p2+reach(u1-p1, p2-l2))
}

// Tango is the interval of P(A) - P(B) that inverts the score test, McNemar's when the
// difference is 0 (Tango, "Equivalence test and confidence interval for the difference
// in proportions for the paired-sample design", 1998).
func Tango(onlyA, onlyB, n int, level float64) (low, high float64) {
	if n == 0 {
		return -1, 1
	}
	z := twoSided(level)
	b, c, f := float64(onlyA), float64(onlyB), float64(n)
	score := func(d float64) float64 {
		x := 2 * f
		y := -b - c + (2*f-b+c)*d
		w := -c * d * (1 - d)
		q := (math.Sqrt(max(0, y*y-4*x*w)) - y) / (2 * x) // P(only B), most likely under d
		v := f * (2*q + d*(1-d))
		if v <= 0 {
			return math.Copysign(math.Inf(1), b-c-f*d)
		}
		return (b - c - f*d) / math.Sqrt(v)
	}
	at := (b - c) / f
	return bisect(-1, at, func(d float64) bool { return score(d) <= z }), bisect(at, 1, func(d float64) bool { return score(d) < -z })
}

// bisect is where yes, which is false before some point and true after it, turns.
func bisect(low, high float64, yes func(float64) bool) float64 {
	for range 60 {
		if mid := (low + high) / 2; yes(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}
