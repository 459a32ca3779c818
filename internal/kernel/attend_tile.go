package kernel

// attendScratch is the working memory of one worker. n is the queries of a tile:
// row after row, the heads of a row adjacent.
type attendScratch struct {
	q     []float32 // [n, HeadDim]
	block []float32 // decoded: keys [HeadDim, BlockLen] or values [BlockLen, HeadDim]
	p     []float32 // [n, chunkLen] scores, then weights
	part  []float32 // of one chunk; see partial
	total []float32 // of the chunks so far
	w     []float32 // [n] factors of merge, whole vectors

	digits *digitScratch // for Q16, which uses none of the above but part, total and w

	held  *attendItem // whose queries are in q or digits; nil: nobody's
	ahead *readAhead
	next  *attendItem // what this worker will probably do after the item; nil: nothing
}

// partial is the result of one chunk, or of several merged, within a slice of
// n*(HeadDim+2) numbers: m [n], l [n], a [n, HeadDim].
type partial struct {
	m, l, a []float32
}

func partialIn(b []float32, n, headDim int) partial {
	return partial{b[:n], b[n : 2*n], b[2*n : n*(headDim+2)]}
}

// run computes one item; the last of a tile's chunks also merges them.
func (s *attendScratch) run(j *attendJob, it *attendItem) {
	d := j.kv.HeadDim
	n := it.rows * j.group
	size := n * (d + 2)
	s.gather(j, it)
	total := partialIn(s.total, n, d)
	if it.shared() {
		parts := j.parts[it.part : it.part+it.chunks*size]
		for c := it.from; c < it.to; c++ {
			s.chunk(j, it, c, partialIn(parts[(c-it.first)*size:], n, d))
		}
		if j.pending[it.tile].Add(int32(it.from-it.to)) > 0 {
			return
		}
		for c := range it.chunks {
			s.merge(j, it, it.first+c, total, partialIn(parts[c*size:], n, d))
		}
	} else {
		part, c := partialIn(s.part, n, d), it.first
		if j.o.Window <= 0 { // all queries see the first chunk
			s.chunk(j, it, c, total)
			c++
		}
		for ; c < it.to; c++ {
			s.chunk(j, it, c, part)
			s.merge(j, it, c, total, part)
		}
	}
	s.scatter(j, it, total)
}

// queryRow is where query i of the tile lies in q and out.
func (it *attendItem) queryRow(j *attendJob, i int) int {
	row := j.spans[it.span].Row + it.row + i/j.group
	return (row*j.o.Heads + it.head*j.group + i%j.group) * j.kv.HeadDim
}

// gather takes the queries of an item, unless they are those of the item before.
func (s *attendScratch) gather(j *attendJob, it *attendItem) {
	if h := s.held; h != nil && h.span == it.span && h.row == it.row && h.head == it.head {
		return
	}
	s.held = it
	d := j.kv.HeadDim
	for i := range it.rows * j.group {
		at := it.queryRow(j, i)
		if j.kv.Type == Q16 {
			s.digits.query(i, j.q[at:at+d], j.o.Scale)
			continue
		}
		copy(s.q[i*d:(i+1)*d], j.q[at:at+d])
	}
}

// scatter writes a/l to the output.
func (s *attendScratch) scatter(j *attendJob, it *attendItem, t partial) {
	d := j.kv.HeadDim
	for i := range it.rows * j.group {
		at := it.queryRow(j, i)
		scale(j.out[at:at+d], t.a[i*d:(i+1)*d], 1/t.l[i])
	}
}

// seen is the range of positions in chunk c that query i sees, counted from the
// start of the chunk; empty when hi <= lo.
func (it *attendItem) seen(j *attendJob, i, c int) (lo, hi int) {
	lo, hi = j.visible(j.spans[it.span], it.row+i/j.group)
	return max(0, lo-c*chunkLen), min(chunkLen, hi-c*chunkLen)
}

