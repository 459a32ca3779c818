package kernel

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// SelfAttention is causal attention of sequences to themselves, forward and back,
// for training: no cache, and of the scores only those of queryBlock rows at a time
// are ever held. It serves one goroutine at a time. The zero value is ready.
type SelfAttention struct {
	// Precision is that of the products. Anything but Full takes the tiles of AMX, see
	// self_tiles.go; without them Half takes pairs, see self_pairs.go, and all else is float32.
	Precision Precision

	scratch []selfScratch // one per worker
	job     selfJob
}

// queryBlock is how many rows of scores are held at a time.
const queryBlock = 4 * gemmRows

// SelfAttend is one call: Q is [rows, Heads*HeadDim], K and V [rows, KVHeads*HeadDim],
// Spans the sequences (Past and Blocks count for nothing).
type SelfAttend struct {
	Q, K, V          []float32
	Spans            []Span
	KVHeads, HeadDim int
	AttendOptions
}

// Forward computes out, of the shape of Q. Rows outside of all spans are left alone.
func (a *SelfAttention) Forward(p *Pool, out []float32, s *SelfAttend) {
	a.run(p, s, out, nil, nil, nil)
}

// Back computes gq, gk and gv, the gradients by Q, K and V, from g, that by the
// result. Rows outside of all spans are left alone.
func (a *SelfAttention) Back(p *Pool, gq, gk, gv, g []float32, s *SelfAttend) {
	if len(gq) != len(s.Q) || len(gk) != len(s.K) || len(gv) != len(s.V) {
		panic(fmt.Sprintf("kernel: gradients of %d, %d and %d numbers of an attention of %d, %d and %d", len(gq), len(gk), len(gv), len(s.Q), len(s.K), len(s.V)))
	}
	a.run(p, s, g, gq, gk, gv)
}

func (a *SelfAttention) run(p *Pool, job *SelfAttend, out, gq, gk, gv []float32) {
	way := (*selfScratch).run
	switch {
	case a.Precision != Full && tiles:
		way = (*selfScratch).runTiles
	case a.Precision == Half && hasPairs():
		way = (*selfScratch).runPairs
	}
	a.runIn(p, way, job, out, gq, gk, gv)
}

// selfWay is a way to compute a key head of a span.
type selfWay func(s *selfScratch, j *selfJob, span Span, head int)

// runIn is run in that way.
func (a *SelfAttention) runIn(p *Pool, way selfWay, job *SelfAttend, out, gq, gk, gv []float32) {
	rows := len(job.Q) / (job.Heads * job.HeadDim)
	if job.Heads%job.KVHeads != 0 || len(job.Q) != rows*job.Heads*job.HeadDim || len(out) != len(job.Q) ||
		len(job.K) != rows*job.KVHeads*job.HeadDim || len(job.V) != len(job.K) || !(job.Scale > 0) {
		panic(fmt.Sprintf("kernel: attention of %d numbers to %d and %d: %d heads of %d, %d of keys, scale %v", len(job.Q), len(job.K), len(job.V), job.Heads, job.HeadDim, job.KVHeads, job.Scale))
	}
	j := &a.job
	j.SelfAttend, j.out, j.gq, j.gk, j.gv = *job, out, gq, gk, gv
	items := len(j.Spans) * j.KVHeads
	workers := min(p.Workers(), items)
	for len(a.scratch) < workers {
		a.scratch = append(a.scratch, selfScratch{})
	}
	j.scratch = a.scratch
	j.way, j.half = way, a.Precision == Half
	j.next.Store(0)
	p.Run(workers, j)
	j.SelfAttend, j.out, j.gq, j.gk, j.gv = SelfAttend{}, nil, nil, nil, nil
}

// selfJob is the task: workers take a key head of a span until none is left.
type selfJob struct {
	SelfAttend
	out        []float32 // the result, or the gradient by it
	gq, gk, gv []float32 // nil: forward
	way        selfWay
	half       bool // of tiles: upper parts alone
	scratch    []selfScratch
	next       atomic.Int64
}

