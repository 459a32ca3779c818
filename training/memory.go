package training

import (
	"runtime"

	"graft/internal/kernel"
)

// Memory is what passes are computed in. It grows to what the largest pass needs and
// stays; tapes of which only one is in a pass at a time may share one.
type Memory struct {
	*arenas
	gemm   kernel.Gemm // what products lay out anew
	attend kernel.SelfAttention
}

type arenas struct {
	work arena // values inside layers, gradients, whatever is short-lived
	keep arena // what stays until the next pass
}

// NewMemory is empty. It goes back to the system when nobody has it any more, or at once
// with Release.
func NewMemory() *Memory {
	m := &Memory{arenas: &arenas{}}
	runtime.AddCleanup(m, (*arenas).free, m.arenas)
	return m
}

// Bytes is what is held: pages that were never touched count for nothing.
func (m *Memory) Bytes() int64 { return m.work.bytes() + m.keep.bytes() + m.gemm.Bytes() }

// Release gives all of it back to the system. There must be no pass under way; the next
// one begins anew.
func (m *Memory) Release() {
	m.free()
	m.gemm, m.attend = kernel.Gemm{}, kernel.SelfAttention{}
}

func (a *arenas) free() {
	a.work.free()
	a.keep.free()
}
