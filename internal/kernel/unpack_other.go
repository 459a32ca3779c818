//go:build !amd64 || purego

package kernel

// unpack makes a panel of n group blocks.
func (f *Format) unpack(q []uint8, scale, mins []float32, src []byte, n int) {
	f.unpackGeneric(q, scale, mins, src, n)
}