// Do is one worker; i picks its scratch memory.
func (j *selfJob) Do(i int) {
	for {
		item := int(j.next.Add(1)) - 1
		if item >= len(j.Spans)*j.KVHeads {
			return
		}
		span, head := j.Spans[item/j.KVHeads], item%j.KVHeads
		j.way(&j.scratch[i], j, span, head)
	}
}

// selfScratch is the working memory of one worker, for one key head of one span of
// S rows; K and V there mean those of this head.
type selfScratch struct {
	edge    gemmEdge
	wide    int       // numbers between rows of what is [S, HeadDim]
	long    int       // numbers between rows of what has S columns
	keysT   []float32 // [HeadDim, S] K transposed
	valuesT []float32 // [HeadDim, S] V transposed; back only
	keys    []float32 // [S, HeadDim]; back only
	values  []float32 // [S, HeadDim]; forward only
	weights []float32 // [queryBlock, S] scores, then weights
	slopes  []float32 // [queryBlock, S] gradients by weights, then by scores
	caps    []float32 // [queryBlock, S] slopes of the soft cap
	query   []float32 // [queryBlock, HeadDim] rows of Q
	result  []float32 // [queryBlock, HeadDim] rows of the gradient by the result
	gk, gv  []float32 // [S, HeadDim]
	tiles   selfTiles
	pairs   selfPairs
}

func (s *selfScratch) run(j *selfJob, span Span, head int) {
	d, back := j.HeadDim, j.gq != nil
	s.wide, s.long = (d+15)/16*16, (span.Len+gemmCols-1)/gemmCols*gemmCols
	kv := j.KVHeads * d
	first := span.Row*kv + head*d
	k, v := View{j.K[first:], kv, 1}, View{j.V[first:], kv, 1}
	s.transposed(&s.keysT, k, span.Len, d)
	if back {
		s.transposed(&s.valuesT, v, span.Len, d)
		s.padded(&s.keys, k, span.Len, d)
		zeros(&s.gk, span.Len*s.wide)
		zeros(&s.gv, span.Len*s.wide)
		zeros(&s.slopes, queryBlock*s.long)
	} else {
		s.padded(&s.values, v, span.Len, d)
	}
	zeros(&s.weights, queryBlock*s.long)
	s.edge.pairs = noPairs
	s.eachBlock(j, span, head, queryBlock, (*selfScratch).queries)
	if back {
		s.pasteKeysBack(j, first, span.Len)
	}
}

// eachBlock has blocks of so many rows treated, of all query heads of a key head.
func (s *selfScratch) eachBlock(j *selfJob, span Span, head, rows int, treat func(s *selfScratch, j *selfJob, span Span, h, row, n int)) {
	group := j.Heads / j.KVHeads
	for h := head * group; h < (head+1)*group; h++ {
		for row := 0; row < span.Len; row += rows {
			treat(s, j, span, h, row, min(rows, span.Len-row))
		}
	}
}

// pasteKeysBack writes the gradients by keys and values, whose numbers begin at first.
func (s *selfScratch) pasteKeysBack(j *selfJob, first, rows int) {
	d, kv := j.HeadDim, j.KVHeads*j.HeadDim
	for i := range rows {
		copy(j.gk[first+i*kv:][:d], s.gk[i*s.wide:])
		copy(j.gv[first+i*kv:][:d], s.gv[i*s.wide:])
	}
}

// keysSeen are those that any of n rows from row on sees: so many from lo on, a multiple of unit.
func (j *selfJob) keysSeen(row, n, unit int) (lo, seen int) {
	if j.Window > 0 {
		lo = max(0, row+1-j.Window) / unit * unit
	}
	return lo, row + n - lo
}

// queries treats n rows of one query head, from row on.
func (s *selfScratch) queries(j *selfJob, span Span, h, row, n int) {
	d := j.HeadDim
	at := (span.Row+row)*j.Heads*d + h*d
	stride := j.Heads * d
	lo, seen := j.keysSeen(row, n, gemmCols)
	weights := RowMajor(s.weights, s.long)
	s.edge.small(weights, View{j.Q[at:], stride, 1}, RowMajor(s.keysT, s.long).from(0, lo), n, seen, d, false)
	if j.gq != nil && j.SoftCap > 0 {
		s.capSlopes(j, n, seen)
	}
	s.softmaxRows(j, row, n, lo, seen)
	if j.gq == nil {
		s.edge.small(View{j.out[at:], stride, 1}, weights, RowMajor(s.values, s.wide).from(lo, 0), n, d, seen, false)
		return
	}
	s.back(j, at, stride, lo, seen, n)
}

