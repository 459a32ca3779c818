//go:build !amd64 || purego

package kernel

// wordBlocks fills dst from 32 numbers each.
func wordBlocks(dst []wordBlock, x []float32) { wordBlocksGeneric(dst, x) }
