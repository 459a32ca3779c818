package jinja

import "math/big"

type testFunc func(v Value) bool

// testTable holds the tests without arguments.
var testTable map[string]testFunc

func init() {
	testTable = map[string]testFunc{
		"defined":   func(v Value) bool { return !isUndefined(v) },
		"undefined": isUndefined,
		"none":      func(v Value) bool { return v == nil },
		"boolean":   func(v Value) bool { _, ok := v.(bool); return ok },
		"true":      func(v Value) bool { b, _ := v.(bool); return b },
		"false":     func(v Value) bool { b, ok := v.(bool); return ok && !b },
		"integer":   isInteger,
		"float":     func(v Value) bool { _, ok := v.(float64); return ok },
		"number":    func(v Value) bool { _, ok := number(v); return ok },
		"string":    isStr,
		"mapping":   func(v Value) bool { _, ok := v.(*Dict); return ok },
		"iterable":  isIterable,
		"sequence":  isSequence,
		"callable":  isCallable,
		"escaped":   func(v Value) bool { s, ok := v.(Str); return ok && s.safe },
		"odd":       func(v Value) bool { return equal(remainder(v, 2), int64(1)) },
		"even":      func(v Value) bool { return equal(remainder(v, 2), int64(0)) },
		"lower":     func(v Value) bool { return classes["islower"](str(v).s) },
		"upper":     func(v Value) bool { return classes["isupper"](str(v).s) },
		"filter":    isFilter,
		"test":      isTest,
	}
}

// comparisonTests are the tests with one argument that compare.
var comparisonTests = map[string]string{
	"==": "==", "eq": "==", "equalto": "==", "!=": "!=", "ne": "!=",
	">": ">", "gt": ">", "greaterthan": ">", ">=": ">=", "ge": ">=",
	"<": "<", "lt": "<", "lessthan": "<", "<=": "<=", "le": "<=", "in": "in",
}

func (st *state) test(name string, v Value, a args) Value {
	if f, ok := testTable[name]; ok {
		a.bind("test "+name, 0)
		return f(v)
	}
	if op, ok := comparisonTests[name]; ok {
		return st.compare(op, v, a.bind("test "+name, 1, "other")[0])
	}
	switch name {
	case "divisibleby":
		return equal(remainder(v, a.bind("test divisibleby", 1, "num")[0]), int64(0))
	case "sameas":
		return same(v, a.bind("test sameas", 1, "other")[0])
	}
	fail("no test named %s", quote(name))
	return nil
}

func isFilter(v Value) bool {
	name, _ := hash(v).(string)
	return filterTable[name] != nil
}

func isTest(v Value) bool {
	name, _ := hash(v).(string)
	return testTable[name] != nil || comparisonTests[name] != "" || name == "divisibleby" || name == "sameas"
}

func isUndefined(v Value) bool { _, ok := v.(Undefined); return ok }

func isInteger(v Value) bool {
	switch v.(type) {
	case int64, *big.Int:
		return true
	}
	return false
}

func isIterable(v Value) bool {
	switch v.(type) {
	case Str, *List, *Dict, Undefined, *loopState:
		return true
	}
	return false
}

func isSequence(v Value) bool {
	switch x := v.(type) {
	case Str, *Dict, Undefined:
		return true
	case *List:
		return x.subscriptable()
	}
	return false
}

func isCallable(v Value) bool {
	switch v.(type) {
	case *function, *method, *macro, *loopState, *joiner, Undefined:
		return true
	}
	return false
}

func remainder(v, by Value) Value {
	if n, ok := by.(int); ok {
		by = int64(n)
	}
	if u, ok := v.(Undefined); ok {
		fail("%s", u.message)
	}
	out, ok := arithmetic("%", v, by)
	if !ok {
		fail("unsupported operand type(s) for %%: '%s' and '%s'", typeName(v), typeName(by))
	}
	return out
}

// same is Python's "is": equal for what has no identity.
func same(a, b Value) bool {
	switch x := a.(type) {
	case *List, *Dict:
		return a == b
	case Str:
		y, ok := b.(Str)
		return ok && x.s == y.s
	}
	return typeName(a) == typeName(b) && equal(a, b)
}