// common is the range of positions in chunk c that k queries from i on all see, as seen.
func (it *attendItem) common(j *attendJob, i, k, c int) (lo, hi int) {
	lo, _ = it.seen(j, i+k-1, c)
	_, hi = it.seen(j, i, c)
	return lo, hi
}

// chunk computes the partial result of chunk c for all queries of the tile.
func (s *attendScratch) chunk(j *attendJob, it *attendItem, c int, out partial) {
	if j.kv.Type == Q16 {
		s.chunkDigits(j, it, c, out)
		return
	}
	kv, d, n := j.kv, j.kv.HeadDim, it.rows*j.group
	first, blocks := it.blocks(j, c)
	direct := kv.direct(n)
	s.ahead.places(kv, kv.V, blocks, it.head)
	for i, b := range blocks {
		p, k := s.p[(first+i)*kv.BlockLen:], kv.head(kv.K, int(b), it.head)
		if direct {
			kv.scoresDirect(p, s.q, k, n, s.ahead)
			continue
		}
		kv.keys(s.block, int(b), it.head)
		if i+1 < len(blocks) {
			prefetch(kv.head(kv.K, int(blocks[i+1]), it.head))
		} else {
			prefetch(kv.head(kv.V, int(blocks[0]), it.head))
		}
		attendScores(p, s.q, s.block, n, d, kv.BlockLen)
	}
	s.askAfter(j, it, c, blocks)
	var ahead *readAhead
	if direct {
		ahead = s.ahead
	}
	begin := s.ahead.at[0]
	for i := range n {
		lo, hi := it.seen(j, i, c)
		if lo < hi {
			out.m[i], out.l[i] = softmaxPart(s.p[i*chunkLen:(i+1)*chunkLen], lo, hi, j.o.Scale, j.o.SoftCap, ahead)
		}
	}
	asked := int(s.ahead.at[0]-begin) * len(s.ahead.at)
	clear(out.a)
	from, to := it.common(j, 0, n, c)
	for i, b := range blocks {
		at, v := (first+i)*kv.BlockLen, kv.head(kv.V, int(b), it.head)
		if asked > len(blocks)*kv.headBytes()-kv.headBytes()/2 { // of the next keys, all but a little
			s.ahead.places(kv, kv.V, blocks[i:i+1], it.head) // which is near by now
		}
		asked += kv.headBytes()
		if !direct {
			kv.values(s.block, int(b), it.head)
			if i+1 < len(blocks) {
				prefetch(kv.head(kv.V, int(blocks[i+1]), it.head))
			}
			v = nil
		}
		whole := from <= at && at+kv.BlockLen <= to
		for i := 0; i < n; i += 4 {
			k := min(4, n-i)
			s.ahead.kept = s.ahead.at
			switch {
			case !whole:
				s.weigh(j, it, c, i, k, at, v, out.a)
			case direct:
				kv.valuesDirect(out.a[i*d:], s.p[i*chunkLen+at:], v, k, 0, kv.BlockLen, s.ahead)
			default:
				attendValues(out.a[i*d:], s.p[i*chunkLen+at:], s.block, k, d, 0, kv.BlockLen)
			}
			if i > 0 {
				s.ahead.at = s.ahead.kept // once for all queries
			}
		}
	}
}

// blocks are those of chunk c that any query of the item sees, from block first of it on.
func (it *attendItem) blocks(j *attendJob, c int) (first int, blocks []int32) {
	lo, _ := it.seen(j, 0, c)
	_, hi := it.seen(j, it.rows*j.group-1, c)
	first = lo / j.kv.BlockLen
	all := j.spans[it.span].Blocks[c*chunkLen/j.kv.BlockLen:]
	return first, all[first : (hi-1)/j.kv.BlockLen+1]
}

