package main

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"graft/training/dataset"
)

// sections are the classes: the ten sections of programs with the most sources whose
// borders are not those of a programming language. Their first tokens differ, so that
// a choice can be read from one position.
var sections = []string{"admin", "devel", "fonts", "games", "graphics", "net", "science", "sound", "text", "web"}

// minWords is the length from which on a body says something.
const minWords = 15

// distinct keeps one package of each source and one of each group of near-duplicates,
// of the ten sections, in an order drawn by seed. So no two files hold the same source
// or nearly the same text. A package's place does not depend on which others there are.
func distinct(all []Package, words int, seed uint64) ([]Package, error) {
	keys := map[string]string{}
	var out []Package
	for _, p := range all {
		if slices.Contains(sections, p.Section) && p.Synopsis != "" && len(strings.Fields(p.Body)) >= minWords {
			d := sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, p.Name))
			keys[p.Name] = string(d[:])
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Package) int { return cmp.Compare(keys[a.Name], keys[b.Name]) })
	sources := map[string]bool{}
	out = slices.DeleteFunc(out, func(p Package) bool {
		again := sources[p.Source]
		sources[p.Source] = true
		return again
	})
	texts := make([]string, len(out))
	for i, p := range out {
		texts[i] = cut(p.Synopsis+"\n"+p.Body, words)
	}
	kept := out[:0:0]
	for i, g := range dataset.Groups(texts) {
		if g == i {
			kept = append(kept, out[i])
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("no package of the sections %s", strings.Join(sections, ", "))
	}
	return kept, nil
}

// divide takes as many packages of each section for gold, dev and train, in this order:
// more rows to train on leave the gold rows what they were.
func divide(packages []Package, n sizes) (out [3][]Package, err error) {
	of := map[string][]Package{}
	for _, p := range packages {
		of[p.Section] = append(of[p.Section], p)
	}
	parts := []struct{ to, rows int }{{2, n.gold}, {1, n.dev}, {0, n.train}}
	for _, part := range parts {
		share := part.rows / len(sections)
		for _, s := range sections {
			if len(of[s]) < share {
				return out, fmt.Errorf("section %s has too few packages: %d more are wanted, %d are left", s, share, len(of[s]))
			}
		}
		for i := range share { // sections by turns: any beginning of a file is balanced
			for _, s := range sections {
				out[part.to] = append(out[part.to], of[s][i])
			}
		}
		for _, s := range sections {
			of[s] = of[s][share:]
		}
	}
	return out, nil
}

// cut keeps the first words of a text, and its line ends.
func cut(text string, words int) string {
	n, in := 0, false
	for i, r := range text {
		space := r == ' ' || r == '\n' || r == '\t'
		if !space && !in {
			if n++; n > words {
				return strings.TrimSpace(text[:i])
			}
		}
		in = !space
	}
	return text
}
