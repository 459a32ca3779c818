package jinja

import (
	"slices"
	"strconv"
	"strings"
)

func firstFilter(st *state, v Value, _ args) Value {
	if l, ok := v.(*List); ok && l.shape == iteratorShape && len(l.items) > 0 {
		first := l.items[0]
		l.items = l.items[1:]
		return first
	}
	items := st.iterate(v)
	if len(items) == 0 {
		return Undefined{"No first item, sequence was empty."}
	}
	return items[0]
}

func lastFilter(st *state, v Value, _ args) Value {
	if l, ok := v.(*List); ok && l.shape == iteratorShape {
		fail("'generator' object is not reversible")
	}
	items := st.iterate(v)
	if len(items) == 0 {
		return Undefined{"No last item, sequence was empty."}
	}
	return items[len(items)-1]
}

func joinFilter(st *state, v Value, a args) Value {
	b := a.bind("join", 0, "d", "attribute")
	items := st.iterate(v)
	parts := make([]Str, len(items))
	for i, x := range items {
		if !isNone(b[1]) {
			x = getPath(x, b[1])
		}
		parts[i] = str(x)
	}
	return st.join(str(or(b[0], Str{})), parts)
}

func listFilter(st *state, v Value, _ args) Value {
	items := st.iterate(v)
	st.charge(16 * len(items))
	return newList(slices.Clone(items))
}

func reverseFilter(st *state, v Value, _ args) Value {
	if s, ok := v.(Str); ok {
		out, _ := st.slice(s, [3]Value{nil, nil, int64(-1)}).(Str)
		return out
	}
	items := reversed(st.iterate(v))
	st.charge(16 * len(items))
	if l, ok := v.(*List); ok && l.shape == iteratorShape {
		return newList(items)
	}
	return newIterator("reversed", items)
}

// fold makes strings compare without case.
func fold(v Value, caseSensitive bool) Value {
	if s, ok := v.(Str); ok && !caseSensitive {
		return s.mapText(lower)
	}
	return v
}

// getPath looks up "a.b.0" in v; a number is an index.
func getPath(v, path Value) Value {
	s, ok := path.(Str)
	if !ok {
		return getItem(v, path)
	}
	for part := range strings.SplitSeq(s.s, ".") {
		if i, err := strconv.ParseInt(part, 10, 64); err == nil && part[0] != '-' && part[0] != '+' {
			v = getItem(v, i)
		} else {
			v = getItem(v, plain(part))
		}
	}
	return v
}

// sorted orders items by their keys, keeping the order of equal ones.
func (st *state) sorted(items []Value, key func(Value) Value, reverse bool) []Value {
	type pair struct{ item, key Value }
	pairs := make([]pair, len(items))
	for i, v := range items {
		pairs[i] = pair{v, key(v)}
	}
	st.charge(48 * len(items))
	sign := 1
	if reverse {
		sign = -1
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		st.step(1)
		switch {
		case less(a.key, b.key):
			return -sign
		case less(b.key, a.key):
			return sign
		}
		return 0
	})
	out := make([]Value, len(items))
	for i, p := range pairs {
		out[i] = p.item
	}
	return out
}

func sortFilter(st *state, v Value, a args) Value {
	b := a.bind("sort", 0, "reverse", "case_sensitive", "attribute")
	sensitive := truth(or(b[1], false))
	key := func(v Value) Value { return fold(v, sensitive) }
	if s, ok := b[2].(Str); ok {
		paths := strings.Split(s.s, ",")
		key = func(v Value) Value {
			keys := make([]Value, len(paths))
			for i, p := range paths {
				keys[i] = fold(getPath(v, plain(p)), sensitive)
			}
			return newList(keys)
		}
	} else if !isNone(b[2]) {
		key = func(v Value) Value { return fold(getPath(v, b[2]), sensitive) }
	}
	return newList(st.sorted(st.iterate(v), key, truth(or(b[0], false))))
}

func uniqueFilter(st *state, v Value, a args) Value {
	b := a.bind("unique", 0, "case_sensitive", "attribute")
	seen := map[any]bool{}
	var out []Value
	for _, x := range st.iterate(v) {
		st.step(1)
		key := x
		if !isNone(b[1]) {
			key = getPath(x, b[1])
		}
		if h := hash(fold(key, truth(or(b[0], false)))); !seen[h] {
			seen[h] = true
			out = append(out, x)
		}
	}
	return newIterator("sync_do_unique", out)
}

