package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactFMA computes with as many bits as it takes and rounds once.
func exactFMA(a, b, c float32) float32 {
	const bits = 1000
	num := func(f float32) *big.Float { return new(big.Float).SetPrec(bits).SetFloat64(float64(f)) }
	sum := new(big.Float).SetPrec(bits).Mul(num(a), num(b))
	sum.Add(sum, num(c))
	f, _ := sum.Float32()
	return f
}

func TestFMA32(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	num := func(exponents uint32) float32 {
		// Few mantissa bits make sums that end half way likely.
		bits := rng.Uint32() & 0x807fffff & (^uint32(0) << rng.UintN(24))
		return math.Float32frombits(bits | (rng.Uint32N(exponents)+1)<<23)
	}
	for range 500_000 {
		var a, b, c float32
		switch rng.UintN(3) {
		case 0: // all magnitudes
			a, b, c = num(190), num(190), num(250)
		case 1: // a product near c
			a, b = num(100), num(100)
			c = math.Float32frombits(math.Float32bits(a*b) ^ rng.Uint32()&0x83800000)
		case 2: // subnormal results
			a, b, c = num(70), num(70), math.Float32frombits(rng.Uint32()&0x81ffffff)
		}
		if have, want := fma32(a, b, c), exactFMA(a, b, c); have != want && c == c {
			t.Fatalf("fma32(%x, %x, %x) = %x, want %x", a, b, c, have, want)
		}
	}
	for _, v := range [][3]float32{
		// The sum ends half way between two float32, but for a part that float64 drops.
		{1 + 0x1p-12, 1 + 0x1p-12, 0x1p-70},
		{-1 - 0x1p-12, 1 + 0x1p-12, -0x1p-70},
		{1 + 0x1p-12, 1 + 0x1p-12, -0x1p-70},
		{0x1p-100, 0x1p-49, 0x1p-149}, // half the least subnormal
		{0x1p-100, 0x1.000002p-50, 0x1p-149},
	} {
		if have, want := fma32(v[0], v[1], v[2]), exactFMA(v[0], v[1], v[2]); have != want {
			t.Errorf("fma32(%x, %x, %x) = %x, want %x", v[0], v[1], v[2], have, want)
		}
	}
}
