package native

import (
	"math"
	"slices"
	"sync"

	"graft/internal/kernel"
)

// scratch is memory for one distribution.
type scratch struct {
	raw  []float32   // [V] logits as they came
	p    []float64   // [V]
	best []candidate // for selections
}

type candidate struct {
	id int32
	v  float64
}

// before orders candidates: the greater first, of equals the lower id.
func (a candidate) before(b candidate) bool { return a.v > b.v || a.v == b.v && a.id < b.id }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// distribution does steps 5 to 8: sc.p [V] becomes the probabilities of what is
// left, which add up to about 1.
func (s *sampler) distribution(sc *scratch, logits []float32) error {
	_, most, err := argmax(logits)
	if err != nil {
		return err
	}
	sc.p = slices.Grow(sc.p[:0], len(logits))[:len(logits)]
	left := len(logits)
	if k := s.opt.TopK; k > 0 && k < len(logits) {
		left = sc.few(logits, k, float64(most), float64(s.opt.Temperature))
	} else {
		kernel.ExpScaled(sc.p, logits, float64(most), 1/float64(s.opt.Temperature))
	}
	sum := total(sc.p)
	if p := float64(s.opt.TopP); p < 1 {
		sum = sc.nucleus(p*sum, sum, left)
	}
	if m := float64(s.opt.MinP); m > 0 { // the best one is exp(0) = 1 here
		sum = 0
		for i, p := range sc.p {
			if p < m {
				sc.p[i] = 0
			}
			sum += sc.p[i]
		}
	}
	inverse := 1 / sum
	for i := range sc.p {
		sc.p[i] *= inverse
	}
	return nil
}

// few fills sc.p for the k greatest logits and those that equal the last of them,
// and says how many they are.
func (sc *scratch) few(logits []float32, k int, most, t float64) (left int) {
	clear(sc.p)
	floor := sc.kth(logits, k)
	for i, l := range logits {
		if x := float64(l); x >= floor {
			sc.p[i] = math.Exp((x - most) / t)
			left++
		}
	}
	return left
}

// total is Σ p in four partial sums, which need not wait for each other.
func total(p []float64) float64 {
	var a, b, c, d float64
	for ; len(p) >= 4; p = p[4:] {
		a += p[0]
		b += p[1]
		c += p[2]
		d += p[3]
	}
	for _, x := range p {
		a += x
	}
	return (a + b) + (c + d)
}

// nucleus zeroes what has mass or more before it in sc.p, whose sum is sum with
// n numbers above zero, and returns the sum of what stays.
func (sc *scratch) nucleus(mass, sum float64, n int) float64 {
	// What is below the mass to be cut, shared by all but the best, cannot stay:
	// it and all after it would weigh less than that mass.
	least := (sum - mass) / float64(max(n-1, 1))
	// Where more than the mass is above a higher bar, what is below cannot stay
	// either; it spares sorting thousands.
	for bar := 0x1p-8; bar > least; bar /= 16 {
		above := 0.0
		for _, p := range sc.p {
			if p >= bar {
				above += p
			}
		}
		if above > mass+1e-9*sum {
			least = bar
			break
		}
	}
	sc.best = sc.best[:0]
	for i, p := range sc.p {
		if p >= least && p > 0 || p == 1 {
			sc.best = append(sc.best, candidate{int32(i), p})
		}
	}
	slices.SortFunc(sc.best, func(a, b candidate) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	clear(sc.p)
	kept := 0.0
	for i, c := range sc.best {
		if kept >= mass && i > 0 {
			break
		}
		sc.p[c.id] = c.v
		kept += c.v
	}
	return kept
}

// kth is the k-th greatest of logits.
func (sc *scratch) kth(logits []float32, k int) float64 {
	sc.greatest(logits, k)
	return sc.best[0].v
}

// greatest leaves the k first candidates of logits in sc.best, a heap whose root
// is the last of them.
func (sc *scratch) greatest(logits []float32, k int) {
	h := sc.best[:0]
	for i, l := range logits {
		c := candidate{int32(i), float64(l)}
		if len(h) < k {
			h = append(h, c)
			for j := len(h) - 1; j > 0 && h[(j-1)/2].before(h[j]); j = (j - 1) / 2 {
				h[j], h[(j-1)/2] = h[(j-1)/2], h[j]
			}
			continue
		}
		if !c.before(h[0]) {
			continue
		}
		j := 0
		for {
			last := 2*j + 1 // the child that is last in order
			if last >= k {
				break
			}
			if last+1 < k && h[last].before(h[last+1]) {
				last++
			}
			if !c.before(h[last]) {
				break
			}
			h[j] = h[last]
			j = last
		}
		h[j] = c
	}
	sc.best = h
}

// uniform is the next number in [0, 1) of the sequence's generator.
func (s *sampler) uniform() float64 { return float64(s.rnd.Uint64()>>11) / (1 << 53) }

// draw is the first id at which the running sum of p exceeds u of the whole.
func draw(p []float64, u float64) int32 {
	sum, first := 0.0, 0
	for ; len(p)-first > 64; first += 64 { // whole parts first
		next := sum + total(p[first:first+64])
		if next > u {
			break
		}
		sum = next
	}
	last := int32(-1)
	for i := first; i < len(p); i++ {
		x := p[i]
		if x == 0 {
			continue
		}
		sum += x
		last = int32(i)
		if sum > u {
			break
		}
	}
	for i := first - 1; last < 0 && i >= 0; i-- {
		if p[i] > 0 {
			last = int32(i)
		}
	}
	return max(last, 0) // rounding may leave the whole sum a little below u
}