// extreme is min (-1) and max (1): the first of those that are as good.
func extreme(want int) filterFunc {
	return func(st *state, v Value, a args) Value {
		b := a.bind("min", 0, "case_sensitive", "attribute")
		var best, bestKey Value
		items := st.iterate(v)
		for i, x := range items {
			st.step(1)
			key := x
			if !isNone(b[1]) {
				key = getPath(x, b[1])
			}
			key = fold(key, truth(or(b[0], false)))
			if i == 0 || want < 0 && less(key, bestKey) || want > 0 && less(bestKey, key) {
				best, bestKey = x, key
			}
		}
		if len(items) == 0 {
			return Undefined{"No aggregated item, sequence was empty."}
		}
		return best
	}
}

func batchFilter(st *state, v Value, a args) Value {
	b := a.bind("batch", 1, "linecount", "fill_with")
	n := toInt(b[0], 0)
	var out []Value
	var row []Value
	for _, x := range st.iterate(v) {
		if int64(len(row)) == n {
			out = append(out, newList(row))
			row = nil
		}
		row = append(row, x)
	}
	if row != nil {
		if missing := n - int64(len(row)); !isNone(b[1]) && missing > 0 {
			st.chargeTimes(16, missing)
			for range missing {
				row = append(row, b[1])
			}
		}
		out = append(out, newList(row))
	}
	return newIterator("sync_do_batch", out)
}

func sliceFilter(st *state, v Value, a args) Value {
	b := a.bind("slice", 1, "slices", "fill_with")
	items, n := st.iterate(v), toInt(b[0], 0)
	if n == 0 {
		fail("integer division or modulo by zero")
	}
	st.chargeTimes(64, max(n, 0))
	each, extra := int64(len(items))/max(n, 1), int64(len(items))%max(n, 1)
	var out []Value
	at := int64(0)
	for i := range max(n, 0) {
		size := each
		if i < extra {
			size++
		}
		row := slices.Clone(items[at : at+size])
		at += size
		if !isNone(b[1]) && i >= extra {
			row = append(row, b[1])
		}
		out = append(out, newList(row))
	}
	return newIterator("sync_do_slice", out)
}

func groupFilter(st *state, v Value, a args) Value {
	b := a.bind("groupby", 1, "attribute", "default", "case_sensitive")
	real := func(x Value) Value {
		out := getPath(x, b[0])
		if _, undefined := out.(Undefined); undefined && !isNone(b[1]) {
			return b[1]
		}
		return out
	}
	key := func(x Value) Value { return fold(real(x), truth(or(b[2], false))) }
	var out []Value
	var group *List
	var last Value
	for _, x := range st.sorted(st.iterate(v), key, false) {
		k := key(x)
		if group == nil || !equal(k, last) {
			group, last = newList(nil), k
			g := newTuple(real(x), group)
			g.fields = []string{"grouper", "list"}
			out = append(out, g)
		}
		group.items = append(group.items, x)
	}
	return newList(out)
}

func itemsFilter(st *state, v Value, a args) Value {
	a.bind("items", 0)
	if _, undefined := v.(Undefined); undefined {
		return newIterator("do_items", nil)
	}
	d, ok := v.(*Dict)
	if !ok {
		fail("Can only get item pairs from a mapping.")
	}
	st.charge(48 * len(d.entries))
	return newIterator("do_items", d.items())
}

func dictSort(st *state, v Value, a args) Value {
	b := a.bind("dictsort", 0, "case_sensitive", "by", "reverse")
	d, ok := v.(*Dict)
	if !ok {
		fail("'%s' object has no attribute 'items'", typeName(v))
	}
	at := 0
	switch toStr(or(b[1], plain("key")), "by").s {
	case "key":
	case "value":
		at = 1
	default:
		fail(`You can only sort by either "key" or "value"`)
	}
	key := func(v Value) Value { return fold(v.(*List).items[at], truth(or(b[0], false))) }
	return newList(st.sorted(d.items(), key, truth(or(b[2], false))))
}
