package tokenizer

import "strings"

// preTokenizer cuts normalised text into the pieces that a model encodes one by one.
type preTokenizer struct {
	splits []splitter // each cuts the pieces of the one before
	// addPrefixSpace puts a space before a piece that has none (ByteLevel).
	addPrefixSpace bool
	byteSplit      splitter // the pattern of ByteLevel, after the prefix
	metaspace      *metaspace
}

func (p *preTokenizer) run(m model, t text, out *output) { p.level(0, m, t, out) }

func (p *preTokenizer) level(n int, m model, t text, out *output) {
	if n == len(p.splits) {
		p.last(m, t, out)
		return
	}
	split := p.splits[n]
	for i := 0; i < len(t.s); {
		j, keep := split(t.s, i)
		if keep {
			p.level(n+1, m, t.slice(i, j), out)
		}
		i = j
	}
}

func (p *preTokenizer) last(m model, t text, out *output) {
	switch {
	case p.metaspace != nil:
		p.metaspace.run(m, t, out)
		return
	case p.addPrefixSpace && !strings.HasPrefix(t.s, " "):
		t = prepend(t, " ", out.want)
	}
	if p.byteSplit == nil {
		m.encode(t, out)
		return
	}
	for i := 0; i < len(t.s); {
		j, _ := p.byteSplit(t.s, i)
		m.encode(t.slice(i, j), out)
		i = j
	}
}

// prepend puts s before a text.
func prepend(t text, s string, align bool) text {
	w := rewrite(t, align)
	w.put(s, 0, 0)
	w.copy(0, len(t.s))
	return w.done()
}

// metaspace is SentencePiece's way with spaces: they become ▁, one is put before
// the text, and each starts a piece.
type metaspace struct {
	replacement string
	prefix      prefixRule
	split       bool
}

// prefixRule says where a ▁ is put before a text that does not start with one.
type prefixRule int

const (
	prefixNever  prefixRule = iota
	prefixFirst             // before text at the very start of the input
	prefixAlways            // before every stretch between added tokens, and every piece
)

func (p *metaspace) run(m model, t text, out *output) {
	start, _ := t.origin(0, 0)
	if strings.Contains(t.s, " ") {
		t = replaceAll(t, " ", p.replacement, out.want)
	}
	if !strings.HasPrefix(t.s, p.replacement) && (p.prefix == prefixAlways || p.prefix == prefixFirst && start == 0) {
		t = prepend(t, p.replacement, out.want)
	}
	if !p.split {
		m.encode(t, out)
		return
	}
	for i := 0; i < len(t.s); {
		j := len(t.s)
		if k := strings.Index(t.s[i+1:], p.replacement); k >= 0 {
			j = i + 1 + k
		}
		m.encode(t.slice(i, j), out)
		i = j
	}
}
