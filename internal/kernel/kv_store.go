package kernel

import "encoding/binary"

// StoreRows stores k and v [rows, KVHeads*HeadDim] of all spans.
func (kv *KV) StoreRows(p *Pool, k, v []float32, spans []Span) {
	t := spareStores.take()
	t.kv, t.k, t.v, t.spans = kv, k, v, spans
	last := 0
	for _, s := range spans {
		last = max(last, s.Row+s.Len)
	}
	if width := kv.KVHeads * kv.HeadDim; last <= kv.BlockLen {
		t.chunk = max(1, storeFew/width)
	} else {
		t.chunk = max(1, storeMany/width/kv.BlockLen) * kv.BlockLen
	}
	p.Run((last+t.chunk-1)/t.chunk, t)
	spareStores.put(t)
}

// How many numbers of keys a worker stores at once: of many rows, and of the few of as many sequences, each to
// memory that is not near, which takes half a microsecond and more.
const storeMany, storeFew = 8192, 768

var spareStores spare[storeTask]

// storeTask is the task of StoreRows.
type storeTask struct {
	kv    *KV
	k, v  []float32
	spans []Span
	chunk int // rows
}

func (t *storeTask) Do(i int) {
	lo, hi := i*t.chunk, (i+1)*t.chunk
	width := t.kv.KVHeads * t.kv.HeadDim
	for _, s := range t.spans {
		end := min(hi, s.Row+s.Len)
		for row := max(lo, s.Row); row < end; {
			pos := s.Past + row - s.Row
			slot := pos % t.kv.BlockLen
			n := min(end-row, t.kv.BlockLen-slot)
			t.kv.storeRun(int(s.Blocks[pos/t.kv.BlockLen]), slot, n, t.k[row*width:(row+n)*width], t.v[row*width:(row+n)*width])
			row += n
		}
	}
}

// storeRun is Store for n adjacent tokens of a block.
func (kv *KV) storeRun(block, slot, n int, k, v []float32) {
	width := kv.KVHeads * kv.HeadDim
	if kv.Type == Q16 {
		kv.storeDigits(block, slot, n, k, v)
		return
	}
	if kv.Type != F16 || n == 1 {
		for i := range n {
			kv.Store(block, slot+i, k[i*width:(i+1)*width], v[i*width:(i+1)*width])
		}
		return
	}
	for h := range kv.KVHeads {
		keys, values := kv.head(kv.K, block, h), kv.head(kv.V, block, h)
		for i := range n {
			EncodeF16(values[2*(slot+i)*kv.HeadDim:], v[i*width+h*kv.HeadDim:][:kv.HeadDim])
		}
		for i := 0; i < n; i += keyRun {
			kv.turnKeys(keys[2*(slot+i):], k[i*width+h*kv.HeadDim:], min(keyRun, n-i))
		}
	}
}

// keyRun is how many tokens turnKeys takes.
const keyRun = 16

// turnKeys stores one head of n tokens, in half precision, to keys, whose rows are of one
// dimension each.
func (kv *KV) turnKeys(keys []byte, k []float32, n int) {
	const part = 64 // dimensions at a time: converting side by side is faster
	var rows [keyRun][2 * part]byte
	width := kv.KVHeads * kv.HeadDim
	for e := 0; e < kv.HeadDim; e += part {
		dims := min(part, kv.HeadDim-e)
		for i := range n {
			EncodeF16(rows[i][:], k[i*width+e:][:dims])
		}
		for d := range dims {
			to := keys[2*(e+d)*kv.BlockLen:][:2*n]
			i := 0
			for ; i+4 <= n; i += 4 { // one store for four
				a, b := binary.LittleEndian.Uint16(rows[i][2*d:]), binary.LittleEndian.Uint16(rows[i+1][2*d:])
				c, d := binary.LittleEndian.Uint16(rows[i+2][2*d:]), binary.LittleEndian.Uint16(rows[i+3][2*d:])
				binary.LittleEndian.PutUint64(to[2*i:], uint64(a)|uint64(b)<<16|uint64(c)<<32|uint64(d)<<48)
			}
			for ; i < n; i++ {
				binary.LittleEndian.PutUint16(to[2*i:], binary.LittleEndian.Uint16(rows[i][2*d:]))
			}
		}
	}
}
