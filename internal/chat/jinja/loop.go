package jinja

// loopState is the variable "loop".
type loopState struct {
	items   []Value
	at      int // index of the current item
	depth   int // of recursion, from 0
	changed []Value
	again   func(Value) Str // nil: not a recursive loop
}

func (s *forStmt) exec(st *state) control {
	over := st.eval(s.over)
	outer := st.scope
	if s.recursive {
		st.write(s.recurse(st, outer, over, 0))
		return goOn
	}
	s.loop(st, outer, over, &loopState{})
	return goOn
}

// recurse renders the loop over other items, as loop(items) does.
func (s *forStmt) recurse(st *state, outer *scope, over Value, depth int) Str {
	if st.depth++; st.depth > st.limits.Depth {
		exceeded("maximum recursion depth exceeded")
	}
	defer func() { st.depth-- }()
	return st.capture(func() {
		s.loop(st, outer, over, &loopState{
			depth: depth,
			again: func(v Value) Str { return s.recurse(st, outer, v, depth+1) },
		})
	})
}

func (s *forStmt) loop(st *state, outer *scope, over Value, l *loopState) {
	l.items = st.iterate(over)
	if s.test != nil {
		l.items = s.selected(st, outer, l.items)
	}
	if len(l.items) == 0 {
		st.inside(outer, func() { st.run(s.other) })
		return
	}
	for i, v := range l.items {
		l.at = i
		st.step(1)
		var c control
		st.inside(outer, func() {
			st.scope.set("loop", l)
			st.line = s.line
			st.assign(s.to, v)
			c = st.run(s.body)
		})
		if c == breakLoop {
			break
		}
	}
}

func (s *forStmt) selected(st *state, outer *scope, items []Value) []Value {
	var out []Value
	for _, v := range items {
		st.inside(outer, func() {
			st.assign(s.to, v)
			if truth(st.eval(s.test)) {
				out = append(out, v)
			}
		})
	}
	return out
}

func (l *loopState) attribute(name string) (Value, bool) {
	n, i := int64(len(l.items)), int64(l.at)
	switch name {
	case "index":
		return i + 1, true
	case "index0":
		return i, true
	case "revindex":
		return n - i, true
	case "revindex0":
		return n - i - 1, true
	case "first":
		return i == 0, true
	case "last":
		return i == n-1, true
	case "length":
		return n, true
	case "depth":
		return int64(l.depth + 1), true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		if i == 0 {
			return Undefined{"there is no previous item"}, true
		}
		return l.items[i-1], true
	case "nextitem":
		if i == n-1 {
			return Undefined{"there is no next item"}, true
		}
		return l.items[i+1], true
	case "cycle", "changed":
		return &method{l, name}, true
	}
	return nil, false
}

func (l *loopState) call(name string, a args) Value {
	a.positional("loop." + name)
	if name == "cycle" {
		if len(a.pos) == 0 {
			fail("no items for cycling given")
		}
		return a.pos[l.at%len(a.pos)]
	}
	seen := l.changed
	l.changed = append([]Value{}, a.pos...)
	return seen == nil || !equal(newTuple(seen...), newTuple(a.pos...))
}
