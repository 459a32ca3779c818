package api

import (
	"cmp"
	"slices"
	"sync"

	"graft/adapters"
)

// loraSet is llama.cpp's view of the adapters: each has a number, and a scale
// that holds for requests which do not choose (POST /lora-adapters). All scales
// begin at 0: here adapters are chosen by name, and a server that has some
// answers as the base until it is asked otherwise. llama-server begins at 1.
type loraSet struct {
	mu     sync.Mutex
	names  []string           // by number
	scales map[string]float32 // by name; not listed: 0
}

// numbered is an adapter as llama.cpp's clients know it.
type numbered struct {
	adapters.Entry
	ID    int
	Scale float32
}

// list numbers entries. A name keeps its number while the process runs, also
// when it is deleted and comes back; new ones get the next numbers in the order
// in which they were made, so a server that starts again gives the same. Names
// that nothing answers for yet have none.
func (l *loraSet) list(entries []adapters.Entry) []numbered {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e adapters.Entry) bool { return e.State == staged })
	slices.SortFunc(entries, func(a, b adapters.Entry) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	numbers := map[string]int{}
	for i, name := range l.names {
		numbers[name] = i
	}
	out := make([]numbered, len(entries))
	for i, e := range entries {
		id, ok := numbers[e.Name]
		if !ok {
			id = len(l.names)
			l.names = append(l.names, e.Name)
		}
		out[i] = numbered{Entry: e, ID: id, Scale: l.scales[e.Name]}
	}
	slices.SortFunc(out, func(a, b numbered) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// setScales replaces the scales for all; names that are not in it fall to 0.
// Requests that run keep what they began with.
func (l *loraSet) setScales(scales map[string]float32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scales = map[string]float32{}
	for name, scale := range scales {
		if scale != 0 {
			l.scales[name] = scale
		}
	}
}

// forget turns off an adapter that was deleted: one that comes back under the
// name begins at 0 again.
func (l *loraSet) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.scales, name)
}

// any says whether a scale is not 0.
func (l *loraSet) any() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.scales) > 0
}
