package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// KV is the keys and values of one layer, in blocks that belong to sequences by
// their block lists. A block holds BlockLen tokens, head after head:
//
//	K  [KVHeads][HeadDim, BlockLen]  transposed: keys of one block lie side by side
//	V  [KVHeads][BlockLen, HeadDim]
//
// as Type F32, F16 or BF16. Q8_0 has 32 numbers of one token share a scale, with
// the scales (f16) before the bytes: K [HeadDim/32, BlockLen], V [BlockLen, HeadDim/32].
// How blocks of Q16 lie is said there.
type KV struct {
	Type                       Type
	BlockLen, KVHeads, HeadDim int
	Stride                     int    // bytes from one block to the next in K and in V; 0: BlockBytes()
	K, V                       []byte // block b at b*Stride
}

// Check returns an error if there are no kernels for this shape.
func (kv *KV) Check() error {
	switch {
	case kv.Type != F32 && kv.Type != F16 && kv.Type != BF16 && kv.Type != Q8_0 && kv.Type != Q16:
		return fmt.Errorf("keys and values cannot be kept as %v: use F32, F16, BF16, Q16 or Q8_0", kv.Type)
	case kv.BlockLen < 16 || chunkLen%kv.BlockLen != 0:
		return fmt.Errorf("blocks of %d tokens: want 16, 32, 64 or 128", kv.BlockLen)
	case kv.KVHeads < 1 || kv.HeadDim < 1:
		return fmt.Errorf("%d heads of %d numbers", kv.KVHeads, kv.HeadDim)
	case kv.Type == Q8_0 && kv.HeadDim%32 != 0:
		return fmt.Errorf("heads of %d numbers cannot be kept as Q8_0, which takes multiples of 32: use F16", kv.HeadDim)
	case kv.Type == Q16 && !digitable(kv.HeadDim):
		return fmt.Errorf("heads of %d numbers cannot be kept as Q16, which takes multiples of 64 up to %d: use F16", kv.HeadDim, digitMaxDim)
	case kv.Stride != 0 && kv.Stride < kv.BlockBytes():
		return fmt.Errorf("blocks of %d bytes that begin every %d", kv.BlockBytes(), kv.Stride)
	}
	return nil
}

// BlockBytes is the size of one block of K, which is also that of V.
func (kv *KV) BlockBytes() int { return kv.KVHeads * kv.headBytes() }

// headBytes is the size of one head of one block.
func (kv *KV) headBytes() int {
	n := kv.BlockLen * kv.HeadDim
	switch kv.Type {
	case F32:
		return 4 * n
	case Q8_0:
		return n / 32 * 34
	case Q16:
		return 2*n + 4*kv.BlockLen
	}
	return 2 * n
}

// at is where one head of one block begins.
func (kv *KV) at(block, head int) int {
	if kv.Stride != 0 {
		return block*kv.Stride + head*kv.headBytes()
	}
	return (block*kv.KVHeads + head) * kv.headBytes()
}

// Store puts the keys and values [KVHeads*HeadDim] of one token at a slot, 0 to
// BlockLen-1, of a block.
func (kv *KV) Store(block, slot int, k, v []float32) {
	if kv.Type == Q16 {
		kv.storeDigits(block, slot, 1, k, v)
		return
	}
	for h := range kv.KVHeads {
		at := kv.at(block, h)
		x := k[h*kv.HeadDim : (h+1)*kv.HeadDim]
		kv.put(kv.K[at:at+kv.headBytes()], x, slot, kv.BlockLen, slot, kv.BlockLen)
		x = v[h*kv.HeadDim : (h+1)*kv.HeadDim]
		kv.put(kv.V[at:at+kv.headBytes()], x, slot*kv.HeadDim, 1, slot*(kv.HeadDim/32), 1)
	}
}

// put writes the numbers of one head of one token to b: number i at start+i*step,
// the scale of group g at scale+g*scaleStep.
func (kv *KV) put(b []byte, x []float32, start, step, scale, scaleStep int) {
	switch kv.Type {
	case F32:
		for i, f := range x {
			binary.LittleEndian.PutUint32(b[4*(start+i*step):], math.Float32bits(f))
		}
	case F16:
		if step == 1 {
			EncodeF16(b[2*start:], x)
			return
		}
		var row [128]byte // 64 at a time: converting side by side is faster
		for i := 0; i < len(x); i += 64 {
			part := x[i:min(len(x), i+64)]
			EncodeF16(row[:], part)
			for k := range part {
				binary.LittleEndian.PutUint16(b[2*(start+(i+k)*step):], binary.LittleEndian.Uint16(row[2*k:]))
			}
		}
	case BF16:
		for i, f := range x {
			binary.LittleEndian.PutUint16(b[2*(start+i*step):], F32ToBF16(f))
		}
	case Q8_0:
		q := b[kv.BlockLen*kv.HeadDim/32*2:]
		for g := range len(x) / 32 {
			var block [34]byte
			quantizeQ8_0(block[:], x[32*g:32*g+32])
			copy(b[2*(scale+g*scaleStep):][:2], block[:2])
			for i, c := range block[2:] {
				q[start+(32*g+i)*step] = c
			}
		}
	}
}

// keys decodes one head of one block of K to dst [HeadDim, BlockLen].
func (kv *KV) keys(dst []float32, block, head int) {
	b := kv.head(kv.K, block, head)
	if kv.Type == Q8_0 {
		groups := kv.HeadDim / 32
		decodeKeysQ8(dst, b[2*groups*kv.BlockLen:], b, kv.BlockLen, groups)
		return
	}
	kv.decode(dst, b)
}

// values decodes one head of one block of V to dst [BlockLen, HeadDim].
func (kv *KV) values(dst []float32, block, head int) {
	b := kv.head(kv.V, block, head)
	if kv.Type == Q8_0 {
		groups := kv.BlockLen * kv.HeadDim / 32
		decodeValuesQ8(dst, b[2*groups:], b, groups)
		return
	}
	kv.decode(dst, b)
}

func (kv *KV) head(arena []byte, block, head int) []byte {
	at := kv.at(block, head)
	return arena[at : at+kv.headBytes()]
}

func (kv *KV) decode(dst []float32, b []byte) {
	dst = dst[:kv.BlockLen*kv.HeadDim]
	switch kv.Type {
	case F32:
		DecodeF32(dst, b)
	case F16:
		DecodeF16(dst, b)
	case BF16:
		DecodeBF16(dst, b)
	}
}

// decodeKeysQ8 is dst = d*q for signed bytes q [groups*32, blockLen] and their
// scales d [groups, blockLen], halves.
func decodeKeysQ8(dst []float32, q, scales []byte, blockLen, groups int) {
	if decodeKeysQ8Fast(dst, q, scales, blockLen, groups) {
		return
	}
	for i := range groups * 32 {
		for t := range blockLen {
			dst[i*blockLen+t] = half(scales[2*(i/32*blockLen+t):]) * float32(int8(q[i*blockLen+t]))
		}
	}
}

// decodeValuesQ8 is dst = d*q for signed bytes q [groups, 32] and a scale d for
// each group, halves.
func decodeValuesQ8(dst []float32, q, scales []byte, groups int) {
	if decodeValuesQ8Fast(dst, q, scales, groups) {
		return
	}
	for i := range groups * 32 {
		dst[i] = half(scales[i/32*2:]) * float32(int8(q[i]))
	}
}

// Span is adjacent query rows of one sequence: row Row+i of the batch has position
// Past+i in the sequence, i < Len.
type Span struct {
	Row, Len, Past int
	Blocks         []int32 // of the sequence, enough for Past+Len tokens
}
