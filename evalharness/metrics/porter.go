package metrics

import "strings"

// irregular are the forms that NLTK's stemmer looks up instead of cutting.
var irregular = map[string]string{
	"sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
	"innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing",
	"cannings": "canning", "canning": "canning", "howe": "howe",
	"proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
}

// Stem is PorterStemmer().stem of NLTK 3.10.4, in its default mode, NLTK_EXTENSIONS,
// which departs from Porter's paper in the places marked below.
func Stem(word string) string {
	long := len([]rune(word)) > 2
	word = lower(word)
	if stem, ok := irregular[word]; ok {
		return stem
	}
	if !long {
		return word
	}
	w := []rune(word)
	w = stemPlural(w)
	w = stemPast(w)
	w = stemY(w)
	w = stemDouble(w)
	w = apply(w, step3, func(stem []rune) bool { return measure(stem) > 0 })
	w = stemLast(w)
	w = stemE(w)
	return string(w)
}

// consonants tells of each letter whether it is one. A y is one unless it follows one.
func consonants(w []rune) []bool {
	flags := make([]bool, len(w))
	for i, r := range w {
		switch r {
		case 'a', 'e', 'i', 'o', 'u':
		case 'y':
			flags[i] = i == 0 || !flags[i-1]
		default:
			flags[i] = true
		}
	}
	return flags
}

// measure is Porter's m: how often a consonant follows a vowel.
func measure(w []rune) int {
	var m int
	flags := consonants(w)
	for i := 1; i < len(flags); i++ {
		if flags[i] && !flags[i-1] {
			m++
		}
	}
	return m
}

func hasVowel(w []rune) bool {
	for _, consonant := range consonants(w) {
		if !consonant {
			return true
		}
	}
	return false
}

func endsDouble(w []rune) bool {
	n := len(w)
	return n >= 2 && w[n-1] == w[n-2] && consonants(w)[n-1]
}

// endsCVC is Porter's *o: consonant, vowel, consonant other than w, x and y; NLTK:
// or a word of one vowel and one consonant.
func endsCVC(w []rune) bool {
	f, n := consonants(w), len(w)
	if n == 2 {
		return !f[0] && f[1]
	}
	return n >= 3 && f[n-3] && !f[n-2] && f[n-1] && !strings.ContainsRune("wxy", w[n-1])
}

// cut takes a suffix off.
func cut(w []rune, suffix string) ([]rune, bool) {
	n := len(w) - len(suffix)
	if n < 0 || string(w[n:]) != suffix {
		return w, false
	}
	return w[:n:n], true
}

func put(w []rune, suffix string) []rune { return append(w[:len(w):len(w)], []rune(suffix)...) }

// apply replaces the first suffix of rules that w ends with, if its stem holds; the
// suffix decides, even when the stem does not hold.
func apply(w []rune, rules [][2]string, holds func(stem []rune) bool) []rune {
	for _, r := range rules {
		if stem, ok := cut(w, r[0]); ok {
			if holds(stem) {
				return put(stem, r[1])
			}
			return w
		}
	}
	return w
}

func always([]rune) bool { return true }

// stemPlural is step 1a. NLTK: a word of four letters keeps its e: dies, die.
func stemPlural(w []rune) []rune {
	if stem, ok := cut(w, "ies"); ok && len(w) == 4 {
		return put(stem, "ie")
	}
	return apply(w, [][2]string{{"sses", "ss"}, {"ies", "i"}, {"ss", "ss"}, {"s", ""}}, always)
}

// stemPast is step 1b. NLTK: spied is spi, died is die.
func stemPast(w []rune) []rune {
	if stem, ok := cut(w, "ied"); ok {
		if len(w) == 4 {
			return put(stem, "ie")
		}
		return put(stem, "i")
	}
	if stem, ok := cut(w, "eed"); ok {
		if measure(stem) > 0 {
			return put(stem, "ee")
		}
		return w
	}
	stem, ok := cut(w, "ed")
	if !ok || !hasVowel(stem) {
		if stem, ok = cut(w, "ing"); !ok || !hasVowel(stem) {
			return w
		}
	}
	for _, r := range [][2]string{{"at", "ate"}, {"bl", "ble"}, {"iz", "ize"}} {
		if _, ok := cut(stem, r[0]); ok {
			return put(stem, "e")
		}
	}
	n := len(stem)
	if endsDouble(stem) {
		if strings.ContainsRune("lsz", stem[n-1]) {
			return stem
		}
		return stem[:n-1]
	}
	if less, ok := cut(stem, "*d"); ok { // NLTK takes its own mark for a suffix
		return put(less, "d")
	}
	if measure(stem) == 1 && endsCVC(stem) {
		return put(stem, "e")
	}
	return stem
}

// stemY is step 1c. NLTK: only after a consonant that is not the only letter.
func stemY(w []rune) []rune {
	return apply(w, [][2]string{{"y", "i"}}, func(stem []rune) bool {
		return len(stem) > 1 && consonants(stem)[len(stem)-1]
	})
}

var step2 = [][2]string{
	{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"}, {"bli", "ble"},
	{"alli", "al"}, {"entli", "ent"}, {"eli", "e"}, {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"},
	{"ator", "ate"}, {"alism", "al"}, {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},
	{"iviti", "ive"}, {"biliti", "ble"}, {"fulli", "ful"},
}

// stemDouble is step 2. NLTK: alli goes first and again, bli instead of abli, fulli,
// and logi, whose l is of the stem.
func stemDouble(w []rune) []rune {
	for {
		stem, ok := cut(w, "alli")
		if !ok || measure(stem) == 0 {
			break
		}
		w = put(stem, "al")
	}
	if stem, ok := cut(w, "logi"); ok {
		if measure(put(stem, "l")) > 0 {
			return put(stem, "log")
		}
		return w
	}
	return apply(w, step2, func(stem []rune) bool { return measure(stem) > 0 })
}

var step3 = [][2]string{{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""}}

var step4 = []string{
	"al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize",
}

// stemLast is step 4.
func stemLast(w []rune) []rune {
	for _, suffix := range step4 {
		stem, ok := cut(w, suffix)
		if !ok {
			continue
		}
		if measure(stem) > 1 && (suffix != "ion" || strings.ContainsRune("st", stem[len(stem)-1])) {
			return stem
		}
		return w
	}
	return w
}

// stemE is step 5.
func stemE(w []rune) []rune {
	if stem, ok := cut(w, "e"); ok {
		if m := measure(stem); m > 1 || m == 1 && !endsCVC(stem) {
			w = stem
		}
	}
	if stem, ok := cut(w, "ll"); ok && measure(w[:len(w)-1]) > 1 {
		return put(stem, "l")
	}
	return w
}
