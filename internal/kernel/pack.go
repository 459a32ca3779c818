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
	high   int // offset of the field of fifth bits, which turnBits turns; 0: none
	bits   int // of a code
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
	to := 0
	for _, fd := range f.packing.fields {
		src, dst := row[fd.off:], group[to+fd.size*r:]
		for {
			switch {
			case fd.off == f.packing.high && fd.off > 0:
				binary.LittleEndian.PutUint32(dst, turnBits(binary.LittleEndian.Uint32(src)))
			case fd.size == 4:
				from, d := src[:4*fd.n], dst
				for {
					binary.LittleEndian.PutUint32(d, binary.LittleEndian.Uint32(from))
					if from = from[4:]; len(from) == 0 {
						break
					}
					d = d[4*groupRows:]
				}
			case fd.size == 2:
				binary.LittleEndian.PutUint16(dst, binary.LittleEndian.Uint16(src))
			default:
				for i, v := range src[:fd.n] {
					dst[groupRows*i] = v
				}
			}
			if len(src) <= f.BlockBytes {
				break
			}
			src, dst = src[f.BlockBytes:], dst[groupRows*f.BlockBytes:]
		}
		to += groupRows * fd.n * fd.size
	}
}

// unpackBlock is packRow backwards, for one block of a row.
func (f *Format) unpackBlock(block, group []byte, r int) {
	for _, fd := range f.packing.fields {
		dst := block[fd.off : fd.off+fd.n*fd.size]
		for i := 0; i < len(dst); i += fd.size {
			copy(dst[i:i+fd.size], group[groupRows*i+fd.size*r:])
		}
		if fd.off == f.packing.high && fd.off > 0 {
			binary.LittleEndian.PutUint32(dst, turnBitsBack(binary.LittleEndian.Uint32(dst)))
		}
		group = group[groupRows*len(dst):]
	}
}

// turnBits transposes the fifth bits of Q5_0 and Q5_1: bit 4j+c, that of column
// c of quad j, becomes bit j of byte c. One shift then brings a quad's bits in
// place for all rows.
func turnBits(in uint32) (out uint32) {
	for c := range 4 {
		x := in >> c & 0x11111111 // every fourth bit, to be moved together
		x = (x | x>>3) & 0x03030303
		x = (x | x>>6) & 0x000f000f
		out |= (x | x>>12) & 0xff << (8 * c)
	}
	return out
}

func turnBitsBack(in uint32) (out uint32) {
	for c := range 4 {
		x := in >> (8 * c) & 0xff
		x = (x | x<<12) & 0x000f000f
		x = (x | x<<6) & 0x03030303
		x = (x | x<<3) & 0x11111111
		out |= x << c
	}
	return out
}
