package jinja

import (
	"math/big"
)

// Value is a Python value: nil (None), bool, int64, *big.Int, float64, Str,
// *List, *Dict, Undefined, or one of the callables of this package.
type Value = any

// Undefined is the value of a name that does not exist. It prints as nothing,
// is false, and has no elements; any other use is an error with this message.
type Undefined struct{ message string }

func undefinedName(name string) Undefined {
	return Undefined{quote(name) + " is undefined"}
}

// shape tells Python's sequence types apart.
type shape uint8

const (
	listShape shape = iota
	tupleShape
	rangeShape    // range(…)
	keysShape     // dict.keys(), not subscriptable
	valuesShape   // dict.values()
	itemsShape    // dict.items()
	iteratorShape // what a generator gives: can be read once, has no length
)

// List is a sequence of values. Templates cannot change it once it is made.
type List struct {
	items  []Value
	shape  shape
	source Source   // of the brackets and numbers in its text
	fields []string // names of a named tuple's items, nil else
	label  string   // how an iterator or range prints
}

// NewList is a Python list of the caller's.
func NewList(source Source, items ...Value) *List { return &List{items: items, source: source} }

func newList(items []Value) *List { return &List{items: items} }

func newTuple(items ...Value) *List { return &List{items: items, shape: tupleShape} }

func newIterator(name string, items []Value) *List {
	return &List{items: items, shape: iteratorShape, label: name}
}

// subscriptable: list, tuple or range.
func (l *List) subscriptable() bool { return l.shape <= rangeShape }

// take is what iterating over l yields; an iterator is empty afterwards.
func (l *List) take() []Value {
	items := l.items
	if l.shape == iteratorShape {
		l.items = nil
	}
	return items
}

// truth is Python's bool(v).
func truth(v Value) bool {
	switch x := v.(type) {
	case nil, Undefined:
		return false
	case bool:
		return x
	case int64:
		return x != 0
	case *big.Int:
		return x.Sign() != 0
	case float64:
		return x != 0
	case Str:
		return x.s != ""
	case *List:
		return x.shape == iteratorShape || len(x.items) > 0
	case *Dict:
		return len(x.entries) > 0
	}
	return true
}

// typeName is Python's type(v).__name__.
func typeName(v Value) string {
	switch x := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case Undefined:
		return "Undefined"
	case Str:
		if x.safe {
			return "Markup"
		}
		return "str"
	case *List:
		return [...]string{"list", "tuple", "range", "dict_keys", "dict_values", "dict_items", "generator"}[x.shape]
	case *Dict:
		return "dict"
	case *namespace:
		return "Namespace"
	case *macro:
		return "Macro"
	case *loopState:
		return "LoopContext"
	case *cycler:
		return "Cycler"
	case *joiner:
		return "Joiner"
	}
	return "function"
}

// asInt is v as a machine integer; bools count.
func asInt(v Value) (int64, bool) {
	switch x := v.(type) {
	case int64:
		return x, true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// asFloat is v as a float, if it is a number at all.
func asFloat(v Value) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(x).Float64()
		return f, true
	}
	i, ok := asInt(v)
	return float64(i), ok
}

// Len is the number of items.
func (l *List) Len() int { return len(l.items) }

// At is item i.
func (l *List) At(i int) Value { return l.items[i] }
