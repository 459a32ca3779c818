package kernel

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// Q16 is a type of keys and values alone; no file has it. They are integers of sixteen bits with
// a scale in common to those of one head of one token, each kept as two signed bytes, its digits:
//
//	x ≈ (256*high + low) * scale
//
// Products of integers are exact, so tiles of AMX can sum them in whatever order they do, and a row
// still has the same bits wherever it is computed. Four digits at a time lie side by side, as tiles
// and instructions for vectors take them, and what is read together follows one upon the other.
// One head of one block is
//
//	K  [HeadDim/4][BlockLen/16][2 digits][16 tokens][4 dimensions]
//	V  [HeadDim/32][BlockLen/4][2 parts][2 digits][16 dimensions][4 tokens]
//
// after [BlockLen] scales, float32. Digits of keys are kept with 128 added: instructions for vectors
// multiply bytes without a sign by those with one, which those of queries are. A token of whose key
// or value a number is an infinity or a NaN has NaN as the scale of its key, which shows wherever it
// is seen.
const Q16 Type = 1 << 16

const (
	digitTop    = 127 * 256 // the largest integer
	digitDims   = 64        // dimensions in a tile of keys
	digitLanes  = 16        // tokens in a tile of keys, dimensions in one of values
	digitMaxDim = 512       // sums of so many products stay within 32 bits
)

// AutoKV stands for the type that BestKV gives.
const AutoKV Type = 1<<16 + 1

// BestKV is the type in which keys and values of heads of headDim numbers serve best on this
// machine: Q16, which is about as near to them as F16, where vectors or tiles multiply its digits and
// heads fill them.
func BestKV(headDim int) Type {
	if isa == pathAVX512 && digitable(headDim) {
		return Q16
	}
	return F16
}

func digitable(headDim int) bool { return headDim%digitDims == 0 && headDim <= digitMaxDim }

// parts are the scales and the digits of one head of one block of keys or values.
func (kv *KV) parts(arena []byte, block, head int) (scales, digits []byte) {
	b := kv.head(arena, block, head)
	return b[:4*kv.BlockLen], b[4*kv.BlockLen:]
}

// digits are a vector in two digits.
type digits struct {
	high, low [digitMaxDim]int8
	scale     float32
}

// words are the digits as bytes, four of which are a word of a key.
func (d *digits) words() (high, low []byte) {
	return unsafe.Slice((*byte)(unsafe.Pointer(&d.high)), len(d.high)), unsafe.Slice((*byte)(unsafe.Pointer(&d.low)), len(d.low))
}

func (d *digits) of(x []float32) {
	d.scale, _ = splitDigits(d.high[:], d.low[:], x, digitDims)
}

// splitDigitsGeneric makes digits of x, rounded to nearest even. Those of every 64 numbers come
// next bytes after the 64 before. The scale is the largest magnitude over digitTop. If x has an
// infinity or a NaN all digits are zero and the scale is NaN; if it is so small that
// digitTop/largest could overflow, all is zero. sum is that of 257*high + low.
func splitDigitsGeneric(high, low []int8, x []float32, next int) (scale float32, sum int32) {
	scale, by := digitScale(topBits(x))
	for i, v := range x {
		q := int32(0)
		if by != 0 {
			q = int32(math.RoundToEven(float64(v * by)))
		}
		at := i/digitDims*next + i%digitDims
		low[at] = int8(q)
		high[at] = int8((q - int32(low[at])) >> 8)
		sum += q + int32(high[at])
	}
	return scale, sum
}

// digitScale is the scale of numbers with this largest magnitude, and what they are multiplied
// with to become integers.
func digitScale(top uint32) (scale, by float32) {
	switch largest := math.Float32frombits(top); {
	case top >= 0x7f800000:
		return float32(math.NaN()), 0
	case largest < 0x1p-100:
		return 0, 0
	default:
		return largest / digitTop, digitTop / largest
	}
}

// storeDigits is Store for n adjacent tokens of a block, which come as rows.
func (kv *KV) storeDigits(block, slot, n int, k, v []float32) {
	var key digits
	var values [4]digits // of tokens that share words
	width, d := kv.KVHeads*kv.HeadDim, kv.HeadDim
	for h := range kv.KVHeads {
		keyScales, keys := kv.parts(kv.K, block, h)
		valScales, vals := kv.parts(kv.V, block, h)
		for i := 0; i < n; {
			m := min(n-i, 4-(slot+i)%4)
			for t := range m {
				from, at := (i+t)*width+h*d, slot+i+t
				key.of(k[from : from+d])
				values[t].of(v[from : from+d])
				if values[t].scale != values[t].scale {
					key.scale = values[t].scale
				}
				kv.putKey(keys, &key, at)
				binary.LittleEndian.PutUint32(keyScales[4*at:], math.Float32bits(key.scale))
				binary.LittleEndian.PutUint32(valScales[4*at:], math.Float32bits(values[t].scale))
			}
			kv.putValues(vals, values[:m], slot+i)
			i += m
		}
	}
}

// keyBias adds 128 to each of four bytes.
const keyBias = 0x80808080

// putKey stores the key of one token.
func (kv *KV) putKey(keys []byte, x *digits, slot int) {
	row := 8 * kv.BlockLen
	keys = keys[slot/digitLanes*2*64+slot%digitLanes*4:]
	high, low := x.words()
	for e := 0; e < kv.HeadDim; e += 4 {
		to := keys[e/4*row:][:68]
		binary.LittleEndian.PutUint32(to, binary.LittleEndian.Uint32(high[e:])^keyBias)
		binary.LittleEndian.PutUint32(to[64:], binary.LittleEndian.Uint32(low[e:])^keyBias)
	}
}

// putValues stores the values of tokens that share words.
func (kv *KV) putValues(values []byte, x []digits, slot int) {
	if kv.putValuesFast(values, x, slot) {
		return
	}
	for e := 0; e < kv.HeadDim; e += digitLanes {
		at := e/32*kv.BlockLen*64 + slot/4*256 + e%32*8
		high, low := values[at+slot%4:], values[at+slot%4+64:]
		if len(x) == 4 {
			a, b, c, d := &x[0], &x[1], &x[2], &x[3]
			for i := range digitLanes {
				binary.LittleEndian.PutUint32(high[4*i:], word(a.high[e+i], b.high[e+i], c.high[e+i], d.high[e+i]))
				binary.LittleEndian.PutUint32(low[4*i:], word(a.low[e+i], b.low[e+i], c.low[e+i], d.low[e+i]))
			}
		} else { // bytes: another worker may be storing the word's others
			for t := range x {
				for i := range digitLanes {
					high[4*i+t], low[4*i+t] = byte(x[t].high[e+i]), byte(x[t].low[e+i])
				}
			}
		}
	}
}

func word(a, b, c, d int8) uint32 {
	return uint32(uint8(a)) | uint32(uint8(b))<<8 | uint32(uint8(c))<<16 | uint32(uint8(d))<<24
}
