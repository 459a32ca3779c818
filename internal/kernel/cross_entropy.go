package kernel

import (
	"fmt"
	"math"
	"slices"
)

// CrossEntropy computes, for each row of logits [len(targets), width],
//
//	nll = log Σ e^y - y_target,   y = limit*tanh(x/limit), or x when limit is 0
//
// and whether the target has the largest logit (the first of equals). With weights it
// also overwrites the row by the gradient of weight*nll by x; nil leaves there anything.
func CrossEntropy(p *Pool, logits []float32, width int, targets []int32, weights []float32, limit float32, nll []float64, hit []bool) {
	n := len(targets)
	if len(logits) != n*width || len(nll) != n || len(hit) != n || weights != nil && len(weights) != n {
		panic(fmt.Sprintf("kernel: cross entropy of %d logits in rows of %d: %d targets, %d weights", len(logits), width, n, len(weights)))
	}
	for i, id := range targets {
		if id < 0 || int(id) >= width {
			panic(fmt.Sprintf("kernel: target %d of row %d among %d logits", id, i, width))
		}
	}
	p.Run(n, &crossEntropy{logits, width, targets, weights, limit, nll, hit})
}

type crossEntropy struct {
	logits  []float32
	width   int
	targets []int32
	weights []float32
	limit   float32
	nll     []float64
	hit     []bool
}

// Do is one row.
func (t *crossEntropy) Do(i int) {
	y, target := t.logits[i*t.width:(i+1)*t.width], int(t.targets[i])
	if t.limit > 0 {
		softCap(y, y, t.limit)
	}
	m, at := Maximum(y), y[target]
	if t.hit[i] = at == m && !slices.Contains(y[:target], m); m == negInf { // or nothing but NaN
		t.hit[i] = ArgMax(y) == target
	}
	// Without a limit the gradient is made of e^(y-m), and nothing else of y is needed.
	stays := t.weights == nil || t.limit > 0
	var e [256]float32
	total := 0.0
	for k := 0; k < len(y); k += len(e) {
		part := y[k:min(len(y), k+len(e))]
		to := part
		if stays {
			to = e[:len(part)]
		}
		expShifted(to, part, m)
		total += sum64(to)
	}
	t.nll[i] = float64(m) + math.Log(total) - float64(at)
	if t.weights == nil {
		return
	}
	w := t.weights[i]
	by := float32(float64(w) / total)
	if t.limit <= 0 {
		scale(y, y, by)
		y[target] -= w
		return
	}
	for k := 0; k < len(y); k += len(e) {
		part := y[k:min(len(y), k+len(e))]
		expShifted(e[:len(part)], part, m)
		for j, v := range part {
			r := v / t.limit
			part[j] = float32(e[j]*by) * (1 - float32(r*r))
		}
	}
	r := at / t.limit
	y[target] -= float32(w * (1 - float32(r*r)))
}
