package kernel

import (
	"encoding/binary"
	"math"
)

// Half precision (IEEE 754 binary16: 1 sign, 5 exponent, 10 mantissa bits) and
// bfloat16 (the upper half of a float32). Conversions to 16 bits round to
// nearest, ties to even. A NaN stays a quiet NaN with the upper bits of its
// payload, as VCVTPS2PH and VCVTPH2PS do.

// F16ToF32 converts one half-precision number; exact.
func F16ToF32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 31
	man := uint32(h) & 0x3ff
	switch {
	case exp == 31 && man != 0:
		return math.Float32frombits(sign | 0x7fc00000 | man<<13)
	case exp == 31:
		return math.Float32frombits(sign | 0x7f800000)
	case exp == 0: // zero and subnormals: man * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(man)*0x1p-24))
	}
	return math.Float32frombits(sign | (exp+112)<<23 | man<<13)
}

// F32ToF16 rounds to half precision; from 65520 on the result is infinite.
func F32ToF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13&0x3ff)
	case b >= 0x477ff000: // 65520, half way between the largest half and the next
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: a multiple of 2^-24
		// Adding 0.5, whose last bit counts 2^-24, rounds there.
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	b += 0xfff + b>>13&1 // half of the last kept bit, less one unless that bit is odd
	return sign | uint16((b-112<<23)>>13)
}

// BF16ToF32 converts one bfloat16 number; exact.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to bfloat16.
func F32ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// DecodeF32 reads len(dst) little-endian float32 from src.
func DecodeF32(dst []float32, src []byte) {
	for i := decodeF32Fast(dst, src); i < len(dst); i++ {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

// EncodeF32 writes src to dst as little-endian float32.
func EncodeF32(dst []byte, src []float32) {
	for i := encodeF32Fast(dst, src); i < len(src); i++ {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(src[i]))
	}
}

// DecodeF16 reads len(dst) little-endian half-precision numbers from src.
func DecodeF16(dst []float32, src []byte) {
	for i := decodeF16Fast(dst, src); i < len(dst); i++ {
		dst[i] = F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// EncodeF16 rounds src to half precision, little-endian, into dst.
func EncodeF16(dst []byte, src []float32) {
	for i := encodeF16Fast(dst, src); i < len(src); i++ {
		binary.LittleEndian.PutUint16(dst[2*i:], F32ToF16(src[i]))
	}
}

// DecodeBF16 reads len(dst) little-endian bfloat16 numbers from src.
func DecodeBF16(dst []float32, src []byte) {
	for i := decodeBF16Fast(dst, src); i < len(dst); i++ {
		dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// EncodeBF16 rounds src to bfloat16, little-endian, into dst.
func EncodeBF16(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], F32ToBF16(v))
	}
}
