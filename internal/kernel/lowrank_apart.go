package kernel

import (
	"math"
	"slices"
)

// planApart makes room for what the updates of y's groups make of a single row, and returns
// the shape of the updates, zeros if there are none.
func (l *LowRanks) planApart(y *Product) (out, in int) {
	for w := range y.updates {
		if out == 0 {
			out, in = w.B.Out, w.input(l)
		}
		w.check(l, y.Y, out, in)
		n := len(l.sums) + out
		l.sums = slices.Grow(l.sums, out)[:n]
		l.z = slices.Grow(l.z, max(0, w.stride()-len(l.z)))[:max(len(l.z), w.stride())]
	}
	return out, in
}

// apart computes what updates add to the only row of all, each by itself: no other worker
// waits for z, or reads what updates were planned.
func (l *LowRanks) apart(t *lowTile, all []Product) {
	sums := l.sums
	for i := range all {
		for w := range all[i].updates {
			s := shrinking{onlyRow, w, 0, w.B.R, 0, w.stride()}
			s.run(l, t, false)
			to := sums[:w.B.Out]
			sums = sums[len(to):]
			for k := range to {
				to[k] = negativeZero // plus x is the bits of x
			}
			e := expanding{y: to, rows: onlyRow}
			e.add(t, w.B, l.z, s.stride, 0, w.B.panels())
		}
	}
}

// addApart adds what apart computed, in the order in which expand does.
func (l *LowRanks) addApart(all []Product) {
	sums := l.sums
	for i := range all {
		y := &all[i]
		for w := range y.updates {
			add(y.Y, y.Y, sums[:w.B.Out])
			sums = sums[w.B.Out:]
		}
	}
}

var (
	onlyRow      = []int32{0}
	negativeZero = float32(math.Copysign(0, -1))
)

// updates are those of the groups that have rows.
func (y *Product) updates(yield func(*LowRank) bool) {
	for i := range y.Groups {
		g := &y.Groups[i]
		for k := range g.Sum {
			if len(g.Rows) > 0 && !yield(&g.Sum[k]) {
				return
			}
		}
	}
}
