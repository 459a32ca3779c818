package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// halfValue is the definition of binary16, in float64.
func halfValue(h uint16) float64 {
	sign := 1 - 2*float64(h>>15)
	exp, man := int(h>>10&31), float64(h&0x3ff)
	switch exp {
	case 31:
		if man != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	case 0:
		return sign * math.Ldexp(man, -24)
	}
	return sign * math.Ldexp(1024+man, exp-25)
}

func bfloatValue(h uint16) float64 {
	sign := 1 - 2*float64(h>>15)
	exp, man := int(h>>7&255), float64(h&0x7f)
	switch exp {
	case 255:
		if man != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	case 0:
		return sign * math.Ldexp(man, -133)
	}
	return sign * math.Ldexp(128+man, exp-134)
}

func TestSixteenBitFloats(t *testing.T) {
	for _, c := range []struct {
		name   string
		value  func(uint16) float64
		decode func(uint16) float32
		encode func(float32) uint16
		inf    uint16
		top    float64 // what the number after the largest would be
	}{
		{"F16", halfValue, F16ToF32, F32ToF16, 0x7c00, 65536},
		{"BF16", bfloatValue, BF16ToF32, F32ToBF16, 0x7f80, 0x1p128},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range 1 << 16 {
				h := uint16(i)
				want, have := c.value(h), c.decode(h)
				if math.IsNaN(want) {
					if e := c.encode(have); !math.IsNaN(float64(have)) || h&0x8000 != e&0x8000 || e&c.inf != c.inf || e&^c.inf&0x7fff == 0 {
						t.Fatalf("%#04x: NaN became %v, then %#04x", h, have, e)
					}
					continue
				}
				if float64(have) != want || math.Signbit(float64(have)) != (h>>15 == 1) {
					t.Fatalf("%#04x: want %g, have %g", h, want, have)
				}
				if e := c.encode(have); e != h {
					t.Fatalf("%#04x: there and back gives %#04x", h, e)
				}
			}
			// Ties go to even, everything else to the nearer neighbour.
			for h := uint16(0); h < c.inf; h++ {
				lo, hi := c.value(h), c.value(h+1)
				if h+1 == c.inf {
					hi = c.top
				}
				mid := float32(lo + (hi-lo)/2)
				even := h + h&1
				below := math.Nextafter32(mid, 0)
				above := math.Nextafter32(mid, float32(math.Inf(1)))
				for _, sign := range []uint16{0, 0x8000} {
					s := 1 - 2*float32(sign>>15)
					if a, b, d := c.encode(s*below), c.encode(s*mid), c.encode(s*above); a != sign|h || b != sign|even || d != sign|(h+1) {
						t.Fatalf("around %g: have %#04x %#04x %#04x, want %#04x %#04x %#04x", s*mid, a, b, d, sign|h, sign|even, sign|(h+1))
					}
				}
			}
			if e := c.encode(math.MaxFloat32); e != c.inf {
				t.Errorf("the largest float32 became %#04x", e)
			}
		})
	}
}

// TestSixteenBitSlices holds the slice versions to the scalar ones, at every length.
func TestSixteenBitSlices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name   string
		size   int
		decode func([]float32, []byte)
		encode func([]byte, []float32)
		round  func(float32) float32
	}{
		{"F32", 4, DecodeF32, EncodeF32, func(f float32) float32 { return f }},
		{"F16", 2, DecodeF16, EncodeF16, func(f float32) float32 { return F16ToF32(F32ToF16(f)) }},
		{"BF16", 2, DecodeBF16, EncodeBF16, func(f float32) float32 { return BF16ToF32(F32ToBF16(f)) }},
	} {
		for n := range 68 {
			src := make([]float32, n)
			for i := range src {
				src[i] = math.Float32frombits(rng.Uint32())
			}
			raw := make([]byte, n*c.size)
			c.encode(raw, src)
			back := make([]float32, n)
			c.decode(back, raw)
			for i, v := range src {
				if want := c.round(v); math.Float32bits(back[i]) != math.Float32bits(want) {
					t.Fatalf("%s, length %d: %x at %d became %x, want %x", c.name, n, math.Float32bits(v), i, math.Float32bits(back[i]), math.Float32bits(want))
				}
			}
		}
	}
}
