package dataset

import (
	"context"
	"slices"
	"strings"
	"unicode"
)

// Near-duplicates are found by MinHash (Broder, "On the resemblance and containment of
// documents", 1997): the share of equal minima of many hash functions estimates the
// share of common shingles. Rows meet in buckets of a few minima each.
const (
	hashes = 128
	bands  = 32
	rows   = hashes / bands
	// common is the share of texts from which on a shingle is boilerplate, as the
	// instruction before each text, and counts for nothing.
	common = 0.2
	// few is the number of texts below which nothing is taken for boilerplate.
	few = 20
)

// NearSame is the resemblance from which on texts are taken for near-duplicates.
const NearSame = 0.8

// Normalised is a text without case, punctuation and white space: equal ones say the
// same.
func Normalised(s string) string { return strings.Join(Words(s), " ") }

// Words are the words and numbers of a text, in lower case.
func Words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
}

// shingles are hashes of the parts that texts are compared by: three words, or four
// letters of short texts.
func shingles(s string) []uint64 {
	words := Words(s)
	var out []uint64
	if len(words) >= 8 {
		for i := range len(words) - 2 {
			out = append(out, digest(words[i]+" "+words[i+1]+" "+words[i+2]))
		}
	} else if letters := []rune(strings.Join(words, " ")); len(letters) >= 4 {
		for i := range len(letters) - 3 {
			out = append(out, digest(string(letters[i:i+4])))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// digest is FNV-1a and a finish that spreads it: the same in every run.
func digest(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return spread(h)
}

// spread is the finish of SplitMix64.
func spread(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Groups numbers texts so that near-duplicates have the same number: that of the
// first of them.
func Groups(texts []string) []int {
	group, err := GroupsContext(context.Background(), texts)
	if err != nil {
		panic(err) // ctx never ends
	}
	return group
}

// GroupsContext is Groups that ends with ctx: a hundred megabytes of text take minutes.
func GroupsContext(ctx context.Context, texts []string) ([]int, error) {
	sets := make([][]uint64, len(texts))
	counts := map[uint64]int{}
	for i, s := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sets[i] = shingles(s)
		for _, h := range sets[i] {
			counts[h]++
		}
	}
	group := make([]int, len(texts))
	for i := range group {
		group[i] = i
	}
	signatures := make([]*[hashes]uint32, len(texts))
	buckets := map[[2]uint64]int{}
	same := map[string]int{}
	for i, s := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if first, ok := same[Normalised(s)]; ok {
			join(group, first, i)
			continue
		}
		same[Normalised(s)] = i
		if signatures[i] = signature(sets[i], counts, len(texts)); signatures[i] == nil {
			continue
		}
		for b := range bands {
			key := [2]uint64{uint64(b), 0}
			for _, v := range signatures[i][b*rows : b*rows+rows] {
				key[1] = spread(key[1] ^ uint64(v))
			}
			if first, ok := buckets[key]; !ok {
				buckets[key] = i
			} else if resemblance(signatures[first], signatures[i]) >= NearSame {
				join(group, first, i)
			}
		}
	}
	for i := range group {
		group[i] = root(group, i)
	}
	return group, nil
}

// signature is nil for a text of which nothing is its own.
func signature(set []uint64, counts map[uint64]int, texts int) *[hashes]uint32 {
	var out [hashes]uint32
	for k := range out {
		out[k] = ^uint32(0)
	}
	kept := 0
	for _, h := range set {
		if texts >= few && float64(counts[h]) > common*float64(texts) {
			continue
		}
		kept++
		for k := range out {
			out[k] = min(out[k], uint32(spread(h+uint64(k)*0x9e3779b97f4a7c15)>>32))
		}
	}
	if kept == 0 {
		return nil
	}
	return &out
}

func resemblance(a, b *[hashes]uint32) float64 {
	same := 0
	for k := range a {
		if a[k] == b[k] {
			same++
		}
	}
	return float64(same) / hashes
}

// root is the first of a group.
func root(group []int, i int) int {
	for group[i] != i {
		group[i] = group[group[i]]
		i = group[i]
	}
	return i
}

func join(group []int, a, b int) {
	a, b = root(group, a), root(group, b)
	group[max(a, b)] = min(a, b)
}
