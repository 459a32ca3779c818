package metrics

import "strings"

func init() {
	register(Info{Name: "exact_match", Doc: "share of answers that equal a reference, articles, punctuation and case aside (SQuAD)", Kind: Binary, Margin: .05, Scale: 1},
		func(Options) (*Metric, error) {
			return &Metric{
				Signature: "exact_match|squad:1.1|refs:max",
				Cases:     each(best(func(p, r string) float64 { return indicator(normalizeSquad(p) == normalizeSquad(r)) })),
			}, nil
		})
	register(Info{Name: "em_strict", Doc: "share of answers that equal a reference, space around them aside", Kind: Binary, Margin: .05, Scale: 1},
		func(Options) (*Metric, error) {
			return &Metric{
				Signature: "em_strict|graft:1|trim:yes|refs:max",
				Cases:     each(best(func(p, r string) float64 { return indicator(trim(p) == trim(r)) })),
			}, nil
		})
	register(Info{Name: "f1_squad", Doc: "overlap of an answer's words with a reference's (SQuAD token F1)", Kind: Continuous, Margin: .05, Scale: 1},
		func(Options) (*Metric, error) {
			return &Metric{Signature: "f1_squad|squad:1.1|refs:max", Cases: each(best(tokenF1))}, nil
		})
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// normalizeSquad is normalize_answer of the SQuAD v1.1 script.
func normalizeSquad(s string) string {
	s = strings.Map(func(r rune) rune {
		if asciiPunct(r) {
			return -1
		}
		return r
	}, lower(s))
	return strings.Join(fields(withoutArticles(s)), " ")
}

// asciiPunct are the 32 of Python's string.punctuation.
func asciiPunct(r rune) bool {
	return r >= '!' && r <= '/' || r >= ':' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
}

// withoutArticles puts a space for each a, an and the that is a word: re.sub of
// \b(a|an|the)\b, whose \b knows all letters.
func withoutArticles(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		n := strings.IndexFunc(s, func(r rune) bool { return !wordRune(r) })
		if n < 0 {
			n = len(s)
		}
		switch word := s[:n]; word {
		case "a", "an", "the":
			b.WriteByte(' ')
		default:
			b.WriteString(word)
		}
		s = s[n:]
		n = strings.IndexFunc(s, wordRune)
		if n < 0 {
			n = len(s)
		}
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String()
}

// tokenF1 is f1_score of the SQuAD v1.1 script: 0 when nothing overlaps, so for two
// empty texts too.
func tokenF1(prediction, reference string) float64 {
	p, r := fields(normalizeSquad(prediction)), fields(normalizeSquad(reference))
	common := overlap(counts(p), counts(r))
	if common == 0 {
		return 0
	}
	precision, recall := float64(common)/float64(len(p)), float64(common)/float64(len(r))
	return 2 * precision * recall / (precision + recall)
}

func counts(words []string) map[string]int {
	n := make(map[string]int, len(words))
	for _, w := range words {
		n[w]++
	}
	return n
}

// overlap is how many members two multisets share.
func overlap(a, b map[string]int) int {
	var n int
	for w, k := range a {
		n += min(k, b[w])
	}
	return n
}
