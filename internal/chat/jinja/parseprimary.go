package jinja

import (
	"slices"
	"strings"
)

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
