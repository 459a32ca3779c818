//go:build amd64 && !purego

package kernel

//go:noescape
func quantiseAVX2(dst *actBlock, x *float32, n int)

// quantiseBlocks fills dst from 32 numbers each, with the path in use.
func quantiseBlocks(dst []actBlock, x []float32) {
	if isa == pathGeneric || len(dst) == 0 {
		quantiseGeneric(dst, x)
		return
	}
	x = x[:32*len(dst)]
	quantiseAVX2(&dst[0], &x[0], len(dst))
}
