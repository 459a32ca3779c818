package training

import (
	"math"
	"path/filepath"
	"testing"

	"graft/internal/kernel"
	"graft/internal/reftest"
)

// What is computed as it is laid out is the same, bit for bit, as what is computed before,
// whatever the workers and the dropout.
func TestLate(t *testing.T) {
	if !kernel.Split.Fast() {
		t.Skip("without tiles nothing is computed late")
	}
	pool := kernel.NewPool(3)
	defer pool.Close()
	for _, name := range tiny {
		m := openTiny(t, name)
		g := reftest.Load(t, filepath.Join("testdata", name+".safetensors"))
		for _, precision := range []kernel.Precision{kernel.Split, kernel.Half} {
			for _, dropout := range []float32{0, 0.1} {
				var adapters [2]*Adapter
				for i := range adapters {
					a, tape := goldenAdapter(t, g, m, true), NewTape(pool, nil)
					a.Dropout, tape.Precision, tape.eager = dropout, precision, i == 0
					gradientsOf(t, tape, m, a, goldenExamples(t, g), 2)
					adapters[i] = a
				}
				for i, p := range adapters[1].Params() {
					for j, v := range p.Grad {
						if want := adapters[0].Params()[i].Grad[j]; math.Float32bits(v) != math.Float32bits(want) {
							t.Fatalf("%s, %v, dropout %v: %s: gradient %d is %v, want %v", name, precision, dropout, p.Name, j, v, want)
						}
					}
				}
			}
		}
	}
}
