package kernel

// maxTokens is how many rows of activations a tile kernel takes at most.
const maxTokens = 8

// tile is one call of a tile kernel: 16 weight rows, or some groups of 16, times up to
// maxTokens rows of activations, or any number of them: see rowsAtOnce.
type tile struct {
	src         []byte     // packed groups, for kernels that need no panel
	groups      int        // of src; their outputs lie side by side
	passes      passes     // of kernels that read packed groups
	q           []uint8    // [columns/4][16][4]
	scale, mins []float32  // [columns/step][16]
	x           []actBlock // [tokens], stride apart, [blocks]; or nil, and
	words       []wordBlock
	stride      int
	out         []float32 // [tokens], outStride apart, [16]
	outStride   int
	tokens      int
	blocks      int  // of 32 columns
	shift       int  // of the offset
	more        bool // add to out rather than begin
}

// passes are what a kernel needs to know to multiply a group with as many rows of activations as it takes
// after another, and then the next group.
type passes struct {
	n     int // with each group
	left  int // groups, counted down by kernels for AVX-512
	bytes int // of a group
	first int // how far ahead memory is asked for in the first pass, with AVX2
	last  int // the same of the last one
	back  int // bytes from the outputs of the last pass to those of the first one with the next group
}

// generic is the portable tile kernel.
func (t *tile) generic(p *packing) {
	for i := range t.tokens {
		out := (*[groupRows]float32)(t.out[i*t.outStride:])
		if !t.more {
			*out = [groupRows]float32{}
		}
		for b := range t.blocks {
			x := &t.x[i*t.stride+b]
			q := t.q[b*32*groupRows:]
			if p.step == 16 {
				var dot [groupRows]int32
				s := (*[2 * groupRows]float32)(t.scale[b*2*groupRows:])
				dotPanel(&dot, q, x.q[:16], x.n16<<t.shift)
				for r := range out {
					out[r] = fma32(float32(dot[r]), s[r]*x.d, out[r])
				}
				dotPanel(&dot, q[16*groupRows:], x.q[16:], (x.n-x.n16)<<t.shift)
				for r := range out {
					out[r] = fma32(float32(dot[r]), s[groupRows+r]*x.d, out[r])
				}
				continue
			}
			var dot [groupRows]int32
			s := (*[groupRows]float32)(t.scale[b*groupRows:])
			dotPanel(&dot, q, x.q[:], x.n<<t.shift)
			for r := range out {
				out[r] = fma32(float32(dot[r]), s[r]*x.d, out[r])
			}
			if p.mins {
				m := (*[groupRows]float32)(t.mins[b*groupRows:])
				for r := range out {
					out[r] = fma32(m[r], x.s, out[r])
				}
			}
		}
	}
}

// dotPanel is dot[r] = from + Σ q[r]*x over the columns of x.
func dotPanel(dot *[groupRows]int32, q []uint8, x []int8, from int32) {
	for r := range dot {
		dot[r] = from
	}
	for j := 0; j < len(x); j += 4 {
		x0, x1, x2, x3 := int32(x[j]), int32(x[j+1]), int32(x[j+2]), int32(x[j+3])
		quad := (*[4 * groupRows]uint8)(q[j*groupRows:])
		for r := range dot {
			dot[r] += int32(quad[4*r])*x0 + int32(quad[4*r+1])*x1 + int32(quad[4*r+2])*x2 + int32(quad[4*r+3])*x3
		}
	}
}