// after is the item and the chunk that probably come after chunk c of an item; nil: none.
func (s *attendScratch) after(it *attendItem, c int) (*attendItem, int) {
	switch {
	case c+1 < it.to:
		return it, c + 1
	case s.next == nil:
		return nil, 0
	}
	return s.next, s.next.from
}

// askAfter asks for the keys that come after those of chunk c, which has these blocks.
func (s *attendScratch) askAfter(j *attendJob, it *attendItem, c int, blocks []int32) {
	if after, at := s.after(it, c); after != nil {
		_, blocks := after.blocks(j, at)
		s.ahead.places(j.kv, j.kv.K, blocks, after.head)
	} else {
		s.ahead.places(j.kv, j.kv.V, blocks, it.head) // which are near by now
	}
}

// whole tells that all n queries see all of chunk c, as is the case for most chunks of a
// long sequence.
func (it *attendItem) whole(j *attendJob, n, c int) bool {
	lo, hi := it.common(j, 0, n, c)
	return lo == 0 && hi == chunkLen
}

// weigh adds to a the values of one block, which starts at position first of chunk
// c, for k queries from i on: the stored ones, or if nil those decoded. Positions that
// all of them see are taken together, those at the edges one query at a time, so that a
// value that is not seen, be it NaN, is never touched.
func (s *attendScratch) weigh(j *attendJob, it *attendItem, c, i, k, first int, stored []byte, a []float32) {
	d, size := j.kv.HeadDim, j.kv.BlockLen
	values := func(q, k, lo, hi int) {
		if stored != nil {
			j.kv.valuesDirect(a[q*d:], s.p[q*chunkLen+first:], stored, k, lo, hi, s.ahead)
		} else {
			attendValues(a[q*d:], s.p[q*chunkLen+first:], s.block, k, d, lo, hi)
		}
	}
	lo, hi := it.common(j, i, k, c)
	lo, hi = min(max(lo-first, 0), size), min(max(hi-first, 0), size)
	if hi < lo {
		hi = lo
	}
	for q := i; q < i+k; q++ {
		if from, to := it.seen(j, q, c); max(0, from-first) < min(lo, to-first) {
			values(q, 1, max(0, from-first), min(lo, to-first))
		}
	}
	if lo < hi {
		values(i, k, lo, hi)
	}
	for q := i; q < i+k; q++ {
		if from, to := it.seen(j, q, c); max(hi, from-first) < min(size, to-first) {
			values(q, 1, max(hi, from-first), min(size, to-first))
		}
	}
}

// merge adds the result of chunk c to the total of the chunks before it. Of two
// results the one with the smaller m is scaled by e^-difference.
func (s *attendScratch) merge(j *attendJob, it *attendItem, c int, total, part partial) {
	d, n := j.kv.HeadDim, it.rows*j.group
	for i := range n {
		s.w[i] = min(part.m[i], total.m[i]) - max(part.m[i], total.m[i])
	}
	padded := s.w[:(n+lanes-1)/lanes*lanes] // vectors are quicker than single numbers
	expShifted(padded, padded, 0)
	whole := it.whole(j, n, c)
	first := c == it.first
	for i, w := range s.w[:n] {
		if !whole {
			if lo, hi := it.seen(j, i, c); lo >= hi {
				continue
			}
		}
		if j.o.Window > 0 {
			start, _ := j.visible(j.spans[it.span], it.row+i/j.group)
			first = c == start/chunkLen
		}
		t, p := total.a[i*d:(i+1)*d], part.a[i*d:(i+1)*d]
		switch {
		case first:
			total.m[i], total.l[i] = part.m[i], part.l[i]
			copy(t, p)
		case part.m[i] <= total.m[i]:
			total.l[i] = fma32(w, part.l[i], total.l[i])
			mulAdd(t, p, w, t)
		default:
			total.m[i] = part.m[i]
			total.l[i] = fma32(w, total.l[i], part.l[i])
			mulAdd(t, t, w, p)
		}
	}
}
