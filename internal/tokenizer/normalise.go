package tokenizer

import "strings"

// normaliser changes a text before it is cut into pieces. With align set the
// result knows which bytes of the input its own came from.
type normaliser interface {
	normalise(t text, align bool) text
}

// normalisers run one after the other.
type normalisers []normaliser

func (n normalisers) normalise(t text, align bool) text {
	for _, step := range n {
		t = step.normalise(t, align)
	}
	return t
}

// replacer replaces every old with new.
type replacer struct{ old, new string }

func (n replacer) normalise(t text, align bool) text {
	if !strings.Contains(t.s, n.old) {
		return t
	}
	return replaceAll(t, n.old, n.new, align)
}

func replaceAll(t text, old, new string, align bool) text {
	w := rewrite(t, align)
	i := 0
	for {
		k := strings.Index(t.s[i:], old)
		if k < 0 {
			break
		}
		w.copy(i, i+k)
		w.put(new, i+k, i+k+len(old))
		i += k + len(old)
	}
	w.copy(i, len(t.s))
	return w.done()
}

// prepender puts a prefix before every text that is not empty.
type prepender string

func (n prepender) normalise(t text, align bool) text {
	if t.s == "" {
		return t
	}
	return prepend(t, string(n), align)
}

// squeezer turns runs of spaces into one and takes those at the ends away
// (SentencePiece's remove_extra_whitespaces).
type squeezer struct{}

func (squeezer) normalise(t text, align bool) text {
	if !strings.HasPrefix(t.s, " ") && !strings.HasSuffix(t.s, " ") && !strings.Contains(t.s, "  ") {
		return t
	}
	w := rewrite(t, align)
	for i := 0; i < len(t.s); {
		j := i
		for j < len(t.s) && t.s[j] == ' ' {
			j++
		}
		if j > i && i > 0 && j < len(t.s) {
			w.put(" ", i, j)
		}
		k := j
		for k < len(t.s) && t.s[k] != ' ' {
			k++
		}
		w.copy(j, k)
		i = k
	}
	return w.done()
}
