package tokenizer

import "unicode"

// bertWords cuts at white space, which goes, and at punctuation, which stays
// (BertPreTokenizer).
func bertWords(s string, i int) (int, bool) {
	r, n := runeAt(s, i)
	switch {
	case unicode.IsSpace(r):
		return i + n, false
	case isPunctuation(r):
		return i + n, true
	}
	for i < len(s) {
		r, n := runeAt(s, i)
		if unicode.IsSpace(r) || isPunctuation(r) {
			break
		}
		i += n
	}
	return i, true
}

// isPunctuation is what BERT calls punctuation: category P, as it was some years
// ago, and all of ASCII that is neither letter, digit nor space.
func isPunctuation(r rune) bool {
	c := classOf(r)
	switch {
	case r < 128:
		return c&(punct|symbol) != 0
	case c&punct != 0:
		return !unicode.Is(bertWordSigns, r)
	}
	return unicode.Is(bertSigns, r)
}

// wordsAndSigns is \w+|[^\w\s]+ with all else left out (Whitespace).
func wordsAndSigns(s string, i int) (int, bool) {
	r, n := runeAt(s, i)
	if unicode.IsSpace(r) {
		return i + n, false
	}
	word := isWord(r)
	for i += n; i < len(s); i += n {
		r, n = runeAt(s, i)
		if isWord(r) != word || unicode.IsSpace(r) {
			break
		}
	}
	return i, true
}
