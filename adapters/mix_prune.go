package adapters

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// mix is the mixture of one matrix, by a strategy other than cat.
func (o MixOptions) mix(s side) []float32 {
	ties := false
	switch o.Strategy {
	case "ties", "magnitude_prune":
		ties = o.Strategy == "ties"
		for i, t := range s.tensors {
			s.tensors[i] = o.largest(t)
		}
	case "dare_ties", "dare_linear":
		ties = o.Strategy == "dare_ties"
		for i, t := range s.tensors {
			s.tensors[i] = o.random(t, fmt.Sprintf("%d %s %s %s", o.Seed, s.from[i], s.path, s.name))
		}
	}
	if ties {
		return o.elect(s)
	}
	out := make([]float32, len(s.tensors[0]))
	for j := range out {
		sum := 0.0
		for i, t := range s.tensors {
			sum += s.factors[i] * float64(t[j])
		}
		out[j] = float32(sum)
	}
	return out
}

// largest keeps the ⌊density·n⌋ numbers of the largest size; of equal ones the
// first.
func (o MixOptions) largest(t []float32) []float32 {
	if o.Density == 1 {
		return t
	}
	order := make([]int, len(t))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(math.Abs(float64(t[j])), math.Abs(float64(t[i])))
	})
	out := make([]float32, len(t))
	for _, i := range order[:int(o.Density*float64(len(t)))] {
		out[i] = t[i]
	}
	return out
}

// random keeps each number by chance, density being its probability, and divides
// it by density: the mean stays. name and seed decide the choice.
func (o MixOptions) random(t []float32, name string) []float32 {
	if o.Density == 1 {
		return t
	}
	var keep []bool
	if o.keep != nil {
		keep = o.keep(t)
	} else {
		keep = choose(len(t), o.Density, name)
	}
	out := make([]float32, len(t))
	for i, v := range t {
		if keep[i] {
			out[i] = float32(float64(v) / o.Density)
		}
	}
	return out
}

// choose says yes n times by chance.
func choose(n int, probability float64, name string) []bool {
	sum := sha256.Sum256([]byte(name))
	r := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))
	keep := make([]bool, n)
	for i := range keep {
		keep[i] = r.Float64() < probability
	}
	return keep
}

// elect is, at each place, the mean of the weighted numbers that have the sign of
// the majority (TIES). A sum of 0 counts as positive. The weights have no vote.
func (o MixOptions) elect(s side) []float32 {
	out := make([]float32, len(s.tensors[0]))
	for j := range out {
		var vote float32 // as PEFT adds them up
		for _, t := range s.tensors {
			if o.Majority == "total" {
				vote += t[j]
			} else {
				vote += sign(t[j])
			}
		}
		if vote >= 0 {
			vote = 1
		}
		sum, n := 0.0, 0
		for i, t := range s.tensors {
			if t[j] != 0 && (t[j] > 0) == (vote > 0) {
				sum += s.factors[i] * float64(t[j])
				n++
			}
		}
		out[j] = float32(sum / float64(max(n, 1)))
	}
	return out
}

// sign is -1, 0 or 1.
func sign(v float32) float32 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}
