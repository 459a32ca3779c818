package tokenizer

import "strings"

// splitter cuts a text into pieces. Called at the start i of a piece it returns
// the piece's end, beyond i, and whether the piece is kept. A stretch that its
// pattern does not match is a piece as well.
type splitter func(s string, i int) (end int, keep bool)

// contraction is the length of 's 't 'm 'd 're 've 'll at s[i:], 0 if there is
// none; in any case if fold is set (U+017F folds to s).
func contraction(s string, i int, fold bool) int {
	if i+1 >= len(s) || s[i] != '\'' {
		return 0
	}
	if fold && strings.HasPrefix(s[i+1:], "ſ") {
		return 1 + len("ſ")
	}
	a, b := s[i+1], byte(0)
	if i+2 < len(s) {
		b = s[i+2]
	}
	if fold {
		a, b = lowerASCII(a), lowerASCII(b)
	}
	switch {
	case a == 's', a == 't', a == 'm', a == 'd':
		return 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// spaceRun matches \s+(?!\S)|\s+ at s[i:], which starts with white space: all of
// the run, but its last rune when something follows and the run is longer.
func spaceRun(s string, i int) int {
	j, last := i, i
	for {
		c, n := classAt(s, j)
		if c&space == 0 {
			break
		}
		last, j = j, j+n
	}
	if j == len(s) || last == i {
		return j
	}
	return last
}

// lineEnds matches \s*[\r\n]+ at s[i:]: up to the last line end in the run of
// white space. It returns i when there is none.
func lineEnds(s string, i int) int {
	j := runOf(s, i, space)
	return i + 1 + strings.LastIndexAny(s[i:j], "\r\n")
}

// upTo matches 1 to n runes of the class want at s[i:].
func upTo(s string, i, n int, want class) int {
	for ; n > 0; n-- {
		c, size := classAt(s, i)
		if c&want == 0 {
			break
		}
		i += size
	}
	return i
}
