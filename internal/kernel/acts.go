package kernel

import (
	"fmt"
	"math"
)

// actBlock is 32 activations quantised for integer products: x ≈ d*q.
type actBlock struct {
	q   [32]int8
	d   float32 // largest magnitude / 127
	s   float32 // d times the sum of q
	n   int32   // the sum of q, negated
	n16 int32   // the same of the first 16
}

// Acts is activations [rows, cols] made ready once and multiplied with any number
// of matrices. It also holds the memory that products work in, so it serves one
// goroutine at a time. The zero value is ready for Set.
type Acts struct {
	x          []float32 // [rows, cols]
	rows, cols int

	blocks    []actBlock // [rows, cols/32]
	quantised bool

	scratch []scratch // one per worker
	job     product
}

// Set takes the activations x [rows, cols] by reference: x must stay as it is
// until the last product. What a product needs beyond x is computed when the
// first such product asks for it, in memory that later calls reuse.
func (a *Acts) Set(p *Pool, x []float32, rows, cols int) {
	if len(x) != rows*cols {
		panic(fmt.Sprintf("kernel: activations [%d, %d] with %d numbers", rows, cols, len(x)))
	}
	a.x, a.rows, a.cols = x, rows, cols
	a.quantised = false
}

// quantise fills blocks. A row is always quantised by itself.
func (a *Acts) quantise(p *Pool) {
	if a.quantised {
		return
	}
	a.quantised = true
	n := a.rows * a.cols / 32
	if cap(a.blocks) < n {
		a.blocks = make([]actBlock, n)
	}
	a.blocks = a.blocks[:n]
	const chunk = 1024 // blocks
	if n <= chunk {
		quantiseBlocks(a.blocks, a.x)
		return
	}
	p.Run((n+chunk-1)/chunk, (*quantising)(a))
}

// quantising is the task of quantise.
type quantising Acts

func (a *quantising) Do(i int) {
	b := a.blocks[i*1024 : min(len(a.blocks), (i+1)*1024)]
	quantiseBlocks(b, a.x[i*1024*32:][:len(b)*32])
}

// quantiseBlocks rounds to nearest even, symmetrically: d is the largest
// magnitude over 127, q = x*(127/largest). A block with an infinity or a NaN gets
// the same as its d, so that it shows in every product; one so small that
// 127/largest overflows becomes zero.
func quantiseBlocks(dst []actBlock, x []float32) {
	for i := range dst {
		quantiseBlock(&dst[i], x[32*i:32*i+32])
	}
}

func quantiseBlock(b *actBlock, x []float32) {
	var top uint32 // bits of the largest magnitude; a NaN beats an infinity beats a number
	for _, v := range x {
		top = max(top, math.Float32bits(v)&0x7fffffff)
	}
	*b = actBlock{}
	largest := math.Float32frombits(top)
	switch {
	case top >= 0x7f800000:
		b.d = largest
		b.s = float32(math.NaN())
		return
	case largest < 0x1p-120:
		return
	}
	b.d = largest / 127
	inv := 127 / largest
	for i, v := range x {
		q := int8(math.RoundToEven(float64(v * inv)))
		b.q[i] = q
		b.n -= int32(q)
		if i < 16 {
			b.n16 -= int32(q)
		}
	}
	b.s = b.d * float32(-b.n)
}
