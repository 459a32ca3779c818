package kernel

import "encoding/binary"

// packPair is packRow of two stored rows for places r and r+1, r even: their elements
// become neighbours, so that one store writes both. A model's start is little else.
func (f *Format) packPair(group, row0, row1 []byte, r int) {
	for _, fd := range f.packing.fields {
		src0, src1, dst := row0[fd.off:], row1[fd.off:], group[fd.size*r:]
		switch {
		case fd.off == f.packing.high && fd.off > 0:
			pairHigh(dst, src0, src1, f.BlockBytes)
		case fd.size == 4 && fd.n%4 == 0:
			pairWords(dst, src0, src1, fd.n/4, f.BlockBytes)
		case fd.size == 4:
			pairSingles(dst, src0, src1, fd.n, f.BlockBytes)
		case fd.size == 2:
			pairHalves(dst, src0, src1, f.BlockBytes)
		default:
			pairBytes(dst, src0, src1, fd.n, f.BlockBytes)
		}
		group = group[groupRows*fd.n*fd.size:]
	}
}

// The functions below write a field of all blocks of two rows, whose sources begin
// with the first block's field. A block takes size bytes of a row.

// wordStep is how far a row's word is from its next one.
const wordStep = 4 * groupRows

// pairWords is for fields of n times four words.
func pairWords(dst, src0, src1 []byte, n, size int) {
	const low = 1<<32 - 1
	for {
		for i := range n {
			a, b := (*[16]byte)(src0[16*i:]), (*[16]byte)(src1[16*i:])
			d := (*[3*wordStep + 8]byte)(dst[4*wordStep*i:])
			a0, a1 := binary.LittleEndian.Uint64(a[:8]), binary.LittleEndian.Uint64(a[8:])
			b0, b1 := binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])
			binary.LittleEndian.PutUint64(d[:8], a0&low|b0<<32)
			binary.LittleEndian.PutUint64(d[wordStep:], a0>>32|b0&^low)
			binary.LittleEndian.PutUint64(d[2*wordStep:], a1&low|b1<<32)
			binary.LittleEndian.PutUint64(d[3*wordStep:], a1>>32|b1&^low)
		}
		if len(src0) <= size {
			return
		}
		src0, src1, dst = src0[size:], src1[size:], dst[groupRows*size:]
	}
}

// pairSingles is for fields of n words.
func pairSingles(dst, src0, src1 []byte, n, size int) {
	for {
		for i := range n {
			putPair(dst[wordStep*i:], binary.LittleEndian.Uint32(src0[4*i:]), binary.LittleEndian.Uint32(src1[4*i:]))
		}
		if len(src0) <= size {
			return
		}
		src0, src1, dst = src0[size:], src1[size:], dst[groupRows*size:]
	}
}

// pairHigh is for the fifth bits.
func pairHigh(dst, src0, src1 []byte, size int) {
	for {
		putPair(dst, turnBits(binary.LittleEndian.Uint32(src0)), turnBits(binary.LittleEndian.Uint32(src1)))
		if len(src0) <= size {
			return
		}
		src0, src1, dst = src0[size:], src1[size:], dst[groupRows*size:]
	}
}

// pairHalves is for a field of two bytes.
func pairHalves(dst, src0, src1 []byte, size int) {
	for {
		binary.LittleEndian.PutUint32(dst, uint32(binary.LittleEndian.Uint16(src0))|uint32(binary.LittleEndian.Uint16(src1))<<16)
		if len(src0) <= size {
			return
		}
		src0, src1, dst = src0[size:], src1[size:], dst[groupRows*size:]
	}
}

// pairBytes is for n bytes.
func pairBytes(dst, src0, src1 []byte, n, size int) {
	for {
		for i := range n {
			d := (*[2]byte)(dst[groupRows*i:])
			d[0], d[1] = src0[i], src1[i]
		}
		if len(src0) <= size {
			return
		}
		src0, src1, dst = src0[size:], src1[size:], dst[groupRows*size:]
	}
}

func putPair(dst []byte, a, b uint32) {
	binary.LittleEndian.PutUint64(dst, uint64(a)|uint64(b)<<32)
}
