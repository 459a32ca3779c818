package training

import (
	"math"

	"graft/internal/kernel"
)

// AdamW is the optimiser's settings (Loshchilov and Hutter, "Decoupled weight decay
// regularization", 2019).
type AdamW struct {
	Beta1, Beta2 float64
	Eps          float64
	Decay        float64 // of the weights, times the learning rate
}

// update moves a parameter by its gradient, in its n-th update, counted from 1:
//
//	θ -= lr decay θ    m = β₁ m + (1-β₁) g    v = β₂ v + (1-β₂) g²
//	θ -= lr (m/(1-β₁ⁿ)) / (√(v/(1-β₂ⁿ)) + ε)
func (o *AdamW) update(p *Param, lr float64, n int) {
	decay := float32(1 - lr*o.Decay)
	b1, b2 := float32(o.Beta1), float32(o.Beta2)
	c1, c2 := float32(1-o.Beta1), float32(1-o.Beta2)
	step := float32(lr / (1 - math.Pow(o.Beta1, float64(n))))
	root := float32(math.Sqrt(1 - math.Pow(o.Beta2, float64(n))))
	eps := float32(o.Eps)
	for i, g := range p.Grad {
		m := float32(b1*p.M[i]) + float32(c1*g)
		v := float32(b2*p.V[i]) + float32(c2*float32(g*g))
		p.M[i], p.V[i] = m, v
		p.Data[i] = float32(p.Data[i]*decay) - float32(step*m)/(float32(math.Sqrt(float64(v)))/root+eps)
	}
}

// piece is a task of a pool in which chunk i is a call.
type piece func(i int)

// Do implements kernel.Task.
func (f piece) Do(i int) { f(i) }

// eachParam calls f for all parameters, shared among the workers.
func eachParam(pool *kernel.Pool, params []*Param, f func(i int, p *Param)) {
	pool.Run(len(params), piece(func(i int) { f(i, params[i]) }))
}

// norm is the length of all gradients together.
func norm(pool *kernel.Pool, params []*Param) float64 {
	squares, sum := make([]float64, len(params)), 0.0
	eachParam(pool, params, func(i int, p *Param) {
		for _, g := range p.Grad {
			squares[i] += float64(g) * float64(g)
		}
	})
	for _, s := range squares { // in their order, whoever computed them
		sum += s
	}
	return math.Sqrt(sum)
}

// scaleGrads multiplies all gradients.
func scaleGrads(pool *kernel.Pool, params []*Param, by float64) {
	s := float32(by)
	eachParam(pool, params, func(_ int, p *Param) { kernel.Scale(nil, p.Grad, p.Grad, s, 0) })
}
