package jinja

// mapFilter applies a filter, or looks up an attribute, for each item.
func mapFilter(st *state, v Value, a args) Value {
	if !truth(v) {
		return newIterator("sync_do_map", nil)
	}
	apply := mapper1(st, a)
	var out []Value
	for _, x := range st.iterate(v) {
		st.step(1)
		out = append(out, apply(x))
	}
	st.charge(16 * len(out))
	return newIterator("sync_do_map", out)
}

func mapper1(st *state, a args) func(Value) Value {
	if len(a.pos) > 0 {
		name := toStr(a.pos[0], "the filter's name").s
		rest := args{pos: a.pos[1:], names: a.names, named: a.named}
		return func(x Value) Value { return st.filter(name, x, rest) }
	}
	b := a.bind("map", 1, "attribute", "default")
	return func(x Value) Value {
		out := getPath(x, b[0])
		if _, undefined := out.(Undefined); undefined && !isNone(b[1]) {
			return b[1]
		}
		return out
	}
}

// selector is select, reject, selectattr and rejectattr.
func selector(keep, byAttribute bool) filterFunc {
	return func(st *state, v Value, a args) Value {
		if !truth(v) {
			return newIterator("select_or_reject", nil)
		}
		path := Value(nil)
		if byAttribute {
			if len(a.pos) == 0 {
				fail("Missing parameter for attribute name")
			}
			path, a.pos = a.pos[0], a.pos[1:]
		}
		var out []Value
		for _, x := range st.iterate(v) {
			st.step(1)
			y := x
			if byAttribute {
				y = getPath(x, path)
			}
			ok := false
			if len(a.pos) > 0 {
				name := toStr(a.pos[0], "the test's name").s
				ok = truth(st.test(name, y, args{pos: a.pos[1:], names: a.names, named: a.named}))
			} else {
				ok = truth(y)
			}
			if ok == keep {
				out = append(out, x)
			}
		}
		st.charge(16 * len(out))
		return newIterator("select_or_reject", out)
	}
}
