package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSoftmaxPartPathsAgree: weights of any part of a chunk are the same bits on every path,
// whatever lies around it.
func TestSoftmaxPartPathsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(24, 24))
	odd := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e30, 0}
	scores := randomActs(rng, 1, chunkLen)
	part := func(lo, hi int, limit float32) (p []float32, m, l float32) {
		row := make([]float32, chunkLen)
		for i := range row {
			row[i] = odd[i%len(odd)]
		}
		copy(row[lo:hi], scores[lo:hi])
		m, l = softmaxPart(row, lo, hi, 0.7, limit, nil)
		return row[lo:hi], m, l
	}
	for _, limit := range []float32{0, 3} {
		for lo := 0; lo < chunkLen; lo += 1 + lo%5 {
			for hi := lo + 1; hi <= chunkLen; hi += 1 + hi%3 {
				before := Impl()
				Use("generic")
				want, m, l := part(lo, hi, limit)
				Use(before)
				eachImpl(t, func(t *testing.T) {
					have, m2, l2 := part(lo, hi, limit)
					if i := firstDifference(have, want); i >= 0 || m != m2 || l != l2 {
						t.Fatalf("numbers %d to %d, cap %v: m %v, l %v, number %d differs; in portable Go %v, %v", lo, hi, limit, m2, l2, i, m, l)
					}
				})
			}
		}
	}
}

// TestSoftmaxPartPassesNaN: wherever a score is NaN, the largest is that of the others, on every
// path, and so are their weights.
func TestSoftmaxPartPassesNaN(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 25))
	scores := randomActs(rng, 1, chunkLen)
	for i := range scores {
		scores := slices.Clone(scores)
		scores[(i+chunkLen-lanes)%chunkLen] = 9 // the largest is in the same lane, before it if it can be
		want := slices.Clone(scores)
		want[i] = float32(math.Inf(-1))
		m, _ := softmaxPart(want, 0, chunkLen, 0.7, 0, nil)
		eachImpl(t, func(t *testing.T) {
			have := slices.Clone(scores)
			have[i] = float32(math.NaN())
			m2, l := softmaxPart(have, 0, chunkLen, 0.7, 0, nil)
			if m2 != m || l == l || have[i] == have[i] {
				t.Fatalf("number %d is NaN: m %v, want %v, l %v, its weight %v", i, m2, m, l, have[i])
			}
			have[i] = want[i]
			if at := firstDifference(have, want); at >= 0 {
				t.Fatalf("number %d is NaN: the weight of %d is %v, want %v", i, at, have[at], want[at])
			}
		})
	}
}
