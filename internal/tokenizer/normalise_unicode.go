package tokenizer

import (
	"slices"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// form is a Unicode normalisation form.
type form struct {
	norm.Form
	decomposed norm.Form // the same without composition
	compatible bool
}

var forms = map[string]form{
	"NFC": {norm.NFC, norm.NFD, false}, "NFD": {norm.NFD, norm.NFD, false},
	"NFKC": {norm.NFKC, norm.NFKD, true}, "NFKD": {norm.NFKD, norm.NFKD, true},
}

// safeRun is how many runes between boundaries x/text may be trusted with: it
// breaks runs of more than 30 combining marks up (stream-safe text format),
// which the other implementations do not, and a mark may become three.
const safeRun = 10

func (f form) normalise(t text, align bool) text {
	if f.IsNormalString(t.s) {
		return t
	}
	w := rewrite(t, align)
	var piece []byte
	for i := 0; i < len(t.s); {
		if n := f.QuickSpanString(t.s[i:]); n > 0 && !f.compatible {
			w.copy(i, i+n)
			i += n
			continue
		}
		if r, size := runeAt(t.s, i); f.compatible && unicode.Is(formKeeps, r) {
			w.copy(i, i+size)
			i += size
			continue
		}
		j, n := i, 0
		for j < len(t.s) {
			p := f.PropertiesString(t.s[j:])
			if n > 0 && p.BoundaryBefore() {
				break
			}
			j += max(p.Size(), 1)
			n++
		}
		if n <= safeRun {
			piece = f.AppendString(piece[:0], t.s[i:j])
			w.out = append(w.out, piece...)
			w.stamp(len(piece), i, j)
		} else {
			w.put(f.long(t.s[i:j]), i, j)
		}
		i = j
	}
	return w.done()
}

// long normalises a stretch of any length by the book (Unicode, section 3.11).
func (f form) long(s string) string {
	type mark struct {
		r   rune
		ccc uint8
	}
	var marks []mark
	for _, r := range s {
		for _, d := range f.decomposed.String(string(r)) {
			marks = append(marks, mark{d, norm.NFD.PropertiesString(string(d)).CCC()})
		}
	}
	for i := 0; i < len(marks); i++ { // stable order by class between starters
		j := i
		for j < len(marks) && marks[j].ccc != 0 {
			j++
		}
		slices.SortStableFunc(marks[i:j], func(a, b mark) int { return int(a.ccc) - int(b.ccc) })
		i = j
	}
	if f.Form == f.decomposed {
		out := make([]rune, len(marks))
		for i, m := range marks {
			out[i] = m.r
		}
		return string(out)
	}
	var out []rune
	starter, last := -1, uint8(0) // index in out, class of the last mark left standing after it
	for _, m := range marks {
		if starter >= 0 && (last < m.ccc || last == 0 && len(out) == starter+1) {
			if both := []rune(norm.NFC.String(string([]rune{out[starter], m.r}))); len(both) == 1 {
				out[starter] = both[0]
				continue
			}
		}
		if m.ccc == 0 {
			starter = len(out)
		}
		last = m.ccc
		out = append(out, m.r)
	}
	return string(out)
}
