package tokenizer

// gpt2 is the pattern that byte-level tokenizers have built in:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func gpt2(s string, i int) (int, bool) {
	if n := contraction(s, i, false); n > 0 {
		return i + n, true
	}
	j := i
	if s[i] == ' ' {
		j++
	}
	switch c, n := classAt(s, j); {
	case n == 0 || c&space != 0:
		return spaceRun(s, i), true
	case c&letter != 0:
		return runOf(s, j, letter), true
	case c&number != 0:
		return runOf(s, j, number), true
	default:
		return runWithout(s, j, space|letter|number), true
	}
}

// digits cuts every numeric rune off as a piece of its own.
func digits(s string, i int) (int, bool) {
	if c, n := classAt(s, i); c&number != 0 {
		return i + n, true
	}
	return runWithout(s, i, number), true
}

// digitRuns cuts off whole runs of numeric runes.
func digitRuns(s string, i int) (int, bool) {
	if j := runOf(s, i, number); j > i {
		return j, true
	}
	return runWithout(s, i, number), true
}
