package kernel

import (
	"fmt"
	"math"
)

// RMSNorm is y = w * x/sqrt(mean(x²)+eps) for each group of len(w) numbers: the
// rows of x, or the heads of its rows. y and x are of the same length and may be
// the same.
func RMSNorm(p *Pool, y, x, w []float32, eps float32) {
	checkGroups(y, x, len(w))
	t := spareRows.take()
	t.y, t.x, t.w, t.width, t.s = y, x, w, len(w), eps
	t.do = func(t *rowTask, lo, hi int) {
		for i := lo; i < hi; i++ {
			rmsNorm(t.y[i*t.width:(i+1)*t.width], t.x[i*t.width:(i+1)*t.width], t.w, t.s)
		}
	}
	t.run(p, len(x)/len(w), len(w))
}

func rmsNorm(y, x, w []float32, eps float32) {
	mean := float64(Dot(x, x)) / float64(len(x))
	mulScaled(y, x, w, float32(1/math.Sqrt(mean+float64(eps))))
}

// LayerNorm is y = w * (x-mean)/sqrt(variance+eps) + b for each group of len(w)
// numbers; b may be nil. y and x are of the same length and may be the same.
func LayerNorm(p *Pool, y, x, w, b []float32, eps float32) {
	checkGroups(y, x, len(w))
	if b != nil && len(b) != len(w) {
		panic(fmt.Sprintf("kernel: layer norm of %d weights with %d biases", len(w), len(b)))
	}
	t := spareRows.take()
	t.y, t.x, t.w, t.b, t.width, t.s = y, x, w, b, len(w), eps
	t.do = func(t *rowTask, lo, hi int) {
		for i := lo; i < hi; i++ {
			layerNorm(t.y[i*t.width:(i+1)*t.width], t.x[i*t.width:(i+1)*t.width], t.w, t.b, t.s)
		}
	}
	t.run(p, len(x)/len(w), 2*len(w))
}

func layerNorm(y, x, w, b []float32, eps float32) {
	shift(y, x, -float32(float64(sum(x))/float64(len(x))))
	variance := float64(Dot(y, y)) / float64(len(x))
	mulScaled(y, y, w, float32(1/math.Sqrt(variance+float64(eps))))
	if b != nil {
		add(y, y, b)
	}
}

func checkGroups(y, x []float32, n int) {
	if n == 0 || len(y) != len(x) || len(x)%n != 0 {
		panic(fmt.Sprintf("kernel: norm of %d numbers into %d in groups of %d", len(x), len(y), n))
	}
}
