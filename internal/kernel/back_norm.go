package kernel

import (
	"fmt"
	"math"
)

// RMSNormBack is gx = base + what y = RMSNorm(x) passes back of gy, for each group of
// len(w) numbers: with r = 1/sqrt(mean(x²)+eps),
//
//	gx_i = base_i + r (w_i gy_i - x_i r² mean_j(w_j gy_j x_j))
//
// base may be gx, or nil for zeros. The weights are not trained.
func RMSNormBack(p *Pool, gx, base, gy, x, w []float32, eps float32) {
	normBack(p, gx, base, gy, x, w, eps, func(t *rowTask, lo, hi int) {
		n := t.width
		var zeros [512]float32
		var weighted [512]float32 // w gy, of some columns
		for i := lo; i < hi; i++ {
			gx, gy, x := t.y[i*n:(i+1)*n], t.b[i*n:(i+1)*n], t.x[i*n:(i+1)*n]
			mean := 0.0
			for j := 0; j < n; j += len(weighted) {
				end := min(n, j+len(weighted))
				mulScaled(weighted[:], gy[j:end], t.w[j:end], 1)
				mean += float64(Dot(weighted[:end-j], x[j:end]))
			}
			r := 1 / math.Sqrt(float64(Dot(x, x))/float64(n)+float64(t.s))
			by := float32(-mean / float64(n) * r * r * r)
			for j := 0; j < n; j += len(weighted) {
				end := min(n, j+len(weighted))
				if n > len(weighted) {
					mulScaled(weighted[:], gy[j:end], t.w[j:end], 1)
				}
				base := zeros[:end-j]
				if t.base != nil {
					base = t.base[i*n+j : i*n+end]
				}
				mulAdd(gx[j:end], weighted[:end-j], float32(r), base)
				mulAdd(gx[j:end], x[j:end], by, gx[j:end])
			}
		}
	})
}

// LayerNormBack is gx = base + what y = LayerNorm(x) passes back of gy, for each group
// of len(w) numbers: with z = (x-mean) r, r = 1/sqrt(variance+eps),
//
//	gx_i = base_i + r (w_i gy_i - mean_j(w_j gy_j) - z_i mean_j(w_j gy_j z_j))
//
// base may be gx, or nil for zeros.
func LayerNormBack(p *Pool, gx, base, gy, x, w []float32, eps float32) {
	normBack(p, gx, base, gy, x, w, eps, func(t *rowTask, lo, hi int) {
		n := t.width
		for i := lo; i < hi; i++ {
			gx, gy, x := t.y[i*n:(i+1)*n], t.b[i*n:(i+1)*n], t.x[i*n:(i+1)*n]
			mean := float64(sum(x)) / float64(n)
			variance, g, gz := 0.0, 0.0, 0.0
			for j, v := range gy {
				z, wg := float64(x[j])-mean, float64(v)*float64(t.w[j])
				variance += z * z
				g += wg
				gz += wg * z
			}
			r := 1 / math.Sqrt(variance/float64(n)+float64(t.s))
			g, gz = g/float64(n), gz/float64(n)*r*r
			for j, v := range gy {
				had := float32(0)
				if t.base != nil {
					had = t.base[i*n+j]
				}
				gx[j] = had + float32(r*(float64(v)*float64(t.w[j])-g-(float64(x[j])-mean)*gz))
			}
		}
	})
}

func normBack(p *Pool, gx, base, gy, x, w []float32, eps float32, do func(t *rowTask, lo, hi int)) {
	checkGroups(gx, x, len(w))
	if len(gy) != len(x) || base != nil && len(base) != len(x) {
		panic(fmt.Sprintf("kernel: gradient of %d numbers of a norm of %d", len(gy), len(x)))
	}
	t := spareRows.take()
	t.y, t.base, t.b, t.x, t.w, t.width, t.s, t.do = gx, base, gy, x, w, len(w), eps, do
	t.run(p, len(x)/len(w), 4*len(w))
}
