package tokenizer

// text is a stretch of the input on its way to the model: at first a slice of
// the input itself, after normalisation text of its own.
type text struct {
	s    string
	at   int    // with a nil from, byte i of s is byte at+i of the input
	from []span // else byte i of s comes from the bytes from[i] of the input
}

// span is a range of bytes.
type span struct{ start, end int32 }

func (t text) slice(i, j int) text {
	if t.from != nil {
		return text{s: t.s[i:j], at: t.at, from: t.from[i:j]}
	}
	return text{s: t.s[i:j], at: t.at + i}
}

// origin returns the bytes of the input that bytes i to j of t.s come from.
func (t text) origin(i, j int) (start, end int) {
	switch {
	case t.from == nil:
		return t.at + i, t.at + j
	case i < j:
		return int(t.from[i].start), int(t.from[j-1].end)
	case i < len(t.from):
		return int(t.from[i].start), int(t.from[i].start)
	case i > 0:
		return int(t.from[i-1].end), int(t.from[i-1].end)
	}
	return t.at, t.at
}

// rewriter builds a changed text and, if align is set, remembers where each
// byte came from.
type rewriter struct {
	src   text
	out   []byte
	from  []span
	align bool
}

func rewrite(src text, align bool) *rewriter {
	return &rewriter{src: src, out: make([]byte, 0, len(src.s)+len(src.s)/8+8), align: align}
}

// copy takes bytes i to j of the source over as they are.
func (w *rewriter) copy(i, j int) {
	w.out = append(w.out, w.src.s[i:j]...)
	if w.align {
		for ; i < j; i++ {
			start, end := w.src.origin(i, i+1)
			w.from = append(w.from, span{int32(start), int32(end)})
		}
	}
}

// put writes s in place of bytes i to j of the source.
func (w *rewriter) put(s string, i, j int) {
	w.out = append(w.out, s...)
	w.stamp(len(s), i, j)
}

// stamp says that the n bytes written last stand for bytes i to j of the source.
func (w *rewriter) stamp(n, i, j int) {
	if !w.align {
		return
	}
	start, end := w.src.origin(i, j)
	for range n {
		w.from = append(w.from, span{int32(start), int32(end)})
	}
}

func (w *rewriter) done() text {
	t := text{s: string(w.out), at: w.src.at}
	if w.align {
		t.from = w.from
		if t.from == nil {
			t.from = []span{}
		}
	}
	return t
}

// output collects the tokens of a text.
type output struct {
	ids     []int32
	offsets [][2]int // of each token, when wanted
	want    bool
}

// add appends a token that covers bytes i to j of t.
func (o *output) add(id int32, t text, i, j int) {
	o.ids = append(o.ids, id)
	if o.want {
		start, end := t.origin(i, j)
		o.offsets = append(o.offsets, [2]int{start, end})
	}
}
