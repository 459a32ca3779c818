package jinja

import (
	"slices"
	"strings"
)

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

func (p *parser) primary() expr {
	t := p.cur()
	at := line(t.line)
	switch t.kind {
	case nameToken:
		p.next()
		return p.name(t)
	case stringToken:
		var b strings.Builder
		for p.cur().kind == stringToken {
			b.WriteString(p.next().text)
		}
		return &constant{at, plain(b.String())}
	case numberToken:
		p.next()
		return &constant{at, t.value}
	case opToken:
		switch t.text {
		case "(":
			p.next()
			if p.accept(opToken, ")") {
				return &listLiteral{line: at, tuple: true}
			}
			out := p.tuple(true)
			p.expect(opToken, ")")
			return out
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	}
	p.fail("unexpected %s", describe(t))
	return nil
}

func (p *parser) name(t token) expr {
	at := line(t.line)
	switch t.text {
	case "true", "True":
		return &constant{at, true}
	case "false", "False":
		return &constant{at, false}
	case "none", "None":
		return &constant{at, nil}
	}
	for _, m := range p.macros {
		m.usesCaller = m.usesCaller || t.text == "caller"
		m.usesKwargs = m.usesKwargs || t.text == "kwargs"
		m.usesVarargs = m.usesVarargs || t.text == "varargs"
	}
	return &nameRef{at, t.text}
}

func (p *parser) list() expr {
	out := &listLiteral{line: p.line()}
	p.expect(opToken, "[")
	for !p.accept(opToken, "]") {
		if out.items != nil {
			p.expect(opToken, ",")
			if p.accept(opToken, "]") {
				break
			}
		}
		out.items = append(out.items, p.expression())
	}
	return out
}

func (p *parser) dict() expr {
	out := &dictLiteral{line: p.line()}
	p.expect(opToken, "{")
	for !p.accept(opToken, "}") {
		if out.keys != nil {
			p.expect(opToken, ",")
			if p.accept(opToken, "}") {
				break
			}
		}
		out.keys = append(out.keys, p.expression())
		p.expect(opToken, ":")
		out.values = append(out.values, p.expression())
	}
	return out
}

func (p *parser) postfix(of expr) expr {
	for {
		at := p.line()
		switch {
		case p.accept(opToken, "."):
			if t := p.cur(); t.kind == numberToken {
				p.next()
				of = &item{at, of, &constant{at, t.value}}
			} else {
				of = &attribute{at, of, p.expect(nameToken, "").text}
			}
		case p.is(opToken, "["):
			of = p.subscript(of)
		case p.is(opToken, "("):
			of = &call{at, of, p.arguments()}
		default:
			return of
		}
	}
}

func (p *parser) subscript(of expr) expr {
	at := p.line()
	p.expect(opToken, "[")
	var parts [3]expr
	n, sliced := 0, false
	for !p.accept(opToken, "]") {
		if p.accept(opToken, ":") {
			sliced = true
			if n++; n > 2 {
				p.fail("a slice has at most three parts")
			}
			continue
		}
		if parts[n] != nil {
			p.fail("expected ']' or ':', have %s", describe(p.cur()))
		}
		if sliced {
			parts[n] = p.expression()
		} else {
			parts[n] = p.tuple(true)
		}
	}
	if sliced {
		return &slicing{at, of, parts[0], parts[1], parts[2]}
	}
	if parts[0] == nil {
		p.fail("expected an index")
	}
	return &item{at, of, parts[0]}
}

func (p *parser) arguments() (a arguments) {
	p.expect(opToken, "(")
	for first := true; !p.accept(opToken, ")"); first = false {
		if !first {
			p.expect(opToken, ",")
			if p.accept(opToken, ")") {
				break
			}
		}
		switch {
		case p.accept(opToken, "*"):
			p.once(a.star == nil && a.double == nil)
			a.star = p.expression()
		case p.accept(opToken, "**"):
			p.once(a.double == nil)
			a.double = p.expression()
		case p.cur().kind == nameToken && p.peek().kind == opToken && p.peek().text == "=":
			p.once(a.double == nil)
			name := p.next().text
			p.next()
			p.once(!slices.Contains(a.names, name))
			a.names = append(a.names, name)
			a.named = append(a.named, p.expression())
		default:
			p.once(a.star == nil && a.double == nil && a.names == nil)
			a.pos = append(a.pos, p.expression())
		}
	}
	return a
}

func (p *parser) once(ok bool) {
	if !ok {
		p.fail("invalid syntax for function call expression")
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