// softmaxRow turns the scores of row i of those from row on, with seen keys from lo on,
// into weights; those of keys that the row does not see become 0.
func (s *selfScratch) softmaxRow(j *selfJob, i, row, lo, seen int) {
	p := s.weights[i*s.long : (i+1)*s.long]
	from, to := 0, row+i+1-lo
	if j.Window > 0 {
		from = max(0, row+i+1-j.Window-lo)
	}
	_, sum := softmaxPart(p, from, to, j.Scale, j.SoftCap, nil)
	clear(p[:from])
	clear(p[to : (seen+gemmCols-1)/gemmCols*gemmCols])
	scale(p[from:to], p[from:to], 1/sum)
}

// capSlopes computes what the soft cap multiplies gradients by: 1 - tanh²(score/cap).
func (s *selfScratch) capSlopes(j *selfJob, n, seen int) {
	zeros(&s.caps, max(queryBlock, tileRows)*s.long)
	for i := range n {
		to, from := s.caps[i*s.long:][:seen], s.weights[i*s.long:][:seen]
		scale(to, from, j.Scale/j.SoftCap)
		activate(to, to, nil, Tanh)
		for k, v := range to {
			to[k] = 1 - float32(v*v)
		}
	}
}

// back adds the gradients of n rows of a query head, whose numbers are at at, with
// keys from lo on. With P the weights, g the gradient by the result,
//
//	gV += Pᵀ g    gP = g Vᵀ    gS = scale P (gP - Σ_keys P gP)    gQ = gS K    gK += gSᵀ Q
func (s *selfScratch) back(j *selfJob, at, stride, lo, seen, n int) {
	d := j.HeadDim
	s.padded(&s.query, View{j.Q[at:], stride, 1}, n, d)
	s.padded(&s.result, View{j.out[at:], stride, 1}, n, d)
	weights, slopes := RowMajor(s.weights, s.long), RowMajor(s.slopes, s.long)
	result, query := RowMajor(s.result, s.wide), RowMajor(s.query, s.wide)

	s.edge.small(RowMajor(s.gv, s.wide).from(lo, 0), weights.T(), result, seen, d, n, true)
	s.edge.small(slopes, result, RowMajor(s.valuesT, s.long).from(0, lo), n, seen, d, false)
	s.slopesRows(j, n, seen)
	s.edge.small(View{j.gq[at:], stride, 1}, slopes, RowMajor(s.keys, s.wide).from(lo, 0), n, d, seen, false)
	s.edge.small(RowMajor(s.gk, s.wide).from(lo, 0), slopes.T(), query, seen, d, n, true)
}

// slopesRow turns the gradients by the weights of row i into those by the scores.
func (s *selfScratch) slopesRow(j *selfJob, i, seen int) {
	seen = (seen + lanes - 1) / lanes * lanes
	p, g := s.weights[i*s.long:][:seen], s.slopes[i*s.long:][:seen]
	shift(g, g, -Dot(p, g))
	mulScaled(g, p, g, j.Scale)
	if j.SoftCap > 0 {
		mulScaled(g, g, s.caps[i*s.long:][:seen], 1)
	}
}

// transposed sets dst to a head as [d, long], filled up with zeros.
func (s *selfScratch) transposed(dst *[]float32, v View, rows, d int) {
	zeros(dst, d*s.long)
	pasteTransposed(*dst, s.long, v.Data, v.Row, rows, d)
}

// padded sets dst to a head as [rows, wide], filled up with zeros.
func (s *selfScratch) padded(dst *[]float32, v View, rows, d int) {
	zeros(dst, rows*s.wide)
	for i := range rows {
		copy((*dst)[i*s.wide:][:d], v.Data[i*v.Row:])
	}
}

// zeros makes x n zeros, in its own memory when there is enough.
func zeros(x *[]float32, n int) {
	*x = slices.Grow((*x)[:0], n)[:n]
	clear(*x)
}
