package lint

import (
	"cmp"
	"maps"
	"slices"

	"graft/training/dataset"
)

// sorted are the keys of a map.
func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// calls tells whether a row ends with tool calls: those have a form of their own.
func calls(r *dataset.Row) bool {
	n := len(r.Messages)
	return r.Kind == dataset.Chat && n > 0 && len(r.Messages[n-1].ToolCalls) > 0
}
