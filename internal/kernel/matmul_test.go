package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// randomStored is a stored matrix whose blocks use every bit of the format.
func randomStored(rng *rand.Rand, f *Format, rows, cols int) []byte {
	data := make([]byte, rows*f.Type.RowBytes(cols))
	if f.Quantize != nil {
		x := make([]float32, rows*cols)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		f.Quantize(data, x)
		return data
	}
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	for b := 0; b < len(data); b += f.BlockBytes {
		for _, fd := range f.packing.fields {
			if fd.size == 2 {
				putHalf(data[b+fd.off:], float32(rng.NormFloat64())/64)
			}
		}
	}
	return data
}

func randomActs(rng *rand.Rand, rows, cols int) []float32 {
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * math.Exp(rng.NormFloat64()))
	}
	return x
}

func mustMatrix(t testing.TB, src Source) *Matrix {
	t.Helper()
	m, err := NewMatrix(src)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// product of the decoded weights with the activations as the product sees them,
// in float64, and the sum of the terms' magnitudes.
func referenceProduct(exact bool, w []float32, f *Format, x []float32) (sum, magnitude float64) {
	var b actBlock
	var wb wordBlock
	for k := range w {
		v := float64(x[k])
		switch {
		case f.packing != nil && exact:
			if k%32 == 0 {
				wordsOf(&wb, x[k:k+32])
			}
			v = float64(wb.d) * float64(wb.q[k%32&^3+wordOrder[k%4]])
		case f.packing != nil:
			if k%32 == 0 {
				quantiseBlock(&b, x[k:k+32])
			}
			v = float64(b.d) * float64(b.q[k%32])
		}
		sum += float64(w[k]) * v
		magnitude += math.Abs(float64(w[k]) * v)
	}
	return sum, magnitude
}

func TestMatMul(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	eachImpl(t, func(t *testing.T) {
		for _, f := range Formats() {
			for _, c := range []struct{ tokens, rows, cols int }{
				{1, 16, 1}, {2, 5, 3}, {1, 1, 1}, {3, 33, 31}, {5, 17, 100},
				{1, 1, 32}, {1, 15, 32}, {2, 17, 96}, {9, 16, 64}, {3, 40, 576}, {20, 5, 1536},
				{1, 16, 256}, {7, 31, 512}, {8, 9, 1536}, {17, 50, 768},
				{1, 390, 96}, {2, 400, 768}, {4, 391, 512}, {8, 390, 96}, {8, 400, 768},
			} {
				if c.cols%f.BlockLen != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%dx%dx%d", f.Name, c.tokens, c.rows, c.cols), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(1, uint64(c.cols)))
					data := randomStored(rng, f, c.rows, c.cols)
					m := mustMatrix(t, Source{Type: f.Type, Rows: c.rows, Cols: c.cols, Data: data})
					x := randomActs(rng, c.tokens, c.cols)
					y := make([]float32, c.tokens*c.rows)
					w := make([]float32, c.rows*c.cols)
					f.Dequantize(w, data)
					var a Acts
					a.Set(p, x, c.tokens, c.cols)
					for _, pr := range products {
						pr.f(p, y, m, &a)
						for i, have := range y {
							tok, r := i/c.rows, i%c.rows
							want, mag := referenceProduct(pr.exact, w[r*c.cols:(r+1)*c.cols], f, x[tok*c.cols:(tok+1)*c.cols])
							// One rounding a block (or a sixteenth of the row), each at most
							// half a unit of a partial sum; with mins the two parts may be
							// larger than their sum.
							if math.Abs(float64(have)-want) > 2e-6*mag+1e-30 {
								t.Fatalf("in %s y[%d,%d] = %v, want %v (terms add up to %v)", pr.name, tok, r, have, want, mag)
							}
						}
					}
				})
			}
		}
	})
}

// Row gives the numbers the file holds, in the order asked for.
func TestRow(t *testing.T) {
	const rows, cols = 21, 512
	rng := rand.New(rand.NewPCG(2, 2))
	order := make([]int32, rows)
	for i, r := range rng.Perm(rows) {
		order[i] = int32(r)
	}
	for _, f := range Formats() {
		data := randomStored(rng, f, rows, cols)
		w := make([]float32, rows*cols)
		f.Dequantize(w, data)
		for _, o := range [][]int32{nil, order} {
			m := mustMatrix(t, Source{Type: f.Type, Rows: rows, Cols: cols, Data: data, RowOrder: o})
			have := make([]float32, cols)
			for i := range rows {
				m.Row(have, i)
				stored := i
				if o != nil {
					stored = int(o[i])
				}
				for k := range have {
					if math.Float32bits(have[k]) != math.Float32bits(w[stored*cols+k]) {
						t.Fatalf("%s row %d (stored %d) column %d: %v, want %v", f.Name, i, stored, k, have[k], w[stored*cols+k])
					}
				}
			}
			if limit := int64(32 * f.Type.RowBytes(cols)); m.Bytes() > limit {
				t.Errorf("%s takes %d bytes, want at most the file's and padding, %d", f.Name, m.Bytes(), limit)
			}
		}
	}
}

// Products use the order of rows as well.
func TestMatMulRowOrder(t *testing.T) {
	const rows, cols = 37, 64
	rng := rand.New(rand.NewPCG(3, 3))
	order := make([]int32, rows)
	for i, r := range rng.Perm(rows) {
		order[i] = int32(r)
	}
	x := randomActs(rng, 2, cols)
	var a Acts
	a.Set(nil, x, 2, cols)
	for _, ty := range []Type{F32, F16, BF16, Q4_1, Q8_0} {
		f, _ := FormatOf(ty)
		data := randomStored(rng, f, rows, cols)
		plain := mustMatrix(t, Source{Type: ty, Rows: rows, Cols: cols, Data: data})
		turned := mustMatrix(t, Source{Type: ty, Rows: rows, Cols: cols, Data: data, RowOrder: order})
		y, z := make([]float32, 2*rows), make([]float32, 2*rows)
		MatMul(nil, y, plain, &a)
		MatMul(nil, z, turned, &a)
		for i := range z {
			if want := y[i/rows*rows+int(order[i%rows])]; z[i] != want {
				t.Fatalf("%v: output %d of the turned matrix is %v, want %v", ty, i, z[i], want)
			}
		}
	}
}
