package lint

import (
	"cmp"
	"maps"
	"slices"
)

// sorted are the keys of a map.
func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
