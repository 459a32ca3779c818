package jinja

import "time"

// Limits bound what one rendering may cost. A zero field means the default.
type Limits struct {
	Steps  int // evaluations of a statement or expression
	Bytes  int // of all strings and lists made on the way
	Output int // bytes of the result
	Depth  int // nested evaluations, macro calls included
}

// DefaultLimits are far above what real templates need: a conversation of a
// hundred turns takes some ten thousand steps.
var DefaultLimits = Limits{Steps: 5_000_000, Bytes: 256 << 20, Output: 64 << 20, Depth: 3000}

func (l Limits) orDefault() Limits {
	d := DefaultLimits
	for _, f := range []struct{ have, rest *int }{
		{&l.Steps, &d.Steps}, {&l.Bytes, &d.Bytes}, {&l.Output, &d.Output}, {&l.Depth, &d.Depth},
	} {
		if *f.have <= 0 {
			*f.have = *f.rest
		}
	}
	return l
}

// state is one rendering.
type state struct {
	out    *builder
	scope  *scope
	limits Limits
	now    time.Time
	line   line // of what is being evaluated
	steps  int
	bytes  int
	depth  int
}

func exceeded(format string, args ...any) {
	defer func() {
		e := recover().(*Error)
		e.Kind = Limit
		panic(e)
	}()
	fail(format, args...)
}

// step counts n pieces of work.
func (st *state) step(n int) {
	if st.steps += n; st.steps > st.limits.Steps {
		exceeded("the template takes more than %d steps", st.limits.Steps)
	}
}

// charge counts n bytes, before they are allocated.
func (st *state) charge(n int) {
	if st.bytes += n; n < 0 || st.bytes > st.limits.Bytes {
		exceeded("the template builds more than %d bytes", st.limits.Bytes)
	}
}

func (st *state) chargeTimes(each, n int64) {
	if each > 0 && n > int64(st.limits.Bytes)/each {
		exceeded("the template builds more than %d bytes", st.limits.Bytes)
	}
	st.step(int(n) / 16)
	st.charge(int(each * n))
}

func (st *state) eval(e expr) Value {
	st.step(1)
	if st.depth++; st.depth > st.limits.Depth {
		exceeded("maximum recursion depth exceeded")
	}
	st.line = e.at()
	v := e.eval(st)
	st.depth--
	return v
}

func (st *state) write(s Str) {
	st.out.str(s)
	if len(st.out.buf) > st.limits.Output {
		exceeded("the output is longer than %d bytes", st.limits.Output)
	}
}

// capture runs f and returns what it writes.
func (st *state) capture(f func()) Str {
	outer := st.out
	st.out = &builder{}
	f()
	s := st.out.done()
	st.out = outer
	st.charge(len(s.s))
	return s
}

// iterate is Python's list(v), for a loop.
func (st *state) iterate(v Value) []Value {
	switch x := v.(type) {
	case Undefined:
		return nil
	case *List:
		items := x.take()
		st.step(len(items) / 16)
		return items
	case *Dict:
		return x.keys()
	case Str:
		st.chargeTimes(64, int64(len(x.s)))
		x.safe = false
		out := make([]Value, 0, len(x.s))
		for i := range x.s {
			out = append(out, x.cut(i, i+runeLen(x.s[i:])))
		}
		return out
	case *loopState:
		rest := x.items[x.at+1:]
		return rest
	}
	fail("'%s' object is not iterable", typeName(v))
	return nil
}

// scope holds variables. Assignments go to the innermost scope; look-ups go
// outwards, so that a macro sees the scope it was defined in.
type scope struct {
	vars  []variable
	outer *scope
}

type variable struct {
	name  string
	value Value
}

func (s *scope) get(name string) (Value, bool) {
	for ; s != nil; s = s.outer {
		for i := range s.vars {
			if s.vars[i].name == name {
				return s.vars[i].value, true
			}
		}
	}
	return nil, false
}

func (s *scope) set(name string, v Value) {
	for i := range s.vars {
		if s.vars[i].name == name {
			s.vars[i].value = v
			return
		}
	}
	s.vars = append(s.vars, variable{name, v})
}

// inside runs f in a new scope within outer.
func (st *state) inside(outer *scope, f func()) {
	saved := st.scope
	st.scope = &scope{outer: outer}
	f()
	st.scope = saved
}
