//go:build amd64 && !purego

package kernel

//go:noescape
func unpackQ4_0AVX2(q *uint8, scale, mins *float32, src *byte, n int)

//go:noescape
func unpackQ4_1AVX2(q *uint8, scale, mins *float32, src *byte, n int)

//go:noescape
func unpackQ5_0AVX2(q *uint8, scale, mins *float32, src *byte, n int)

//go:noescape
func unpackQ5_1AVX2(q *uint8, scale, mins *float32, src *byte, n int)

//go:noescape
func unpackQ8_0AVX2(q *uint8, scale, mins *float32, src *byte, n int)

//go:noescape
func unpackQ4_KAVX2(q *uint8, scale, mins *float32, src *byte, n int)

//go:noescape
func unpackQ5_KAVX2(q *uint8, scale, mins *float32, src *byte, n int)

//go:noescape
func unpackQ6_KAVX2(q *uint8, scale, mins *float32, src *byte, n int)

// unpackers are the assembly unpackers by type.
var unpackers = [BF16 + 1]func(q *uint8, scale, mins *float32, src *byte, n int){
	Q4_0: unpackQ4_0AVX2, Q4_1: unpackQ4_1AVX2, Q5_0: unpackQ5_0AVX2, Q5_1: unpackQ5_1AVX2,
	Q8_0: unpackQ8_0AVX2, Q4_K: unpackQ4_KAVX2, Q5_K: unpackQ5_KAVX2, Q6_K: unpackQ6_KAVX2,
}

// unpack makes a panel of n group blocks with the path in use.
func (f *Format) unpack(q []uint8, scale, mins []float32, src []byte, n int) {
	fast := unpackers[f.Type]
	if fast == nil || isa == pathGeneric {
		f.unpackGeneric(q, scale, mins, src, n)
		return
	}
	if steps := f.steps(n); len(q) < n*f.BlockLen*groupRows || len(scale) < steps || len(mins) < steps || len(src) < n*f.BlockBytes*groupRows {
		panic("kernel: panel too small")
	}
	fast(&q[0], &scale[0], &mins[0], &src[0], n)
}
