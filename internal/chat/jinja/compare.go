package jinja

import (
	"math/big"
	"strings"
)

// maxCompared bounds how many values one comparison looks at.
const maxCompared = 1_000_000

// equal is Python's a == b.
func equal(a, b Value) bool {
	compared := 0
	return equalAt(a, b, 0, &compared)
}

func equalAt(a, b Value, depth int, compared *int) bool {
	if depth > maxDepth {
		fail("maximum recursion depth exceeded in comparison")
	}
	if *compared++; *compared > maxCompared {
		exceeded("a comparison looks at more than %d values", maxCompared)
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x.cmp(y) == 0
	}
	switch x := a.(type) {
	case nil:
		return b == nil
	case Undefined:
		_, ok := b.(Undefined)
		return ok
	case Str:
		y, ok := b.(Str)
		return ok && x.s == y.s
	case *List:
		y, ok := b.(*List)
		if !ok || x.shape != y.shape {
			return false
		}
		if x == y {
			return true
		}
		if !x.subscriptable() || len(x.items) != len(y.items) {
			return false
		}
		for i := range x.items {
			if !equalAt(x.items[i], y.items[i], depth+1, compared) {
				return false
			}
		}
		return true
	case *Dict:
		y, ok := b.(*Dict)
		if !ok || len(x.entries) != len(y.entries) {
			return false
		}
		for h, i := range x.index {
			j, ok := y.index[h]
			if !ok || !equalAt(x.entries[i].value, y.entries[j].value, depth+1, compared) {
				return false
			}
		}
		return true
	}
	return a == b
}

// num is a number for comparison: exact between ints, float otherwise.
type num struct {
	i *big.Int // nil: a float
	n int64
	f float64
	// small: n holds it
	small bool
}

func number(v Value) (num, bool) {
	if n, ok := asInt(v); ok {
		return num{n: n, f: float64(n), small: true}, true
	}
	switch x := v.(type) {
	case *big.Int:
		f, _ := asFloat(x)
		return num{i: x, f: f}, true
	case float64:
		return num{f: x}, true
	}
	return num{}, false
}

// cmp is -1, 0 or 1; 2 when one side is not a number (NaN).
func (a num) cmp(b num) int {
	switch {
	case a.small && b.small:
		return compareInt(a.n, b.n)
	case a.i != nil && b.i != nil:
		return a.i.Cmp(b.i)
	case a.f < b.f:
		return -1
	case a.f > b.f:
		return 1
	case a.f == b.f:
		return 0
	}
	return 2
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// order is Python's <, as -1, 0, 1; 2 for NaN. op is for the message.
func order(a, b Value, op string) int {
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return x.cmp(y)
		}
	}
	switch x := a.(type) {
	case Undefined:
		fail("%s", x.message)
	case Str:
		if y, ok := b.(Str); ok {
			return strings.Compare(x.s, y.s)
		}
	case *List:
		y, ok := b.(*List)
		if ok && x.shape == y.shape && x.shape <= tupleShape {
			for i := range min(len(x.items), len(y.items)) {
				if !equal(x.items[i], y.items[i]) {
					return order(x.items[i], y.items[i], op)
				}
			}
			return compareInt(int64(len(x.items)), int64(len(y.items)))
		}
	}
	if u, ok := b.(Undefined); ok {
		fail("%s", u.message)
	}
	fail("'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
	return 0
}

// less is for sorting.
func less(a, b Value) bool { return order(a, b, "<") == -1 }

// contains is Python's item in container.
func contains(container, item Value) bool {
	switch x := container.(type) {
	case Undefined:
		return false
	case Str:
		y, ok := item.(Str)
		if !ok {
			fail("'in <string>' requires string as left operand, not %s", typeName(item))
		}
		return strings.Contains(x.s, y.s)
	case *Dict:
		_, ok := x.get(item)
		return ok
	case *List:
		for _, e := range x.take() {
			if equal(e, item) {
				return true
			}
		}
		return false
	}
	fail("argument of type '%s' is not iterable", typeName(container))
	return false
}
