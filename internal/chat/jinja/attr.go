package jinja

import (
	"math/big"
	"strings"
	"unicode/utf8"
)

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func names(list string) map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(list) {
		out[name] = true
	}
	return out
}

var (
	dictMethods = names("items keys values get copy fromkeys")
	listMethods = names("index count")
	// unsafeMethods would change a value; the sandbox makes them undefined.
	unsafeMethods = map[string]map[string]bool{
		"dict": names("clear pop popitem setdefault update"),
		"list": names("append clear pop reverse insert sort extend remove copy"),
	}
)

// methodOf is the attribute that Python finds before it looks at items.
func methodOf(v Value, name string) (Value, bool) {
	kind := typeName(v)
	if unsafeMethods[kind][name] {
		return Undefined{"access to attribute " + quote(name) + " of '" + kind + "' object is unsafe."}, true
	}
	switch x := v.(type) {
	case Str:
		if strMethods[name] {
			return &method{x, name}, true
		}
	case *Dict:
		if dictMethods[name] {
			return &method{x, name}, true
		}
	case *List:
		if i := indexOf(x.fields, name); i >= 0 {
			return x.items[i], true
		}
		if x.subscriptable() && listMethods[name] {
			return &method{x, name}, true
		}
	case *loopState:
		return x.attribute(name)
	case *cycler:
		switch name {
		case "next", "reset":
			return &method{x, name}, true
		case "current":
			return x.items[x.at], true
		}
	case *namespace:
		return x.name(name)
	case *macro:
		if name == "name" {
			return plain(x.node.name), true
		}
	case *function:
		if x.name == "dict" && name == "fromkeys" {
			return &method{x, name}, true
		}
	}
	return nil, false
}

// getAttribute is v.name: an attribute, else an item.
func getAttribute(v Value, name string) Value {
	if u, ok := v.(Undefined); ok {
		fail("%s", u.message)
	}
	if m, ok := methodOf(v, name); ok {
		return m
	}
	if d, ok := v.(*Dict); ok {
		if held, ok := d.name(name); ok {
			return held
		}
	}
	return Undefined{"'" + typeName(v) + " object' has no attribute " + quote(name)}
}

// getItem is v[key]: an item, else an attribute.
func getItem(v, key Value) Value {
	if u, ok := v.(Undefined); ok {
		fail("%s", u.message)
	}
	switch x := v.(type) {
	case *Dict:
		if hashable(key) {
			if held, ok := x.get(key); ok {
				return held
			}
		}
	case *List:
		if i, ok := asInt(key); ok && x.subscriptable() {
			if i < 0 {
				i += int64(len(x.items))
			}
			if i >= 0 && i < int64(len(x.items)) {
				return x.items[i]
			}
		}
	case Str:
		if i, ok := asInt(key); ok {
			if at, ok := runeAt(x.s, i); ok {
				return x.cut(at, at+runeLen(x.s[at:]))
			}
		}
	}
	if name, ok := key.(Str); ok {
		if m, ok := methodOf(v, name.s); ok {
			return m
		}
		return Undefined{"'" + typeName(v) + " object' has no attribute " + quote(name.s)}
	}
	return Undefined{typeName(v) + " object has no element " + repr(key).s}
}

// hashable says whether key may be looked up: what Python refuses there,
// a template only finds undefined.
func hashable(key Value) bool {
	switch x := key.(type) {
	case *Dict:
		return false
	case *List:
		if x.shape == tupleShape {
			for _, item := range x.items {
				if !hashable(item) {
					return false
				}
			}
		}
		return x.shape != listShape
	}
	return true
}

// runeAt is the byte position of character i; negative counts from the end.
func runeAt(s string, i int64) (int, bool) {
	if i < 0 {
		i += int64(utf8.RuneCountInString(s))
	}
	if i < 0 || i >= int64(len(s)) {
		return 0, false
	}
	for at := range s {
		if i == 0 {
			return at, true
		}
		i--
	}
	return 0, false
}

