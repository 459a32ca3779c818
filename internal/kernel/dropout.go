package kernel

import (
	"fmt"
	"math"
)

// Dropout is y = x/(1-rate) where the mask keeps a number, else 0; with addition
// that is added to y. The mask depends on key and on the place of the number alone,
// so it can be had again. It keeps with the probability 1-rate in steps of 2^-16,
// and what is divided by is that probability.
func Dropout(p *Pool, y, x []float32, key uint64, rate float32, addition bool) {
	if len(y) != len(x) {
		panic(fmt.Sprintf("kernel: dropout of %d numbers into %d", len(x), len(y)))
	}
	t := &dropout{y: y, x: x, key: key, addition: addition, drop: uint64(math.Round(float64(rate) * (1 << 16)))}
	t.scale = float32(1 / (1 - float64(t.drop)/(1<<16)))
	p.Run((len(x)+cut-1)/cut, t)
}

type dropout struct {
	y, x     []float32
	key      uint64
	drop     uint64 // of 1<<16
	scale    float32
	addition bool
}

// Do is one piece of cut numbers; four share the 64 bits of one counter.
func (t *dropout) Do(i int) {
	for lo, end := i*cut, min(len(t.x), (i+1)*cut); lo < end; lo += 4 {
		bits := Mix(t.key + uint64(lo/4)*0x9e3779b97f4a7c15)
		for j := lo; j < min(lo+4, end); j++ {
			v := float32(0)
			if bits&0xffff >= t.drop {
				v = float32(t.x[j] * t.scale)
			}
			bits >>= 16
			if t.addition {
				v += t.y[j]
			}
			t.y[j] = v
		}
	}
}

// Mix scatters the bits of x: the finaliser of SplitMix64 (Steele, Lea and Flood,
// "Fast splittable pseudorandom number generators", 2014).
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
