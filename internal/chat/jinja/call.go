package jinja

// args are evaluated arguments, named ones in the order given.
type args struct {
	pos   []Value
	names []string
	named []Value
}

func (st *state) arguments(a arguments) args {
	var out args
	for _, e := range a.pos {
		out.pos = append(out.pos, st.eval(e))
	}
	for i, e := range a.named {
		out.names = append(out.names, a.names[i])
		out.named = append(out.named, st.eval(e))
	}
	if a.star != nil {
		more := st.iterate(st.eval(a.star))
		st.charge(16 * len(more))
		out.pos = append(out.pos, more...)
	}
	if a.double != nil {
		v := st.eval(a.double)
		d, ok := v.(*Dict)
		if !ok {
			fail("argument after ** must be a mapping, not %s", typeName(v))
		}
		for _, e := range d.entries {
			name, ok := e.key.(Str)
			if !ok {
				fail("keywords must be strings")
			}
			out.names = append(out.names, name.s)
			out.named = append(out.named, e.value)
		}
	}
	return out
}

// missing stands for an argument that was not given.
type missing struct{}

// bind puts the arguments of fn in the order of params, missing{} where there
// is none. The first required of them must be given.
func (a args) bind(fn string, required int, params ...string) []Value {
	if len(a.pos) > len(params) {
		fail("%s takes at most %d arguments (%d given)", fn, len(params), len(a.pos))
	}
	out := make([]Value, len(params))
	for i := range out {
		out[i] = missing{}
	}
	copy(out, a.pos)
	for i, name := range a.names {
		at := indexOf(params, name)
		if at < 0 {
			fail("%s got an unexpected keyword argument %s", fn, quote(name))
		}
		if _, free := out[at].(missing); !free {
			fail("%s got multiple values for argument %s", fn, quote(name))
		}
		out[at] = a.named[i]
	}
	for i := range required {
		if _, absent := out[i].(missing); absent {
			fail("%s is missing its argument %s", fn, quote(params[i]))
		}
	}
	return out
}

// positional refuses named arguments.
func (a args) positional(fn string) {
	if len(a.names) > 0 {
		fail("%s takes no keyword arguments", fn)
	}
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

// or is v, or other if v was not given.
func or(v, other Value) Value {
	if _, absent := v.(missing); absent {
		return other
	}
	return v
}

// toInt is v as an argument that must be an integer.
func toInt(v Value, other int64) int64 {
	v = or(v, other)
	n, ok := asInt(v)
	if !ok {
		fail("'%s' object cannot be interpreted as an integer", typeName(v))
	}
	return n
}

// toStr is v as an argument that must be a string.
func toStr(v Value, what string) Str {
	s, ok := v.(Str)
	if !ok {
		if u, ok := v.(Undefined); ok {
			fail("%s", u.message)
		}
		fail("%s must be str, not %s", what, typeName(v))
	}
	return s
}

func isNone(v Value) bool {
	switch v.(type) {
	case nil, missing:
		return true
	}
	return false
}

// function is a global function.
type function struct {
	name string
	call func(st *state, a args) Value
}

// method is a method together with its object.
type method struct {
	of   Value
	name string
}

func (st *state) call(fn Value, a args) Value {
	switch f := fn.(type) {
	case *function:
		return f.call(st, a)
	case *macro:
		return f.call(st, a)
	case *method:
		return st.method(f, a)
	case *loopState:
		if f.again == nil {
			fail("the loop must have the 'recursive' marker to be called recursively")
		}
		return f.again(a.bind("loop", 1, "iterable")[0])
	case *joiner:
		return f.next()
	case Undefined:
		fail("%s", f.message)
	}
	fail("'%s' object is not callable", typeName(fn))
	return nil
}

func (st *state) method(m *method, a args) Value {
	st.step(weight(m.of) / 64)
	switch of := m.of.(type) {
	case Str:
		return st.strMethod(of, m.name, a)
	case *Dict:
		return st.dictMethod(of, m.name, a)
	case *List:
		return listMethod(of, m.name, a)
	case *loopState:
		return of.call(m.name, a)
	case *cycler:
		return of.call(m.name)
	case *function: // dict.fromkeys
		return st.fromKeys(a)
	}
	fail("'%s' object has no method %s", typeName(m.of), m.name)
	return nil
}

// macro is a macro with the scope that it was defined in.
type macro struct {
	node  *macroStmt
	scope *scope
}

// call follows jinja2.runtime.Macro: positional arguments, then named ones and
// defaults; what is left goes to caller, kwargs and varargs if the body
// mentions them, and is refused otherwise.
func (m *macro) call(st *state, a args) Str {
	var out Str
	st.inside(m.scope, func() {
		m.bind(st, a)
		out = st.capture(func() { st.run(m.node.body) })
	})
	return out
}

func (m *macro) bind(st *state, a args) {
	n := m.node
	used := make([]bool, len(a.names))
	for i, p := range n.params {
		if i < len(a.pos) {
			st.scope.set(p, a.pos[i])
			continue
		}
		if at := indexOf(a.names, p); at >= 0 {
			used[at] = true
			st.scope.set(p, a.named[at])
		} else if d := i - len(n.params) + len(n.defaults); d >= 0 {
			st.scope.set(p, st.eval(n.defaults[d]))
		} else {
			st.scope.set(p, Undefined{"parameter " + quote(p) + " was not provided"})
		}
	}
	if n.usesCaller && indexOf(n.params, "caller") < 0 {
		var caller Value = Undefined{"no caller defined"}
		if at := indexOf(a.names, "caller"); at >= 0 {
			used[at], caller = true, a.named[at]
		}
		st.scope.set("caller", caller)
	}
	rest := NewDict(Template)
	for i, name := range a.names {
		if used[i] {
			continue
		}
		if !n.usesKwargs {
			fail("macro %s takes no keyword argument %s", quote(n.name), quote(name))
		}
		rest.set(plain(name), a.named[i])
	}
	if n.usesKwargs {
		st.scope.set("kwargs", rest)
	}
	if extra := len(a.pos) - len(n.params); extra > 0 && !n.usesVarargs {
		fail("macro %s takes not more than %d argument(s)", quote(n.name), len(n.params))
	}
	if n.usesVarargs {
		st.scope.set("varargs", newTuple(a.pos[min(len(n.params), len(a.pos)):]...))
	}
}
