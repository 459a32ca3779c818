package metrics

import (
	"math"
	"regexp"
	"strings"
)

func init() {
	register(Info{Name: "bleu", Doc: "overlap of runs of up to four words with the references, of the whole set (BLEU)", Kind: CorpusKind, Margin: 2, Scale: 100},
		func(Options) (*Metric, error) {
			return &Metric{
				Signature: "bleu|nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
				Cases:     each(sentenceBLEU),
				Corpus: func(cases []Case) float64 {
					var sum bleuStats
					for i := range cases {
						sum.add(bleuOf(cases[i].text(), cases[i].References))
					}
					return sum.score(false)
				},
			}, nil
		})
	measures["bleu"] = measure1{"bleu|nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:2.6.0|scale:1", func(a, b string) float64 {
		return sentenceBLEU(a, []string{b}) / 100
	}}
}

// sentenceBLEU is sacreBLEU's sentence_bleu, 0 to 100: of as many orders as the text has.
func sentenceBLEU(prediction string, references []string) float64 {
	s := bleuOf(prediction, references)
	return s.score(true)
}

const bleuOrder = 4

// bleuStats are what BLEU is made of; those of a set are the sums of the cases'.
type bleuStats struct {
	correct, total [bleuOrder]int // n-grams
	length, ref    int            // words of the predictions; of the references nearest in length
}

func (s *bleuStats) add(o bleuStats) {
	for n := range s.correct {
		s.correct[n] += o.correct[n]
		s.total[n] += o.total[n]
	}
	s.length += o.length
	s.ref += o.ref
}

func bleuOf(prediction string, references []string) bleuStats {
	var s bleuStats
	words := tokenize13a(prediction)
	s.length = len(words)
	refs := make([][]string, len(references))
	for i, r := range references {
		refs[i] = tokenize13a(r)
		near, now := abs(len(refs[i])-s.length), abs(s.ref-s.length)
		if i == 0 || near < now || near == now && len(refs[i]) < s.ref {
			s.ref = len(refs[i])
		}
	}
	for n := range bleuOrder {
		most := map[string]int{} // each n-gram's largest count in a reference
		for _, r := range refs {
			for g, k := range ngrams(r, n+1) {
				most[g] = max(most[g], k)
			}
		}
		have := ngrams(words, n+1)
		s.correct[n], s.total[n] = overlap(have, most), total(have)
	}
	return s
}

func abs(n int) int { return max(n, -n) }

// score is sacreBLEU's compute_bleu with exp smoothing: an order without matches
// counts as half a match, the next as a quarter. Without effective order, texts too
// short for an order have a floor there that makes them 0.
func (s *bleuStats) score(effective bool) float64 {
	penalty := 1.0
	if s.length < s.ref {
		if s.length == 0 {
			return 0
		}
		penalty = math.Exp(1 - float64(s.ref)/float64(s.length))
	}
	if s.correct == ([bleuOrder]int{}) {
		return 0
	}
	var logs [bleuOrder]float64
	for n := range logs {
		logs[n] = -9999999999
	}
	orders, smooth := bleuOrder, 1.0
	for n := range bleuOrder {
		if s.total[n] == 0 {
			break
		}
		if effective {
			orders = n + 1
		}
		if s.correct[n] == 0 {
			smooth *= 2
			logs[n] = math.Log(100 / (smooth * float64(s.total[n])))
		} else {
			logs[n] = math.Log(100 * float64(s.correct[n]) / float64(s.total[n]))
		}
	}
	var sum float64
	for _, l := range logs[:orders] {
		sum += l
	}
	return penalty * math.Exp(sum/float64(orders))
}

// The rules of mteval-v13a as sacreBLEU has them, in this order.
var (
	rules13a = []struct {
		re *regexp.Regexp
		by string
	}{
		{regexp.MustCompile("([{-~\\[-` -&(-+:-@/])"), " $1 "},
		{regexp.MustCompile(`([^0-9])([.,])`), "$1 $2 "}, // period and comma, unless a digit is before
		{regexp.MustCompile(`([.,])([^0-9])`), " $1 $2"}, // … or behind
		{regexp.MustCompile(`([0-9])(-)`), "$1 $2 "},
	}
	skipped13a  = strings.NewReplacer("<skipped>", "")
	entities13a = []string{"&quot;", `"`, "&amp;", "&", "&lt;", "<", "&gt;", ">"}
)

// tokenize13a is sacreBLEU's tokenizer 13a.
func tokenize13a(line string) []string {
	line = skipped13a.Replace(strings.TrimRightFunc(line, space))
	line = strings.ReplaceAll(line, "-\n", "")
	line = strings.ReplaceAll(line, "\n", " ")
	for i := 0; i < len(entities13a); i += 2 { // one after the other: &amp;lt; is <
		line = strings.ReplaceAll(line, entities13a[i], entities13a[i+1])
	}
	line = " " + line + " "
	for _, r := range rules13a {
		line = r.re.ReplaceAllString(line, r.by)
	}
	return fields(line)
}
