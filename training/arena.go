package training

import "graft/internal/kernel"

// arena lends memory that is taken back all at once, or down to a mark. It lies outside
// of Go's heap: what a pass needs would set the pace of the collector, which lets as
// much garbage lie as there is memory in use, and what was outgrown would be part of it.
type arena struct {
	chunks []chunk
	at     mark
}

// chunk is memory that the system gives page by page, as it is first touched.
type chunk struct {
	slab *kernel.Slab // nil: Go's memory
	data []float32
	top  int // numbers lent at the same time, at most: the others were never touched
}

// mark is a state of the arena: used numbers of the chunk, all of those before it.
type mark struct{ chunk, used int }

// chunkLen is the least size of a chunk, in numbers.
const chunkLen = 1 << 25

// take lends n numbers, whose values are left from before. They begin with a line of the
// caches.
func (a *arena) take(want int) []float32 {
	n := (want + 15) / 16 * 16
	for a.at.chunk < len(a.chunks) && a.at.used+n > len(a.chunks[a.at.chunk].data) {
		if a.at.used == 0 { // too small for this one: make it larger
			a.chunks[a.at.chunk].free()
			a.chunks[a.at.chunk] = newChunk(n)
			break
		}
		a.at = mark{a.at.chunk + 1, 0}
	}
	if a.at.chunk == len(a.chunks) {
		a.chunks = append(a.chunks, newChunk(max(n, chunkLen)))
	}
	c, from := &a.chunks[a.at.chunk], a.at.used
	a.at.used += n
	c.top = max(c.top, a.at.used)
	return c.data[from : from+want : a.at.used]
}

// release takes back what was lent after m.
func (a *arena) release(m mark) { a.at = m }

// bytes is the memory that the arena holds.
func (a *arena) bytes() (n int64) {
	for i := range a.chunks {
		n += 4 * int64(a.chunks[i].top)
	}
	return n
}

// free gives all memory back to the system. Nothing that was lent may be touched any more.
func (a *arena) free() {
	for i := range a.chunks {
		a.chunks[i].free()
	}
	*a = arena{}
}

// newChunk is memory for n numbers. Where the system has none outside of Go's heap to
// give, the heap is asked, and ends the program if it has none either.
func newChunk(n int) chunk {
	s, err := kernel.NewSlab(4 * n)
	if err != nil {
		return chunk{data: make([]float32, n)}
	}
	s.Huge()
	return chunk{slab: s, data: s.Floats()}
}

func (c *chunk) free() {
	if c.slab != nil {
		_ = c.slab.Close() // of addresses that were mapped: it cannot fail
	}
	*c = chunk{}
}
