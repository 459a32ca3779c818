package model

import "testing"

// TestArena: what is lent does not overlap, and layer after layer the memory of
// one is enough.
func TestArena(t *testing.T) {
	var a arena
	a.take(100)
	for range 50 {
		m := a.at
		var lent [][]float32
		for _, n := range []int{10, chunkLen - 5, 3, 2 * chunkLen, 0, 7} {
			x := a.take(n)
			if len(x) != n || cap(x) != n {
				t.Fatalf("lent %d numbers, room for %d; want %d", len(x), cap(x), n)
			}
			lent = append(lent, x)
		}
		for i, x := range lent {
			for j := range x {
				x[j] = float32(i)
			}
		}
		for i, x := range lent {
			for j, v := range x {
				if v != float32(i) {
					t.Fatalf("number %d of piece %d was overwritten by piece %g", j, i, v)
				}
			}
		}
		a.release(m)
	}
	total := 0
	for _, c := range a.chunks {
		total += len(c)
	}
	if total > 5*chunkLen {
		t.Errorf("%d numbers for a need of %d", total, 3*chunkLen+115)
	}
}

// TestLayerMemory: a hundred layers take the memory of two.
func TestLayerMemory(t *testing.T) {
	o := NewServeOps(nil, nil)
	layer := func(o Ops, _ *Batch, x Value) Value {
		for range 10 {
			x = o.Scale(x, 0.5, 0)
		}
		return x
	}
	o.Begin(&Batch{IDs: make([]int32, 64), Segs: []Segment{{Len: 64}}})
	x := o.value(64, 256)
	for range 100 {
		x = o.Layer(layer, x)
	}
	if n := len(o.arena.chunks); n > 6 {
		t.Errorf("%d chunks of memory after 100 layers", n)
	}
}
