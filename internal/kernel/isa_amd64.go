//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

// bestPath is the fastest path that the processor has and for which the
// operating system saves the registers; package cpu asks XGETBV for that.
func bestPath() path {
	x := &cpu.X86
	if !(x.HasAVX2 && x.HasFMA && x.HasF16C) {
		return pathGeneric
	}
	if !(x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI) {
		return pathAVX2
	}
	if !(x.HasAMXTile && x.HasAMXInt8 && x.HasAMXBF16 && x.HasAVX512BF16) || !tilesWork() {
		return pathAVX512
	}
	return pathAMX
}
