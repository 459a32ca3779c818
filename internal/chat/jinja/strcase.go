package jinja

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// A Caser keeps state, so each call makes its own.
func upper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return cases.Upper(language.Und).String(s)
}

func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und, cases.HandleFinalSigma(true)).String(s)
}

func casefold(s string) string { return cases.Fold().String(s) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// cased is what Python counts as a letter with case.
func cased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) ||
		unicode.Is(unicode.Other_Lowercase, r) || unicode.Is(unicode.Other_Uppercase, r)
}

// titleRune is the titlecase of one character, which may be several (ß → Ss).
func titleRune(r rune) string {
	if t := unicode.ToTitle(r); t != r || unicode.IsTitle(r) {
		return string(t)
	}
	up := []rune(upper(string(r)))
	return string(up[0]) + lower(string(up[1:]))
}

// pythonTitle is str.title: a capital after anything without case.
func pythonTitle(s string) string {
	var b strings.Builder
	previous := false
	for _, r := range s {
		if previous {
			b.WriteString(lower(string(r)))
		} else {
			b.WriteString(titleRune(r))
		}
		previous = cased(r)
	}
	return b.String()
}

func swapCase(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsUpper(r) {
			b.WriteString(lower(string(r)))
		} else {
			b.WriteString(upper(string(r)))
		}
	}
	return b.String()
}

func capitalize(s Str) Str {
	if s.s == "" {
		return s
	}
	n := runeLen(s.s)
	out := Join(s.cut(0, n).mapText(func(t string) string { return titleRune([]rune(t)[0]) }), s.from(n).mapText(lower))
	out.safe = s.safe
	return out
}

func mapper(f func(string) string) strMethod {
	return func(st *state, s Str, a args) Value {
		a.bind("a case method", 0)
		st.charge(len(s.s))
		return s.mapText(f)
	}
}

// classes are the questions about all characters of a string.
var classes = map[string]func(string) bool{
	"isdigit":   all(isDigit),
	"isdecimal": all(func(r rune) bool { return unicode.Is(unicode.Nd, r) }),
	"isnumeric": all(unicode.IsNumber),
	"isalpha":   all(unicode.IsLetter),
	"isalnum":   all(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
	"isspace":   all(isSpace),
	"isascii":   isASCII,
	"isupper":   oneCase(unicode.IsUpper, unicode.IsLower),
	"islower":   oneCase(unicode.IsLower, unicode.IsUpper),
	"istitle":   isTitle,
	"isidentifier": func(s string) bool {
		return nameRE.FindString(s) == s && s != "" && !unicode.IsNumber([]rune(s)[0])
	},
}

// isDigit: decimal digits and those in circles, superscripts and the like.
func isDigit(r rune) bool {
	return unicode.Is(unicode.Nd, r) || strings.ContainsRune("²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉①②③④⑤⑥⑦⑧⑨", r)
}

func all(is func(rune) bool) func(string) bool {
	return func(s string) bool {
		for _, r := range s {
			if !is(r) {
				return false
			}
		}
		return s != ""
	}
}

// oneCase: no character of the other case, and at least one of this.
func oneCase(this, other func(rune) bool) func(string) bool {
	return func(s string) bool {
		found := false
		for _, r := range s {
			if other(r) || unicode.IsTitle(r) {
				return false
			}
			found = found || this(r)
		}
		return found
	}
}

func isTitle(s string) bool {
	previous, found := false, false
	for _, r := range s {
		up := unicode.IsUpper(r) || unicode.IsTitle(r)
		low := unicode.IsLower(r)
		if up && previous || low && !previous {
			return false
		}
		previous = up || low
		found = found || previous
	}
	return found
}
