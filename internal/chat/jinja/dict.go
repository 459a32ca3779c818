package jinja

import (
	"math"
	"math/big"
)

// Dict is a mapping that remembers the order of its keys.
type Dict struct {
	entries []entry
	index   map[any]int // from hash(key)
	source  Source      // of the braces and numbers in its text
}

type entry struct{ key, value Value }

// NewDict is an empty mapping of the caller's.
func NewDict(source Source) *Dict { return &Dict{index: map[any]int{}, source: source} }

// Set adds or replaces a value under a name that the caller's program chose
// (not its user).
func (d *Dict) Set(name string, v Value) { d.set(plain(name), v) }

func (d *Dict) set(key, v Value) {
	h := hash(key)
	if i, ok := d.index[h]; ok {
		d.entries[i].value = v
		return
	}
	d.index[h] = len(d.entries)
	d.entries = append(d.entries, entry{key, v})
}

func (d *Dict) get(key Value) (Value, bool) {
	if i, ok := d.index[hash(key)]; ok {
		return d.entries[i].value, true
	}
	return nil, false
}

func (d *Dict) name(s string) (Value, bool) {
	if i, ok := d.index[s]; ok {
		return d.entries[i].value, true
	}
	return nil, false
}

func (d *Dict) keys() []Value {
	out := make([]Value, len(d.entries))
	for i, e := range d.entries {
		out[i] = e.key
	}
	return out
}

func (d *Dict) values() []Value {
	out := make([]Value, len(d.entries))
	for i, e := range d.entries {
		out[i] = e.value
	}
	return out
}

func (d *Dict) items() []Value {
	out := make([]Value, len(d.entries))
	for i, e := range d.entries {
		out[i] = newTuple(e.key, e.value)
	}
	return out
}

func (d *Dict) copy() *Dict {
	c := NewDict(d.source)
	for _, e := range d.entries {
		c.set(e.key, e.value)
	}
	return c
}

type (
	noneHash  struct{}
	undefHash struct{}
	tupleHash string
	bigHash   string
)

// hash maps keys that are equal in Python (1, 1.0 and True) to one Go value.
func hash(key Value) any {
	switch x := key.(type) {
	case nil:
		return noneHash{}
	case Undefined:
		return undefHash{}
	case bool:
		i, _ := asInt(x)
		return i
	case int64:
		return x
	case *big.Int:
		return bigHash(x.String())
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<62 {
			return int64(x)
		}
		return x
	case Str:
		return x.s
	case *List:
		if x.shape == tupleShape {
			for _, item := range x.items {
				hash(item) // refuses what is inside
			}
			return tupleHash(repr(x).s)
		}
		if x.shape == listShape {
			fail("unhashable type: 'list'")
		}
	case *Dict:
		fail("unhashable type: 'dict'")
	}
	return key
}

// Get is the value under a name, nil if there is none.
func (d *Dict) Get(name string) Value {
	v, _ := d.name(name)
	return v
}
