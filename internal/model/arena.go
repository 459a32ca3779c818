package model

// arena lends memory that is given back all at once, or down to a mark. Once the
// passes have had their largest size it allocates no more.
type arena struct {
	chunks [][]float32
	at     mark
}

// mark is a state of the arena: used numbers of the chunk, all of those before it.
type mark struct{ chunk, used int }

// chunkLen is the least size of a chunk, in numbers.
const chunkLen = 1 << 16

// take lends n numbers, whose values are left from before.
func (a *arena) take(n int) []float32 {
	if a.at.chunk == len(a.chunks) || a.at.used+n > len(a.chunks[a.at.chunk]) {
		a.advance(n)
	}
	c := a.chunks[a.at.chunk]
	end := a.at.used + n
	x := c[a.at.used:end:end]
	a.at.used = end
	return x
}

// advance moves to a chunk with room for n numbers.
func (a *arena) advance(n int) {
	if a.at.chunk < len(a.chunks) && a.at.used > 0 {
		a.at = mark{a.at.chunk + 1, 0}
	}
	if a.at.chunk == len(a.chunks) {
		a.chunks = append(a.chunks, nil)
	}
	if n > len(a.chunks[a.at.chunk]) {
		a.chunks[a.at.chunk] = make([]float32, max(n, chunkLen))
	}
}

// release takes back what was lent after m.
func (a *arena) release(m mark) { a.at = m }
