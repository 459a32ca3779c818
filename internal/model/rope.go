package model

import (
	"fmt"
	"math"
)

// RopeConfig describes a rotary embedding as model files do. The scalings are
// those of transformers' modeling_rope_utils.py.
type RopeConfig struct {
	Theta   float64 // base of the frequencies; 0: no such embedding
	Dims    int     // numbers of each head that are rotated
	Scaling string  // "" (none), "linear", "llama3" or "longrope"
	Factor  float64 // linear, llama3: what (long wave) frequencies are divided by

	LowFreq, HighFreq float64 // llama3: bounds, as multiples of 1/OriginalContext
	OriginalContext   int     // llama3, longrope: context before the scaling

	Short, Long     []float32 // longrope: divisors [Dims/2], below and beyond OriginalContext
	AttentionFactor float64   // longrope: factor on cos and sin

	// Divisors [Dims/2] are a scaling already worked out (rope_freqs in GGUF
	// files); nil: none.
	Divisors []float32
}

func (c *RopeConfig) check(what string, headDim int) error {
	if c.Theta == 0 {
		return nil
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf(what+": "+format, args...)
	}
	switch {
	case !(c.Theta >= 1 && c.Theta < 1e15):
		return bad("base of the frequencies is %g", c.Theta)
	case c.Dims < 2 || c.Dims > headDim || c.Dims%2 != 0:
		return bad("rotates %d numbers of heads of %d", c.Dims, headDim)
	case c.Divisors != nil && len(c.Divisors) != c.Dims/2:
		return bad("%d frequency divisors, want %d", len(c.Divisors), c.Dims/2)
	}
	switch c.Scaling {
	case "":
	case "linear":
		if !(c.Factor > 0) {
			return bad("factor of linear scaling is %g", c.Factor)
		}
	case "llama3":
		if !(c.Factor > 0 && c.LowFreq > 0 && c.HighFreq > c.LowFreq) || c.OriginalContext < 1 {
			return bad("llama3 scaling with factor %g, frequency factors %g and %g, original context %d", c.Factor, c.LowFreq, c.HighFreq, c.OriginalContext)
		}
	case "longrope":
		if len(c.Short) != c.Dims/2 || len(c.Long) != c.Dims/2 {
			return bad("longrope scaling with %d short and %d long factors, want %d of each", len(c.Short), len(c.Long), c.Dims/2)
		}
		if !(c.AttentionFactor > 0) || c.OriginalContext < 1 {
			return bad("longrope scaling with attention factor %g, original context %d", c.AttentionFactor, c.OriginalContext)
		}
	default:
		return bad("scaling %q is not supported: graft knows linear, llama3 and longrope", c.Scaling)
	}
	return nil
}

// rope works out the frequencies.
func (c *RopeConfig) rope(headDim int) *Rope {
	r := &Rope{HeadDim: headDim, Dims: c.Dims, InvFreq: make([]float32, c.Dims/2), MScale: 1}
	if c.Scaling == "longrope" {
		r.InvFreqLong = make([]float32, c.Dims/2)
		r.OriginalContext = c.OriginalContext
		r.MScale = float32(c.AttentionFactor)
	}
	for i := range r.InvFreq {
		f := math.Pow(c.Theta, -2*float64(i)/float64(c.Dims))
		if c.Divisors != nil {
			f /= float64(c.Divisors[i])
		}
		switch c.Scaling {
		case "linear":
			f /= c.Factor
		case "llama3":
			f = c.llama3(f)
		case "longrope":
			r.InvFreqLong[i] = float32(f / float64(c.Long[i]))
			f /= float64(c.Short[i])
		}
		r.InvFreq[i] = float32(f)
	}
	return r
}

// llama3 keeps high frequencies, divides low ones by Factor, and blends between.
func (c *RopeConfig) llama3(f float64) float64 {
	turns := float64(c.OriginalContext) * f / (2 * math.Pi) // within the original context
	switch {
	case turns > c.HighFreq:
		return f
	case turns < c.LowFreq:
		return f / c.Factor
	}
	smooth := (turns - c.LowFreq) / (c.HighFreq - c.LowFreq)
	return (1-smooth)*f/c.Factor + smooth*f
}

// longropeFactor is the attention factor that LongRoPE's authors recommend for a
// context of factor times the original one.
func longropeFactor(factor float64, original int) float64 {
	if factor <= 1 || original < 2 {
		return 1
	}
	return math.Sqrt(1 + math.Log(factor)/math.Log(float64(original)))
}

// inverseRoot is 1/sqrt(n) in the precision of transformers: n**-0.5 in float64.
func inverseRoot(n float64) float32 { return float32(1 / math.Sqrt(n)) }
