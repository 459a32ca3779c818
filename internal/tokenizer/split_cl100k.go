package tokenizer

// cl100k is the family of patterns that began with OpenAI's cl100k and that
// Llama 3 and Qwen use:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
//	 ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
type cl100k struct {
	digits int   // longest run of numeric runes in a piece
	word   class // what words are made of: letter, in Qwen 3.5 marks as well
	plain  bool  // without the [\r\n]* after punctuation
}

var (
	llama3 = cl100k{digits: 3, word: letter}.split
	qwen2  = cl100k{digits: 1, word: letter}.split
	qwen35 = cl100k{digits: 1, word: letter | mark}.split
)

func (p cl100k) split(s string, i int) (int, bool) {
	if n := contraction(s, i, true); n > 0 {
		return i + n, true
	}
	c, n := classAt(s, i)
	if c&p.word != 0 {
		return runOf(s, i, p.word), true
	}
	if c&(newline|number) == 0 {
		if j := runOf(s, i+n, p.word); j > i+n {
			return j, true
		}
	}
	if c&number != 0 {
		return upTo(s, i, p.digits, number), true
	}
	j := i
	if s[i] == ' ' {
		j++
	}
	if k := runWithout(s, j, space|number|p.word); k > j {
		if !p.plain {
			k = runOf(s, k, newline)
		}
		return k, true
	}
	if j := lineEnds(s, i); j > i {
		return j, true
	}
	return spaceRun(s, i), true
}
