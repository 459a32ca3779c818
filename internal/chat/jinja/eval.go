package jinja

func (e *constant) eval(*state) Value { return e.value }

func (e *nameRef) eval(st *state) Value {
	if v, ok := st.scope.get(e.name); ok {
		return v
	}
	if v, ok := globals[e.name]; ok {
		return v
	}
	return undefinedName(e.name)
}

func (e *listLiteral) eval(st *state) Value {
	items := make([]Value, len(e.items))
	for i, x := range e.items {
		items[i] = st.eval(x)
	}
	st.charge(16 * len(items))
	if e.tuple {
		return newTuple(items...)
	}
	return newList(items)
}

func (e *dictLiteral) eval(st *state) Value {
	d := NewDict(Template)
	for i := range e.keys {
		k := st.eval(e.keys[i])
		d.set(k, st.eval(e.values[i]))
	}
	st.charge(64 * len(e.keys))
	return d
}

func (e *condition) eval(st *state) Value {
	if truth(st.eval(e.test)) {
		return st.eval(e.then)
	}
	if e.other == nil {
		return Undefined{"the inline if-expression evaluated to false and no else section was defined"}
	}
	return st.eval(e.other)
}

func (e *logic) eval(st *state) Value {
	v := st.eval(e.left)
	if truth(v) == e.and {
		return st.eval(e.right)
	}
	return v
}

func (e *not) eval(st *state) Value { return !truth(st.eval(e.of)) }

func (e *sign) eval(st *state) Value {
	v := st.eval(e.of)
	if e.minus {
		return negate(v)
	}
	if _, ok := asFloat(v); !ok {
		fail("bad operand type for unary +: '%s'", typeName(v))
	}
	if b, ok := v.(bool); ok {
		n, _ := asInt(b)
		return n
	}
	return v
}

func (e *comparison) eval(st *state) Value {
	left := st.eval(e.first)
	for i, op := range e.ops {
		right := st.eval(e.rest[i])
		if !st.compare(op, left, right) {
			return false
		}
		left = right
	}
	return true
}

func (st *state) compare(op string, a, b Value) bool {
	st.step(weight(a)/64 + weight(b)/64)
	switch op {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	case "in":
		return contains(b, a)
	case "not in":
		return !contains(b, a)
	}
	c := order(a, b, op)
	switch op {
	case "<":
		return c == -1
	case "<=":
		return c == -1 || c == 0
	case ">":
		return c == 1
	}
	return c == 1 || c == 0
}

// weight is roughly the work of walking over v once.
func weight(v Value) int {
	switch x := v.(type) {
	case Str:
		return len(x.s)
	case *List:
		return 16 * len(x.items)
	case *Dict:
		return 16 * len(x.entries)
	}
	return 1
}

func (e *binary) eval(st *state) Value {
	a := st.eval(e.left)
	b := st.eval(e.right)
	st.line = e.line
	return st.binary(e.op, a, b)
}

func (e *tilde) eval(st *state) Value {
	parts := make([]Str, len(e.parts))
	for i, x := range e.parts {
		parts[i] = str(st.eval(x))
		st.charge(len(parts[i].s))
	}
	return Join(parts...)
}

func (e *attribute) eval(st *state) Value {
	v := st.eval(e.of)
	st.line = e.line
	return getAttribute(v, e.name)
}

func (e *item) eval(st *state) Value {
	v, key := st.eval(e.of), st.eval(e.key)
	st.line = e.line
	if s, ok := v.(Str); ok {
		st.step(len(s.s) / 256)
	}
	return getItem(v, key)
}

func (e *slicing) eval(st *state) Value {
	v := st.eval(e.of)
	var bounds [3]Value
	for i, x := range []expr{e.low, e.high, e.step} {
		if x != nil {
			bounds[i] = st.eval(x)
		}
	}
	st.line = e.line
	return st.slice(v, bounds)
}

func (e *call) eval(st *state) Value {
	fn := st.eval(e.fn)
	a := st.arguments(e.args)
	st.line = e.line
	return st.call(fn, a)
}

func (e *filter) eval(st *state) Value {
	v := st.eval(e.of)
	a := st.arguments(e.args)
	st.line = e.line
	return st.filter(e.name, v, a)
}

func (e *test) eval(st *state) Value {
	v := st.eval(e.of)
	a := st.arguments(e.args)
	st.line = e.line
	return st.test(e.name, v, a)
}
