package api

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// maxNear bounds the names that an error proposes.
const maxNear = 3

// near is a sentence that proposes models and adapters whose names are like the
// one asked for, or nothing.
func (s *server) near(ctx context.Context, key KeyInfo, asked string) string {
	return didYouMean(asked, s.names(ctx, key))
}

func didYouMean(asked string, names []string) string {
	names = likeNames(asked, names)
	if len(names) == 0 {
		return ""
	}
	return " Did you mean: " + strings.Join(names, ", ") + "?"
}

// names are all that a key can put into model, the models first.
func (s *server) names(ctx context.Context, key KeyInfo) (names []string) {
	models, err := s.models.Models(ctx)
	if err != nil {
		return nil // the error that is being explained matters more
	}
	for _, m := range models {
		names = append(names, m.ID)
	}
	entries, err := s.visible(ctx, key)
	if err != nil {
		return names
	}
	for _, e := range entries {
		if e.State == staged {
			continue
		}
		names = append(names, e.Name)
	}
	return names
}

// likeNames are those of names that differ from asked in a few letters, or that
// one of the two begins with, the nearest first.
func likeNames(asked string, names []string) (like []string) {
	type candidate struct {
		name string
		away int
	}
	asked = strings.ToLower(clip(asked, 100))
	spelled := []string{asked}
	if i := strings.LastIndexByte(asked, '@'); i > 0 {
		spelled = append(spelled, asked[:i])
	}
	if i := strings.LastIndexByte(asked, ':'); i >= 0 {
		spelled = append(spelled, asked[i+1:])
	}
	var found []candidate
	for _, name := range names {
		lower := strings.ToLower(clip(name, 100))
		best := -1
		for _, a := range spelled {
			d := distance(a, lower)
			near := d <= 1+len(a)/5
			if len(a) >= 3 && (strings.HasPrefix(lower, a) || len(lower) >= 3 && strings.HasPrefix(a, lower)) {
				near = true
			}
			if near && a != "" && (best < 0 || d < best) {
				best = d
			}
		}
		if best >= 0 {
			found = append(found, candidate{name, best})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.away, b.away) })
	for _, c := range found[:min(len(found), maxNear)] {
		like = append(like, c.name)
	}
	return like
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := left
			if a[i] != b[j] {
				d++
			}
			left = row[j+1]
			row[j+1] = min(d, row[j]+1, left+1)
		}
	}
	return row[len(b)]
}
