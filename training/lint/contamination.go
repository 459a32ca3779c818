package lint

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"

	"graft/training/dataset"
)

// gram is the number of words that two texts have in common by more than chance
// (Brown et al., "Language models are few-shot learners", 2020, appendix C).
const gram = 13

// tolerated is the share of rows of another file that may be in both by chance.
const tolerated = 0.01

// contamination looks for rows of other files among those trained on.
func contamination(ctx context.Context, in *Input) ([]Finding, error) {
	if len(in.Others) == 0 {
		return nil, nil
	}
	whole, prompts, grams := map[string]int{}, map[string]int{}, map[uint64]int{}
	usual := map[uint64]int{}
	for i := range in.Set.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := &in.Set.Rows[i]
		prompt := said(r.Asked())
		remember(whole, prompt+"\x00"+said(answers(r)), r.Line)
		remember(prompts, prompt, r.Line)
		seen := map[uint64]bool{}
		eachGram(r, func(g uint64, _ []string) {
			if !seen[g] {
				seen[g] = true
				usual[g]++
				remember(grams, g, r.Line)
			}
		})
	}
	boilerplate := max(3, len(in.Set.Rows)/20)
	var out []Finding
	for _, other := range in.Others {
		var copied, asked, shared []int
		texts := [3]string{}
		for i := range other.Rows {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r := &other.Rows[i]
			prompt := said(r.Asked())
			note := func(list *[]int, k, line int, what string) {
				if *list = append(*list, r.Line); texts[k] == "" {
					texts[k] = fmt.Sprintf("line %d of %s, line %d of the training file: %s", r.Line, other.Name, line, excerpt(what, 0))
				}
			}
			if line, ok := whole[prompt+"\x00"+said(answers(r))]; ok {
				note(&copied, 0, line, r.Asked())
			} else if line, ok := prompts[prompt]; ok && prompt != "" {
				note(&asked, 1, line, r.Asked())
			} else {
				line, found := 0, ""
				eachGram(r, func(g uint64, words []string) {
					if n := usual[g]; found == "" && n > 0 && n < boilerplate {
						line, found = grams[g], strings.Join(words, " ")
					}
				})
				if found != "" {
					note(&shared, 2, line, found)
				}
			}
		}
		for k, c := range []struct {
			list []int
			say  string
		}{{copied, "a copy in the training file"}, {asked, "a prompt that is in the training file too"}, {shared, fmt.Sprintf("%d words in a row that are in the training file too", gram)}} {
			if len(c.list) == 0 {
				continue
			}
			f := lines("contamination", c.list)
			f.File, f.Message, f.Evidence = other.Name, fmt.Sprintf("%s %s", have(f.Count), c.say), texts[k]
			f.Fix = "remove them from one of the files: what was trained on proves nothing"
			if k == 0 && !other.Validation && float64(f.Count) > tolerated*float64(len(other.Rows)) {
				f.Severity = Error
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func remember[K comparable](m map[K]int, key K, line int) {
	if _, ok := m[key]; !ok {
		m[key] = line
	}
}

// seed of hashes, which live no longer than a process.
var seed = maphash.MakeSeed()

// base of the polynomial that a run's hash is, of the hashes of its words: the next run's
// follows from it (Karp, Rabin, "Efficient randomized pattern-matching algorithms", 1987).
const base = 0x9e3779b97f4a7c15

// eachGram hands over the runs of words in a row's texts, but for instructions, and
// their hashes.
func eachGram(r *dataset.Row, f func(hash uint64, words []string)) {
	leading := uint64(1) // base to the power of gram-1
	for range gram - 1 {
		leading *= base
	}
	for _, text := range []string{r.Asked(), answers(r)} {
		words := dataset.Words(text)
		if len(words) < gram {
			continue
		}
		of := make([]uint64, len(words))
		hash := uint64(0)
		for i, w := range words {
			of[i] = maphash.String(seed, w)
			if i >= gram {
				hash -= of[i-gram] * leading
			}
			if hash = hash*base + of[i]; i >= gram-1 {
				f(hash, words[i-gram+1:i+1])
			}
		}
	}
}