// slice is v[low:high:step].
func (st *state) slice(v Value, bounds [3]Value) Value {
	switch x := v.(type) {
	case Str:
		offsets := make([]int, 0, len(x.s)+1)
		for i := range x.s {
			offsets = append(offsets, i)
		}
		offsets = append(offsets, len(x.s))
		st.charge(len(x.s))
		return sliceStr(x, offsets, bounds)
	case *List:
		if !x.subscriptable() {
			break
		}
		low, high, step := sliceBounds(bounds, int64(len(x.items)))
		out := &List{shape: x.shape, source: x.source}
		if x.shape == rangeShape {
			out.shape = listShape
		}
		for i := low; step > 0 && i < high || step < 0 && i > high; i += step {
			out.items = append(out.items, x.items[i])
		}
		st.charge(16 * len(out.items))
		return out
	case Undefined:
		fail("%s", x.message)
	}
	return Undefined{typeName(v) + " object has no slices"}
}

func sliceStr(x Str, offsets []int, bounds [3]Value) Value {
	low, high, step := sliceBounds(bounds, int64(len(offsets)-1))
	if step == 1 {
		if low >= high {
			return Str{safe: x.safe}
		}
		return x.cut(offsets[low], offsets[high])
	}
	var b builder
	for i := low; step > 0 && i < high || step < 0 && i > high; i += step {
		b.str(x.cut(offsets[i], offsets[i+1]))
	}
	out := b.done()
	out.safe = x.safe
	return out
}

// sliceBounds gives the first index, the one to stop before, and the step, all
// within a sequence of n.
func sliceBounds(bounds [3]Value, n int64) (low, high, step int64) {
	step = 1
	if bounds[2] != nil {
		step = sliceIndex(bounds[2])
	}
	if step == 0 {
		fail("slice step cannot be zero")
	}
	low, high = 0, n
	least, most := int64(0), n
	if step < 0 {
		low, high = n-1, -1
		least, most = -1, n-1
	}
	clamp := func(v Value, rest int64) int64 {
		if v == nil {
			return rest
		}
		i := sliceIndex(v)
		if i < 0 {
			i += n
		}
		return max(least, min(i, most))
	}
	return clamp(bounds[0], low), clamp(bounds[1], high), max(-n-1, min(step, n+1))
}

func sliceIndex(v Value) int64 {
	if i, ok := asInt(v); ok {
		return max(-1<<40, min(i, 1<<40))
	}
	if z, ok := v.(*big.Int); ok {
		return int64(z.Sign()) << 40
	}
	if u, ok := v.(Undefined); ok {
		fail("%s", u.message)
	}
	fail("slice indices must be integers or None, not %s", typeName(v))
	return 0
}

func (st *state) dictMethod(d *Dict, name string, a args) Value {
	switch name {
	case "get":
		a.positional("get()")
		b := a.bind("get()", 1, "key", "default")
		if v, ok := d.get(b[0]); ok {
			return v
		}
		return or(b[1], nil)
	case "fromkeys":
		return st.fromKeys(a)
	}
	a.bind(name+"()", 0)
	st.charge(48 * len(d.entries))
	switch name {
	case "items":
		return &List{items: d.items(), shape: itemsShape, source: d.source}
	case "keys":
		return &List{items: d.keys(), shape: keysShape, source: d.source}
	case "values":
		return &List{items: d.values(), shape: valuesShape, source: d.source}
	}
	return d.copy()
}

func listMethod(l *List, name string, a args) Value {
	a.positional(name + "()")
	want := a.bind(name+"()", 1, "value")[0]
	n := int64(0)
	for i, v := range l.items {
		if equal(v, want) {
			if name == "index" {
				return int64(i)
			}
			n++
		}
	}
	if name == "index" {
		fail("%s is not in list", repr(want).s)
	}
	return n
}
