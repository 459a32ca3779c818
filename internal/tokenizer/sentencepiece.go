package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// blank is how SentencePiece writes a space.
const blank = "▁"

// wordBreaks finds where a text may be cut into words without changing its
// tokens. SentencePiece models encode whole texts, but before a ▁ no merge
// crosses unless some token of the vocabulary has the rune before it and the ▁
// side by side. Words are cached; texts could not be.
type wordBreaks struct {
	ascii [utf8.RuneSelf]bool // runes that some token has before a ▁
	other map[rune]bool
}

// newWordBreaks reads the vocabulary; nil if it has no token ▁.
func newWordBreaks(v *vocab) *wordBreaks {
	if _, ok := v.find(blank); !ok {
		return nil
	}
	w := &wordBreaks{other: map[rune]bool{}}
	for _, token := range v.tokens {
		for i := 1; i < len(token); {
			k := strings.Index(token[i:], blank)
			if k < 0 {
				break
			}
			if r, _ := utf8.DecodeLastRuneInString(token[:i+k]); r < utf8.RuneSelf {
				w.ascii[r] = true
			} else {
				w.other[r] = true
			}
			i += k + 1
		}
	}
	return w
}

// next returns the end of the word that begins at s[i:].
func (w *wordBreaks) next(s string, i int) int {
	for j := i + 1; ; {
		k := strings.Index(s[j:], blank)
		if k < 0 {
			return len(s)
		}
		j += k
		r, n := utf8.DecodeLastRuneInString(s[i:j])
		bound := n == 1 && r == utf8.RuneError // a byte that is not UTF-8 joins nothing
		if r < utf8.RuneSelf {
			bound = !w.ascii[r]
		} else if !bound {
			bound = !w.other[r]
		}
		if bound {
			return j
		}
		j++
	}
}
