package training

import "graft/internal/kernel"

// arena lends memory that is taken back all at once, or down to a mark.
type arena struct {
	chunks [][]float32
	at     mark
}

// mark is a state of the arena: used numbers of the chunk, all of those before it.
type mark struct{ chunk, used int }

// chunkLen is the least size of a chunk, in numbers.
const chunkLen = 1 << 18

// take lends n numbers, whose values are left from before.
func (a *arena) take(n int) []float32 {
	for a.at.chunk < len(a.chunks) && a.at.used+n > len(a.chunks[a.at.chunk]) {
		if a.at.used == 0 { // too small for this one: make it larger
			a.chunks[a.at.chunk] = kernel.Floats(n)
			break
		}
		a.at = mark{a.at.chunk + 1, 0}
	}
	if a.at.chunk == len(a.chunks) {
		a.chunks = append(a.chunks, kernel.Floats(max(n, chunkLen)))
	}
	end := a.at.used + n
	x := a.chunks[a.at.chunk][a.at.used:end:end]
	a.at.used = end
	return x
}

// release takes back what was lent after m.
func (a *arena) release(m mark) { a.at = m }

// bytes is the memory that the arena holds.
func (a *arena) bytes() (n int64) {
	for _, c := range a.chunks {
		n += 4 * int64(len(c))
	}
	return n
}
