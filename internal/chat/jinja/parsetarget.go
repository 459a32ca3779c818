package jinja

func (p *parser) signature(m *macroStmt) {
	p.expect(opToken, "(")
	for !p.accept(opToken, ")") {
		if m.params != nil {
			p.expect(opToken, ",")
		}
		m.params = append(m.params, p.expect(nameToken, "").text)
		if p.accept(opToken, "=") {
			m.defaults = append(m.defaults, p.expression())
		} else if m.defaults != nil {
			p.fail("non-default argument follows default argument")
		}
	}
}

func (p *parser) macroBody(m *macroStmt, end string) {
	loops := p.loops
	p.loops = 0
	p.macros = append(p.macros, m)
	m.body = p.block(end)
	p.macros = p.macros[:len(p.macros)-1]
	p.loops = loops
}

// target parses what is assigned to: a name, a namespace's field, a tuple.
func (p *parser) target() *target {
	at := p.line()
	var parts []*target
	tuple := false
	for {
		if len(parts) > 0 && p.cur().kind != nameToken && !p.is(opToken, "(") {
			break // a trailing comma
		}
		if len(parts) > 0 && p.is(nameToken, "in") {
			break
		}
		parts = append(parts, p.simpleTarget())
		if !p.accept(opToken, ",") {
			break
		}
		tuple = true
	}
	if !tuple {
		return parts[0]
	}
	return &target{line: at, tuple: parts}
}

func (p *parser) simpleTarget() *target {
	if p.accept(opToken, "(") {
		defer p.enter()()
		t := p.target()
		p.expect(opToken, ")")
		return t
	}
	t := p.expect(nameToken, "")
	switch t.text {
	case "true", "false", "none", "True", "False", "None":
		p.fail("can't assign to 'const'")
	}
	out := &target{line: line(t.line), name: t.text}
	if p.accept(opToken, ".") {
		out.field = p.expect(nameToken, "").text
	}
	return out
}
