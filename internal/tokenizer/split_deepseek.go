package tokenizer

// DeepSeek V3 cuts three times: numbers of up to three digits, then runs of
// Chinese and Japanese, then words. Its patterns do not match everything; what
// lies between two matches is a piece.

// deepseekNumbers is \p{N}{1,3}.
func deepseekNumbers(s string, i int) (int, bool) {
	if j := upTo(s, i, 3, number); j > i {
		return j, true
	}
	return runWithout(s, i, number), true
}

// deepseekCJK is [一-龥぀-ゟ゠-ヿ]+.
var deepseekCJK = mustSplit(runes{is: func(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FA5 || r >= 0x3040 && r <= 0x30FF
}, many: 1}, "Contiguous")

// deepseekWords is
//
//	[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|
//	 ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func deepseekWords(s string, i int) (int, bool) {
	if j := deepseekWord(s, i); j > i {
		return j, true
	}
	for i < len(s) { // no match here: up to the next
		_, n := runeAt(s, i)
		i += n
		if i < len(s) && deepseekWord(s, i) > i {
			break
		}
	}
	return i, true
}

// deepseekWord matches the pattern at s[i:]; i when there is no match.
func deepseekWord(s string, i int) int {
	c, n := classAt(s, i)
	if s[i] < 128 && c&(punct|symbol) != 0 {
		if j := asciiLetters(s, i+1); j > i+1 {
			return j
		}
	}
	if c&(newline|letter|punct|symbol) == 0 {
		if j := runOf(s, i+n, letter|mark); j > i+n {
			return j
		}
	}
	if j := runOf(s, i, letter|mark); j > i {
		return j
	}
	j := i
	if s[i] == ' ' {
		j++
	}
	if k := runOf(s, j, punct|symbol); k > j {
		return runOf(s, k, newline)
	}
	if c&space == 0 {
		return i
	}
	if j := lineEnds(s, i); j > i {
		return j
	}
	return spaceRun(s, i)
}

func asciiLetters(s string, i int) int {
	for i < len(s) && lowerASCII(s[i]) >= 'a' && lowerASCII(s[i]) <= 'z' {
		i++
	}
	return i
}

// mustSplit is splitAt for what is known to be right.
func mustSplit(d delimiter, behavior string) splitter {
	split, err := splitAt(d, behavior, false)
	if err != nil {
		panic(err)
	}
	return split
}
