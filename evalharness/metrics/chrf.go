package metrics

import (
	"strings"
	"unicode/utf8"
)

func init() {
	for name, words := range map[string]int{"chrf": 0, "chrf++": 2} {
		doc, sign := "overlap of runs of up to six characters with a reference, of the whole set", "nw:0"
		if words > 0 {
			doc, sign = doc+", and of one and two words", "nw:2"
		}
		register(Info{Name: name, Doc: doc + " (chrF)", Kind: CorpusKind, Margin: 2, Scale: 100},
			func(Options) (*Metric, error) {
				return &Metric{
					Signature: name + "|nrefs:var|case:mixed|eff:yes|nc:6|" + sign + "|space:no|version:2.6.0",
					Cases: each(func(p string, refs []string) float64 {
						s := chrfOf(p, refs, words)
						return s.score()
					}),
					Corpus: func(cases []Case) float64 {
						sum := make(chrfStats, chrfOrder+words)
						for i := range cases {
							for n, c := range chrfOf(cases[i].text(), cases[i].References, words) {
								sum[n].prediction += c.prediction
								sum[n].reference += c.reference
								sum[n].match += c.match
							}
						}
						return sum.score()
					},
				}, nil
			})
	}
}

const chrfOrder = 6

// chrfStats are the n-grams of each order: of characters, then of words.
type chrfStats []struct{ prediction, reference, match int }

// chrfOf gives the statistics with the reference that scores best, the first of equals.
func chrfOf(prediction string, references []string, words int) chrfStats {
	top, topScore := make(chrfStats, chrfOrder+words), -1.0
	p := chrfNgrams(prediction, words)
	for _, reference := range references {
		s := make(chrfStats, chrfOrder+words)
		for n, r := range chrfNgrams(reference, words) {
			s[n].reference, s[n].match = total(r), overlap(p[n], r)
			if len(r) > 0 {
				s[n].prediction = total(p[n])
			}
		}
		if score := s.score(); score > topScore {
			top, topScore = s, score
		}
	}
	return top
}

// score is F2 of the mean precision and mean recall over the orders that both have.
func (s chrfStats) score() float64 {
	var p, r, orders float64
	for _, c := range s {
		if c.prediction > 0 && c.reference > 0 {
			p += float64(c.match) / float64(c.prediction)
			r += float64(c.match) / float64(c.reference)
			orders++
		}
	}
	if p+r == 0 {
		return 0
	}
	p, r = p/orders, r/orders
	return 100 * (5 * p * r / (4*p + r))
}

func chrfNgrams(text string, words int) []map[string]int {
	var all []map[string]int
	line := strings.Join(fields(text), "")
	var starts []int // of characters, and the end
	for i := range line {
		starts = append(starts, i)
	}
	starts = append(starts, len(line))
	for n := 1; n <= chrfOrder; n++ {
		c := map[string]int{}
		for i := 0; i+n < len(starts); i++ {
			c[line[starts[i]:starts[i+n]]]++
		}
		all = append(all, c)
	}
	if words > 0 {
		parts := chrfWords(text)
		for n := 1; n <= words; n++ {
			all = append(all, ngrams(parts, n))
		}
	}
	return all
}

// chrfWords parts words from one sign of punctuation behind, else one before.
func chrfWords(text string) []string {
	var words []string
	for _, w := range fields(text) {
		first, _ := utf8.DecodeRuneInString(w)
		last := rune(w[len(w)-1])
		switch {
		case utf8.RuneCountInString(w) == 1:
			words = append(words, w)
		case asciiPunct(last):
			words = append(words, w[:len(w)-1], w[len(w)-1:])
		case asciiPunct(first):
			words = append(words, w[:1], w[1:])
		default:
			words = append(words, w)
		}
	}
	return words
}
