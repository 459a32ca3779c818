package jinja

import "slices"

// tuple parses an expression, or several with commas between them. conditional
// allows "a if b else c"; it stops before a word of stop.
func (p *parser) tuple(conditional bool, stop ...string) expr {
	at := p.line()
	parse := p.or
	if conditional {
		parse = p.expression
	}
	first := parse()
	if !p.is(opToken, ",") {
		return first
	}
	out := &listLiteral{line: at, items: []expr{first}, tuple: true}
	for p.accept(opToken, ",") {
		t := p.cur()
		if t.kind == varEnd || t.kind == blockEnd || p.is(opToken, ")") ||
			t.kind == nameToken && slices.Contains(stop, t.text) {
			break
		}
		out.items = append(out.items, parse())
	}
	return out
}

func (p *parser) expression() expr {
	defer p.enter()()
	at := p.line()
	out := p.or()
	for p.accept(nameToken, "if") {
		c := &condition{line: at, test: p.or(), then: out}
		if p.accept(nameToken, "else") {
			c.other = p.expression()
		}
		out, at = c, p.line()
	}
	return out
}

func (p *parser) or() expr {
	at := p.line()
	out := p.and()
	for p.accept(nameToken, "or") {
		out = &logic{line: at, left: out, right: p.and()}
	}
	return out
}

func (p *parser) and() expr {
	at := p.line()
	out := p.not()
	for p.accept(nameToken, "and") {
		out = &logic{line: at, and: true, left: out, right: p.not()}
	}
	return out
}

func (p *parser) not() expr {
	at := p.line()
	if p.accept(nameToken, "not") {
		defer p.enter()()
		return &not{at, p.not()}
	}
	return p.comparison()
}

func (p *parser) comparison() expr {
	out := &comparison{line: p.line(), first: p.sum()}
	for {
		op := ""
		switch t := p.cur(); {
		case t.kind == opToken && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			op = t.text
		case t.kind == nameToken && t.text == "in":
			op = "in"
		case t.kind == nameToken && t.text == "not" && p.peek().kind == nameToken && p.peek().text == "in":
			p.next()
			op = "not in"
		}
		if op == "" {
			if out.ops == nil {
				return out.first
			}
			return out
		}
		p.next()
		out.ops = append(out.ops, op)
		out.rest = append(out.rest, p.sum())
	}
}

// chain parses operators of one level, from the left.
func (p *parser) chain(part func() expr, ops ...string) expr {
	at := p.line()
	out := part()
	for p.cur().kind == opToken && slices.Contains(ops, p.cur().text) {
		op := p.next().text
		out = &binary{at, op, out, part()}
	}
	return out
}

func (p *parser) sum() expr { return p.chain(p.tilde, "+", "-") }

func (p *parser) tilde() expr {
	out := &tilde{line: p.line(), parts: []expr{p.product()}}
	for p.accept(opToken, "~") {
		out.parts = append(out.parts, p.product())
	}
	if len(out.parts) == 1 {
		return out.parts[0]
	}
	return out
}

func (p *parser) product() expr { return p.chain(p.power, "*", "/", "//", "%") }

func (p *parser) power() expr {
	return p.chain(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(filtered bool) expr {
	defer p.enter()()
	at := p.line()
	var out expr
	switch {
	case p.accept(opToken, "-"):
		out = &sign{at, true, p.unary(false)}
	case p.accept(opToken, "+"):
		out = &sign{at, false, p.unary(false)}
	default:
		out = p.primary()
	}
	out = p.postfix(out)
	if !filtered {
		return out
	}
	for {
		switch {
		case p.is(opToken, "|"):
			p.next()
			out = p.filterName(out)
		case p.is(nameToken, "is"):
			out = p.test(out)
		case p.is(opToken, "("):
			out = &call{p.line(), out, p.arguments()}
		default:
			return out
		}
	}
}

// filterName parses a filter behind its bar.
func (p *parser) filterName(of expr) *filter {
	f := &filter{line: p.line(), of: of, name: p.dotted()}
	if p.is(opToken, "(") {
		f.args = p.arguments()
	}
	return f
}

// filters parses the filters of a filter or set block, behind first if there
// is one.
func (p *parser) filters(first *filter) *filter {
	for p.accept(opToken, "|") {
		if first == nil {
			first = p.filterName(nil)
		} else {
			first = p.filterName(first)
		}
	}
	return first
}

func (p *parser) dotted() string {
	name := p.expect(nameToken, "").text
	for p.accept(opToken, ".") {
		name += "." + p.expect(nameToken, "").text
	}
	return name
}

func (p *parser) test(of expr) expr {
	at := p.line()
	p.next()
	negated := p.accept(nameToken, "not")
	t := &test{line: at, of: of, name: p.dotted()}
	switch c := p.cur(); {
	case p.is(opToken, "("):
		t.args = p.arguments()
	case c.kind == stringToken, c.kind == numberToken, p.is(opToken, "["), p.is(opToken, "{"),
		c.kind == nameToken && !slices.Contains([]string{"else", "or", "and"}, c.text):
		if p.is(nameToken, "is") {
			p.fail("tests cannot be chained with is")
		}
		t.args.pos = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &not{at, t}
	}
	return t
}
