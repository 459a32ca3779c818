//go:build !amd64 || purego

package kernel

// quantiseBlocks fills dst from 32 numbers each.
func quantiseBlocks(dst []actBlock, x []float32) { quantiseGeneric(dst, x) }
