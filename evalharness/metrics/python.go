package metrics

import (
	"strings"
	"unicode"
)

// Python's rules for text, where Go's differ. The metrics are defined by Python
// programs, so that their lower case, words and spaces are Python's.

// lower is str.lower: İ becomes i and a combining dot, and Σ at the end of a word
// becomes ς.
func lower(s string) string {
	if !strings.ContainsAny(s, "İΣ") {
		return strings.ToLower(s)
	}
	runes := []rune(s)
	var b strings.Builder
	for i, r := range runes {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && finalSigma(runes, i):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// finalSigma tells whether the letter before i is cased and the one behind is not,
// letters that ignore case left out (CPython's handle_capital_sigma).
func finalSigma(runes []rune, i int) bool {
	before := i - 1
	for before >= 0 && caseIgnorable(runes[before]) {
		before--
	}
	if before < 0 || !cased(runes[before]) {
		return false
	}
	after := i + 1
	for after < len(runes) && caseIgnorable(runes[after]) {
		after++
	}
	return after == len(runes) || !cased(runes[after])
}

func cased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) ||
		unicode.Is(unicode.Other_Lowercase, r) || unicode.Is(unicode.Other_Uppercase, r)
}

// caseIgnorable is Unicode's Case_Ignorable: marks, modifiers, format characters,
// and the punctuation that may stand within a word.
func caseIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:·‘’·՟״‧︓﹕：﹒＇．․", r)
}

// space is str.isspace: Go's, and the four separators of ASCII.
func space(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

func fields(s string) []string { return strings.FieldsFunc(s, space) }

func trim(s string) string { return strings.TrimFunc(s, space) }

// wordRune is \w of Python's re.
func wordRune(r rune) bool {
	return r == '_' || alnum(r)
}

// alnum is str.isalnum: letters, and all that has a numeric value.
func alnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
