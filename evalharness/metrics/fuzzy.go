package metrics

import (
	"cmp"
	"slices"
)

func init() {
	measures["fuzzy_match"] = measure1{"fuzzy_match|rapidfuzz:3|ratio|scale:1", fuzzy}
	measures["gleu"] = measure1{"gleu|nltk:3.10.4|tok:split|n:1-4", gleu}
	measures["meteor"] = measure1{"meteor|nltk:3.10.4|tok:split|stem:nltk-porter|synonyms:none|alpha:0.9|beta:3|gamma:0.5", meteor}
}

// fuzzy is RapidFuzz's ratio, 0 to 1: the share of characters that stay when one text
// is made the other by insertions and deletions.
func fuzzy(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	if len(x)+len(y) == 0 {
		return 1
	}
	changes := len(x) + len(y) - 2*lcs(x, y)
	return 1 - float64(changes)/float64(len(x)+len(y))
}

// gleu is NLTK's sentence_gleu: the n-grams of one to four words that both texts have
// over those of the longer.
func gleu(prediction, reference string) float64 {
	p, r := fields(prediction), fields(reference)
	var same, have, want int
	for n := 1; n <= 4; n++ {
		a, b := ngrams(p, n), ngrams(r, n)
		same, have, want = same+overlap(a, b), have+total(a), want+total(b)
	}
	if have+want == 0 {
		return 0
	}
	return float64(same) / float64(max(have, want))
}

// numbered is a word and its place in the text.
type numbered struct {
	at   int
	word string
}

// match pairs equal words, the last with the last, and gives what is left over.
func match(a, b []numbered) (pairs [][2]int, restA, restB []numbered) {
	places := map[string][]int{}
	for j, w := range b {
		places[w.word] = append(places[w.word], j)
	}
	usedA, usedB := make([]bool, len(a)), make([]bool, len(b))
	for i := len(a) - 1; i >= 0; i-- {
		at := places[a[i].word]
		if len(at) == 0 {
			continue
		}
		j := at[len(at)-1]
		places[a[i].word] = at[:len(at)-1]
		usedA[i], usedB[j] = true, true
		pairs = append(pairs, [2]int{a[i].at, b[j].at})
	}
	return pairs, unused(a, usedA), unused(b, usedB)
}

func unused(words []numbered, used []bool) []numbered {
	var rest []numbered
	for i, w := range words {
		if !used[i] {
			rest = append(rest, w)
		}
	}
	return rest
}

// meteor is NLTK's meteor_score without WordNet's synonyms: equal words, then equal
// stems; words that match in other order than in the reference cost up to a half.
func meteor(prediction, reference string) float64 {
	read := func(text string) []numbered {
		var words []numbered
		for i, w := range fields(lower(text)) {
			words = append(words, numbered{i, w})
		}
		return words
	}
	p, r := read(prediction), read(reference)
	pairs, restP, restR := match(p, r)
	for _, rest := range [][]numbered{restP, restR} {
		for i := range rest {
			rest[i].word = Stem(rest[i].word)
		}
	}
	more, _, _ := match(restP, restR)
	pairs = append(pairs, more...)
	if len(pairs) == 0 {
		return 0
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	chunks := 1
	for i := 1; i < len(pairs); i++ {
		if pairs[i][0] != pairs[i-1][0]+1 || pairs[i][1] != pairs[i-1][1]+1 {
			chunks++
		}
	}
	n := float64(len(pairs))
	precision, recall := n/float64(len(p)), n/float64(len(r))
	mean := precision * recall / (.9*precision + (1-.9)*recall)
	scattered := float64(chunks) / n
	return (1 - .5*scattered*scattered*scattered) * mean
}
