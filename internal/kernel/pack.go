package kernel

import "encoding/binary"

// groupRows is how many rows of a quantised matrix are interleaved, so that one
// vector instruction serves four columns of all of them.
const groupRows = 16

// packing says how the blocks of a format are re-laid for products. The same
// block of sixteen adjacent rows becomes one group block: each field of the
// block in turn, each element of the field for the sixteen rows. It keeps the
// format's own bits, so a matrix takes as much memory as in its file.
//
// For a product a group block is unpacked into a panel: one byte a weight in
// [BlockLen/4][16 rows][4 columns], and a scale and perhaps a min for every step
// columns of a row in [BlockLen/step][16]. The weight is
//
//	scale*(q - 1<<shift)  or, with mins,  scale*q + min
type packing struct {
	fields []field
	// turn rewrites a block before it is interleaved and back undoes that; nil when the bits stay.
	turn, back func(block []byte)

	step   int // columns that share a scale: 16 or 32
	shift  int // noShift with mins
	mins   bool
	unpack unpackFunc // one group block, portable
}

// field is n elements of size bytes at offset off of a block.
type field struct{ off, n, size int }

// unpackFunc reads one group block into its part of a panel.
type unpackFunc func(q []uint8, scale, mins []float32, src []byte)

// noShift is a shift that leaves nothing of a 32-bit number.
const noShift = 32

// packRow puts one stored row in place r of a packed group.
func (f *Format) packRow(group, row []byte, r int) {
	p := f.packing
	var turned [32]byte
	for len(row) > 0 {
		b := row[:f.BlockBytes]
		if p.turn != nil {
			b = turned[:copy(turned[:], b)]
			p.turn(b)
		}
		dst := group
		for _, fd := range p.fields {
			src := b[fd.off : fd.off+fd.n*fd.size]
			switch fd.size {
			case 4:
				for i := 0; i < len(src); i += 4 {
					binary.LittleEndian.PutUint32(dst[16*i+4*r:], binary.LittleEndian.Uint32(src[i:]))
				}
			case 2:
				copy(dst[2*r:2*r+2], src)
			case 1:
				for i, v := range src {
					dst[16*i+r] = v
				}
			}
			dst = dst[groupRows*len(src):]
		}
		row, group = row[f.BlockBytes:], group[groupRows*f.BlockBytes:]
	}
}

// unpackRow is packRow backwards.
func (f *Format) unpackRow(row, group []byte, r int) {
	p := f.packing
	for len(row) > 0 {
		src := group
		for _, fd := range p.fields {
			dst := row[fd.off : fd.off+fd.n*fd.size]
			for i := 0; i < len(dst); i += fd.size {
				copy(dst[i:i+fd.size], src[16*i+fd.size*r:])
			}
			src = src[groupRows*len(dst):]
		}
		if p.back != nil {
			p.back(row[:f.BlockBytes])
		}
		row, group = row[f.BlockBytes:], group[groupRows*f.BlockBytes:]
	}
}

// turnHighBits transposes the fifth bits of Q5_0 and Q5_1 at offset off: bit
// 4j+c, that of column c of quad j, becomes bit j of byte c. One shift then
// brings a quad's bits in place for all rows.
func turnHighBits(off int) func([]byte) {
	return func(b []byte) {
		in := binary.LittleEndian.Uint32(b[off:])
		var out uint32
		for i := range 32 {
			out |= in >> i & 1 << (8*(i%4) + i/4)
		}
		binary.LittleEndian.PutUint32(b[off:], out)
	}
}

func turnHighBitsBack(off int) func([]byte) {
	return func(b []byte) {
		in := binary.LittleEndian.Uint32(b[off:])
		var out uint32
		for i := range 32 {
			out |= in >> (8*(i%4) + i/4) & 1 << i
		}
		binary.LittleEndian.PutUint32(b[off:], out)
	}
}
