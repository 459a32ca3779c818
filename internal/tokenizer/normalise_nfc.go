package tokenizer

import "golang.org/x/text/unicode/norm"

// form is a Unicode normalisation form.
type form struct{ norm.Form }

var nfc = form{norm.NFC}

func (f form) normalise(t text, align bool) text {
	if f.IsNormalString(t.s) {
		return t
	}
	w := rewrite(t, align)
	for i := 0; i < len(t.s); {
		j := f.NextBoundaryInString(t.s[i:], true)
		if j <= 0 {
			j = len(t.s) - i
		}
		w.put(f.String(t.s[i:i+j]), i, i+j)
		i += j
	}
	return w.done()
}
