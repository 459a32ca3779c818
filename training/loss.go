package training

import (
	"fmt"

	"graft/internal/kernel"
	"graft/internal/model"
)

// headID stands for the logits, which are never there as a whole.
const headID = -1

// headTape is the head of the pass: logits = cap*tanh(scale*x/cap), x the product.
type headTape struct {
	x          int32 // ID of its input
	linear     *model.Linear
	scale, cap float32
}

// Stats are sums over the targets of some passes.
type Stats struct {
	Loss   float64 // Σ weight*nll, nll in nats
	Weight float64 // Σ weight
	Tokens int     // targets of a weight other than 0
	Hits   int     // those of them that have the largest logit
}

// Add adds up.
func (s *Stats) Add(o Stats) {
	s.Loss += o.Loss
	s.Weight += o.Weight
	s.Tokens += o.Tokens
	s.Hits += o.Hits
}

// Mean is the loss per weight, 0 without any.
func (s Stats) Mean() float64 {
	if s.Weight == 0 {
		return 0
	}
	return s.Loss / s.Weight
}

// Accuracy is the share of hits.
func (s Stats) Accuracy() float64 { return float64(s.Hits) / float64(max(1, s.Tokens)) }

// Measure computes the loss of the targets of the rows that the pass has selected.
func (t *Tape) Measure(targets []int32, weights []float32) (Stats, error) {
	return t.score(targets, weights, nil, false)
}

// LogProbs computes log p(target) of each row that the pass has selected.
func (t *Tape) LogProbs(targets []int32) ([]float64, error) {
	p := make([]float64, len(targets))
	_, err := t.score(targets, make([]float32, len(targets)), p, false)
	for i := range p {
		p[i] = -p[i]
	}
	return p, err
}

// Backward computes the loss and adds the gradient of Σ weight*nll to those of the
// adapter. It is called at most once after a Forward with Pass.Train, and may follow
// LogProbs or Measure.
func (t *Tape) Backward(targets []int32, weights []float32) (Stats, error) {
	if !t.record {
		panic("training: backward pass without a recorded forward pass")
	}
	s, err := t.score(targets, weights, nil, true)
	if err != nil {
		return s, err
	}
	t.record = false
	t.back(0)
	return s, t.err
}

// logitNumbers bounds the logits that are held at a time.
const logitNumbers = 9 << 20

// logitRows is how many rows have their logits computed at a time. All parts are about as
// long, as the weights of the head are unpacked for each.
func logitRows(rows, vocab int) int {
	most := max(1, logitNumbers/vocab/12) * 12
	parts := (rows + most - 1) / most
	return ((rows+parts-1)/parts + 11) / 12 * 12
}

// score computes logits some rows at a time, and with back the gradient of the
// head's input.
func (t *Tape) score(targets []int32, weights []float32, nll []float64, back bool) (s Stats, err error) {
	rows := len(targets)
	if len(weights) != rows || rows != len(t.batch.Logits) {
		panic(fmt.Sprintf("training: %d targets with %d weights for %d rows", rows, len(weights), len(t.batch.Logits)))
	}
	if t.err != nil || rows == 0 {
		return s, t.err
	}
	h, x := t.head, t.val(t.head.x)
	var gx []float32
	if back {
		gx, _ = t.grad(h.x)
	}
	if nll == nil {
		nll = make([]float64, rows)
	}
	hit := make([]bool, rows)
	vocab := h.linear.W.Rows
	step := logitRows(rows, vocab)
	defer func() { t.part = 0 }()
	for r := 0; r < rows; r += step {
		if !t.pause() {
			return s, t.err
		}
		t.part = uint64(r)
		n, at := min(step, rows-r), t.work.at
		in := x.data[r*x.width : (r+n)*x.width]
		y := t.work.take(n * vocab)
		head := []projection{{w: h.linear, m: t.module(h.linear), y: y}}
		t.project(head, in, n, t.drop, nil)
		if h.scale != 1 {
			kernel.Scale(t.pool, y, y, h.scale, 0)
		}
		var by []float32
		if back {
			by = weights[r : r+n]
		}
		kernel.CrossEntropy(t.pool, y, vocab, targets[r:r+n], by, h.cap, nll[r:r+n], hit[r:r+n])
		if back {
			if h.scale != 1 {
				kernel.Scale(t.pool, y, y, h.scale, 0)
			}
			var g []float32
			if gx != nil {
				g = gx[r*x.width : (r+n)*x.width]
			}
			t.projectBack(g, head, in, [][]float32{nil}, n, t.drop, true, nil)
		}
		t.work.release(at)
	}
	for i, w := range weights {
		if w == 0 {
			continue
		}
		s.Loss += float64(w) * nll[i]
		s.Weight += float64(w)
		s.Tokens++
		if hit[i] {
			s.Hits++
		}
	}
	return s, nil
}
