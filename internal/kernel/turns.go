package kernel

import "runtime"

// turnBytes is what a row has at a time where rows take turns: lanes numbers of 16 bits.
const turnBytes = 2 * lanes

// mayTakeTurns says that takeTurns can be done.
func (m *Matrix) mayTakeTurns() bool {
	return (m.Type == F16 || m.Type == BF16) && m.order == nil && m.Rows%dotRows == 0 && m.Cols%lanes == 0
}

// takeTurns brings the rows that a dot kernel computes together side by side, sixteen
// numbers of each in turn, and appends them to dst. They are then read as one stream, which
// the processor sees coming; four at a distance of a row it does not. The matrix is for
// LowRanks and Row alone afterwards.
func (m *Matrix) takeTurns(dst []byte) []byte {
	for r := 0; r < m.Rows; r += dotRows {
		for at := 0; at < m.bytes; at += turnBytes {
			for k := range dotRows {
				dst = append(dst, m.stored(r + k)[at:at+turnBytes]...)
			}
		}
	}
	m.turns = true
	return dst
}

// turnsRow dequantises a row that takes turns.
func (m *Matrix) turnsRow(dst []float32, row int) {
	at := row/dotRows*dotRows*m.bytes + row%dotRows*turnBytes
	for c := 0; c < m.Cols; c += lanes {
		m.format.Dequantize(dst[c:c+lanes], m.data[at:at+turnBytes])
		at += dotRows * turnBytes
	}
	runtime.KeepAlive(m)
}
