package metrics

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func init() {
	for name, doc := range map[string]string{
		"rouge1": "overlap of words with a reference", "rouge2": "overlap of pairs of words with a reference",
		"rouge3": "overlap of runs of three words with a reference", "rougeL": "longest common subsequence of words with a reference",
		"rougeLsum": "longest common subsequences of lines of words with a reference's",
	} {
		register(Info{Name: name, Doc: doc + " (F1)", Kind: Continuous, Margin: .02, Scale: 1, Options: []string{"stem", "unicode"}},
			func(o Options) (*Metric, error) {
				return &Metric{Signature: rougeSignature(name, o), Cases: each(best(func(p, r string) float64 {
					return rouge(name, p, r, o).F
				}))}, nil
			})
	}
	for n := 1; n <= 5; n++ {
		name := fmt.Sprintf("rouge%d", n)
		measures[fmt.Sprintf("rouge_%d", n)] = measure1{rougeSignature(name, Options{}), func(a, b string) float64 { return rouge(name, a, b, Options{}).F }}
	}
	measures["rouge_l"] = measure1{rougeSignature("rougeL", Options{}), func(a, b string) float64 { return rouge("rougeL", a, b, Options{}).F }}
}

func rougeSignature(name string, o Options) string {
	s := name + "|rouge_score:0.1.2|stem:no"
	if o.Stem {
		s = name + "|rouge_score:0.1.2|stem:nltk-porter"
	}
	if o.Unicode {
		s += "|tok:unicode-nfc" // does not compare with published values
	} else {
		s += "|tok:a-z0-9"
	}
	if name == "rougeLsum" {
		s += fmt.Sprintf("|split:newline|line:%d", maxLine)
	}
	return s + "|refs:max|agg:mean"
}

// PRF are precision, recall and F1.
type PRF struct{ P, R, F float64 }

// prf makes a score of hits among predicted and referred things.
func prf(hits, predicted, referred int) PRF {
	if hits == 0 {
		return PRF{}
	}
	p, r := float64(hits)/float64(predicted), float64(hits)/float64(referred)
	return PRF{p, r, 2 * p * r / (p + r)}
}

// rouge is RougeScorer([name]).score(reference, prediction).
func rouge(name, prediction, reference string, o Options) PRF {
	switch name {
	case "rougeLsum":
		return rougeLsum(rougeLines(prediction, o), rougeLines(reference, o))
	case "rougeL":
		p, r := rougeTokens(prediction, o), rougeTokens(reference, o)
		return prf(lcs(p, r), len(p), len(r))
	}
	n := int(name[len("rouge")] - '0')
	p, r := ngrams(rougeTokens(prediction, o), n), ngrams(rougeTokens(reference, o), n)
	return prf(overlap(p, r), total(p), total(r))
}

// rougeTokens is rouge_score's tokenize: what is not a-z or 0-9 parts words, so that
// accents do too and other scripts have none; with o.Unicode, letters, marks and
// digits of all scripts are kept.
func rougeTokens(text string, o Options) []string {
	text = lower(text)
	parts := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	if o.Unicode {
		text = norm.NFC.String(text)
		parts = func(r rune) bool { return !alnum(r) && !unicode.IsMark(r) }
	}
	tokens := strings.FieldsFunc(text, parts)
	if o.Stem {
		for i, t := range tokens {
			if len(t) > 3 && (!o.Unicode || len([]rune(t)) > 3) {
				tokens[i] = Stem(t)
			}
		}
	}
	return tokens
}

// rougeLines are the tokens of each line that is not empty.
func rougeLines(text string, o Options) [][]string {
	var lines [][]string
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			tokens := rougeTokens(line, o)
			lines = append(lines, tokens[:min(len(tokens), maxLine)])
		}
	}
	return lines
}

// rougeLsum is _summary_level_lcs: for each line of the reference, the words that are
// in its longest common subsequence with any line of the prediction, no word more
// often than both texts have it.
func rougeLsum(prediction, reference [][]string) PRF {
	p, r := counts(slices.Concat(prediction...)), counts(slices.Concat(reference...))
	n, m := total(p), total(r)
	if n == 0 || m == 0 {
		return PRF{}
	}
	var hits int
	for _, line := range reference {
		var union []int
		for _, other := range prediction {
			union = append(union, lcsIndices(line, other)...)
		}
		slices.Sort(union)
		for _, i := range slices.Compact(union) {
			if w := line[i]; p[w] > 0 && r[w] > 0 {
				hits++
				p[w]--
				r[w]--
			}
		}
	}
	return prf(hits, n, m)
}

// ngrams counts the runs of n words, none of which has a space.
func ngrams(words []string, n int) map[string]int {
	c := map[string]int{}
	for i := 0; i+n <= len(words); i++ {
		c[strings.Join(words[i:i+n], " ")]++
	}
	return c
}

func total(c map[string]int) int {
	var n int
	for _, k := range c {
		n += k
	}
	return n
}
