package jinja

// control says how a statement ended.
type control uint8

const (
	goOn control = iota
	breakLoop
	continueLoop
)

func (st *state) run(body []stmt) control {
	for _, s := range body {
		st.step(1)
		if c := s.exec(st); c != goOn {
			return c
		}
	}
	return goOn
}

func (s *textStmt) exec(st *state) control {
	st.write(plain(s.text))
	return goOn
}

func (s *output) exec(st *state) control {
	st.write(str(st.eval(s.of)))
	return goOn
}

func (s *ifStmt) exec(st *state) control {
	if truth(st.eval(s.test)) {
		return st.run(s.body)
	}
	return st.run(s.other)
}

func (s *setStmt) exec(st *state) control {
	v := st.eval(s.of)
	st.line = s.line
	st.assign(s.to, v)
	return goOn
}

func (s *setBlock) exec(st *state) control {
	var v Value = st.capture(func() { st.inside(st.scope, func() { st.run(s.body) }) })
	if s.filter != nil {
		v = st.filterBody(s.filter, v)
	}
	st.assign(s.to, v)
	return goOn
}

func (s *filterBlock) exec(st *state) control {
	st.inside(st.scope, func() {
		body := st.capture(func() { st.run(s.body) })
		st.write(str(st.filterBody(s.filter, body)))
	})
	return goOn
}

// filterBody applies a chain of filters whose innermost has no operand.
func (st *state) filterBody(f *filter, body Value) Value {
	if inner, ok := f.of.(*filter); ok {
		body = st.filterBody(inner, body)
	}
	st.line = f.line
	return st.filter(f.name, body, st.arguments(f.args))
}

func (s *macroStmt) exec(st *state) control {
	st.scope.set(s.name, &macro{node: s, scope: st.scope})
	return goOn
}

func (s *callBlock) exec(st *state) control {
	fn := st.eval(s.call.fn)
	args := st.arguments(s.call.args)
	args.names = append(args.names, "caller")
	args.named = append(args.named, &macro{node: s.caller, scope: st.scope})
	st.line = s.line
	st.write(str(st.call(fn, args)))
	return goOn
}

func (s *withStmt) exec(st *state) control {
	values := make([]Value, len(s.of))
	for i, e := range s.of {
		values[i] = st.eval(e)
	}
	var c control
	st.inside(st.scope, func() {
		for i, to := range s.to {
			st.assign(to, values[i])
		}
		c = st.run(s.body)
	})
	return c
}

func (s *generation) exec(st *state) control {
	body := st.capture(func() { st.inside(st.scope, func() { st.run(s.body) }) })
	st.write(body.generated())
	return goOn
}

func (breakStmt) exec(*state) control { return breakLoop }

func (continueStmt) exec(*state) control { return continueLoop }

func (st *state) assign(to *target, v Value) {
	if to.tuple != nil {
		items := st.iterate(v)
		if len(items) != len(to.tuple) {
			fail("cannot unpack %d values into %d names", len(items), len(to.tuple))
		}
		for i, t := range to.tuple {
			st.assign(t, items[i])
		}
		return
	}
	if to.field == "" {
		st.scope.set(to.name, v)
		return
	}
	held, _ := st.scope.get(to.name)
	ns, ok := held.(*namespace)
	if !ok {
		fail("cannot assign attribute on non-namespace object")
	}
	ns.put(to.field, v)
}
