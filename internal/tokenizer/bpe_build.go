package tokenizer

import "fmt"

// bpeOptions are the settings of a BPE model.
type bpeOptions struct {
	unk          int32
	fuseUnk      bool
	byteFallback bool
	ignoreMerges bool
}

// bpe makes the model, given the order of its merges.
func (b *builder) bpe(ranks ranker, o bpeOptions) {
	m := &bpe{vocab: b.t.vocab, ranks: ranks, unk: o.unk, fuseUnk: o.fuseUnk, ignoreMerges: o.ignoreMerges}
	if b.byteLevel {
		m.bytes = new([256]int32)
		for i := range m.bytes {
			m.bytes[i], _ = m.vocab.find(string([]byte{byte(i)}))
		}
	} else if o.byteFallback {
		m.fallback = b.byteTable()
		m.breaks = newWordBreaks(m.vocab)
	}
	b.t.model = m
	b.ready = m.init
}

// byteTable finds the tokens of byte fallback, -1 where there is none.
func (b *builder) byteTable() *[256]int32 {
	table := new([256]int32)
	for i := range table {
		table[i], _ = b.t.vocab.find(fmt.Sprintf("<0x%02X>", i))
	}
	return table
}

// mergeList builds the order of merges one by one.
type mergeList struct {
	b      *builder
	pairs  *pairs
	hidden map[int32]bool
	buf    []byte
	n      int
}

func (b *builder) mergeList(n int) *mergeList {
	return &mergeList{b: b, pairs: newPairs(n), hidden: b.hidden()}
}

// addMerge appends the merge of two tokens, given as the file writes them.
func addMerge[T string | []byte](l *mergeList, left, right T) error {
	rank := l.n
	l.n++
	l.buf = l.buf[:0]
	var cut int
	if l.b.byteLevel {
		var okLeft, okRight bool
		l.buf, okLeft = appendBytes(l.buf, left)
		cut = len(l.buf)
		l.buf, okRight = appendBytes(l.buf, right)
		if !okLeft || !okRight {
			return fmt.Errorf("merge %d: %q and %q are not written in byte characters", rank, clip(string(left)), clip(string(right)))
		}
	} else {
		l.buf = append(append(l.buf, left...), right...)
		cut = len(left)
	}
	v := l.b.t.vocab
	a, okA := v.find(string(l.buf[:cut]))
	c, okC := v.find(string(l.buf[cut:]))
	id, ok := v.find(string(l.buf))
	if !okA || !okC || !ok {
		return fmt.Errorf("merge %d: %q and %q, or the two together, are not in the vocabulary", rank, clip(string(left)), clip(string(right)))
	}
	if !l.hidden[id] {
		l.pairs.set(a, c, rank, id)
	}
	return nil
}
