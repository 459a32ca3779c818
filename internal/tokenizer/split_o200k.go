package tokenizer

import "unicode/utf8"

// o200k is the pattern of OpenAI's o200k (gpt-oss, Llama 4), which also ends a
// word where capitals begin, and with fewer digits and no contractions that of
// Mistral's Tekken. With U for [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], L for
// [\p{Ll}\p{Lm}\p{Lo}\p{M}] and C for (?i:'s|'t|'re|'ve|'m|'ll|'d):
//
//	[^\r\n\p{L}\p{N}]?U*L+C?|[^\r\n\p{L}\p{N}]?U+L*C?|\p{N}{1,3}|
//	 ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
type o200k struct {
	digits       int
	contractions bool
}

var (
	gptOSS = o200k{digits: 3, contractions: true}.split
	tekken = o200k{digits: 1}.split
)

func (p o200k) split(s string, i int) (int, bool) {
	c, n := classAt(s, i)
	if j := o200kWord(s, i, c, n); j > i {
		if p.contractions {
			j += contraction(s, j, true)
		}
		return j, true
	}
	if c&number != 0 {
		return upTo(s, i, p.digits, number), true
	}
	j := i
	if s[i] == ' ' {
		j++
	}
	if k := runWithout(s, j, space|letter|number); k > j {
		for k < len(s) && (s[k] == '\r' || s[k] == '\n' || s[k] == '/') {
			k++
		}
		return k, true
	}
	if j := lineEnds(s, i); j > i {
		return j, true
	}
	return spaceRun(s, i), true
}

// o200kWord matches the first two alternatives at s[i:], whose first rune has
// class c and length n, trying each with the leading rune and then without, as
// a backtracking matcher does. It returns i when there is no match.
func o200kWord(s string, i int, c class, n int) int {
	prefix := c&(newline|letter|number) == 0
	if prefix {
		if j := endsLower(s, i+n); j > 0 {
			return j
		}
	}
	if j := endsLower(s, i); j > 0 {
		return j
	}
	if prefix {
		if j := runOf(s, i+n, upper); j > i+n {
			return runOf(s, j, lower)
		}
	}
	if j := runOf(s, i, upper); j > i {
		return runOf(s, j, lower)
	}
	return i
}

// endsLower matches U*L+ at s[i:]; 0 when there is no match.
func endsLower(s string, i int) int {
	j := runOf(s, i, upper)
	if k := runOf(s, j, lower); k > j {
		return k
	}
	for j > i { // give back runes until the last one is in L as well
		r, n := utf8.DecodeLastRuneInString(s[i:j])
		if classOf(r)&lower != 0 {
			return j
		}
		j -= n
	}
	return 0
}
