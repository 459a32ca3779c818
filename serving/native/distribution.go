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
	tops []float32   // the greatest logit of every part; see look
}

// part is how many logits are looked at together.
const part = 64

// look notes the greatest logit of every part, so that selections can pass over most of them. None is NaN.
func (sc *scratch) look(logits []float32) {
	sc.tops = sc.tops[:0]
	for from := 0; from < len(logits); from += part {
		sc.tops = append(sc.tops, kernel.Maximum(logits[from:min(from+part, len(logits))]))
	}
}

type candidate struct {
	id int32
	v  float64
}

// before orders candidates: the greater first, of equals the lower id.
func (a candidate) before(b candidate) bool { return a.v > b.v || a.v == b.v && a.id < b.id }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// distribution does steps 5 to 8: sc.p [V] over sum becomes the probabilities of what is left.
func (s *sampler) distribution(sc *scratch, logits []float32) (sum float64, err error) {
	_, top, err := argmax(logits)
	if err != nil {
		return 0, err
	}
	sc.p = slices.Grow(sc.p[:0], len(logits))[:len(logits)]
	left, most, t := len(logits), float64(top), float64(s.opt.Temperature)
	k, p := s.opt.TopK, float64(s.opt.TopP)
	some := k > 0 && k < len(logits)
	if some {
		left, sum = sc.few(logits, k, most, t)
	} else {
		sum = kernel.ExpScaled(sc.p, logits, most, 1/t)
	}
	if p < 1 {
		if !some {
			sc.look(logits)
		}
		// What is e^((l-most)/t) is bar or more if l is this or more, but for rounding.
		floor := func(bar float64) float64 { return most + t*(math.Log(min(bar, 1))-1e-9) }
		sum = sc.nucleus(p*sum, sum, left, floor)
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
	return sum, nil
}

// few fills sc.p for the k greatest logits and those that equal the last of them,
// and says how many they are and what they add up to.
func (sc *scratch) few(logits []float32, k int, most, t float64) (left int, sum float64) {
	clear(sc.p)
	sc.greatest(logits, k)
	floor := sc.best[0].v
	for n, top := range sc.tops {
		if float64(top) < floor {
			continue
		}
		for i := n * part; i < min((n+1)*part, len(logits)); i++ {
			if x := float64(logits[i]); x >= floor {
				sc.p[i] = math.Exp((x - most) / t)
				sum += sc.p[i]
				left++
			}
		}
	}
	return left, sum
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
// n numbers above zero, and returns the sum of what stays. Parts whose greatest logit is below floor(bar) have
// nothing as large as bar.
func (sc *scratch) nucleus(mass, sum float64, n int, floor func(bar float64) float64) float64 {
	// What is below the mass to be cut, shared by all but the best, cannot stay:
	// it and all after it would weigh less than that mass.
	least := (sum - mass) / float64(max(n-1, 1))
	// Where more than the mass is above a higher bar, what is below cannot stay
	// either; it spares sorting thousands.
	for bar := 0x1p-8; bar > least; bar /= 16 {
		above, from := 0.0, floor(bar)
		for i, top := range sc.tops {
			if float64(top) < from {
				continue
			}
			for _, p := range sc.p[i*part : min((i+1)*part, len(sc.p))] {
				if p >= bar {
					above += p
				}
			}
		}
		if above > mass+1e-9*sum {
			least = bar
			break
		}
	}
	sc.best = sc.best[:0]
	from := floor(least)
	for n, top := range sc.tops {
		if float64(top) < from {
			continue
		}
		for i := n * part; i < min((n+1)*part, len(sc.p)); i++ {
			if p := sc.p[i]; p >= least && p > 0 || p == 1 {
				sc.best = append(sc.best, candidate{int32(i), p})
			}
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

// greatest leaves the k first candidates of logits in sc.best, a heap whose root
// is the last of them.
func (sc *scratch) greatest(logits []float32, k int) {
	sc.look(logits)
	sc.best = sc.best[:0]
	for n, top := range sc.tops {
		if len(sc.best) == k && float64(top) <= sc.best[0].v { // equals come after those before them
			continue
		}
		for i := n * part; i < min((n+1)*part, len(logits)); i++ {
			sc.offer(candidate{int32(i), float64(logits[i])}, k)
		}
	}
}

// offer puts c into the heap of the k first candidates if it is one of them.
func (sc *scratch) offer(c candidate, k int) {
	h := sc.best
	if len(h) < k {
		h = append(h, c)
		for j := len(h) - 1; j > 0 && h[(j-1)/2].before(h[j]); j = (j - 1) / 2 {
			h[j], h[(j-1)/2] = h[(j-1)/2], h[j]
		}
		sc.best = h
		return
	}
	if !c.before(h[0]) {
		return
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
