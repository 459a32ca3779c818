package jinja

import (
	"slices"
	"strings"
)

// maxNesting bounds how deep tags and expressions may be nested in a template.
const maxNesting = 200

// parser follows jinja2/parser.py.
type parser struct {
	tokens []token
	at     int
	depth  int
	loops  int          // enclosing for tags, up to the nearest macro
	macros []*macroStmt // enclosing macros
}

func parse(src string) []stmt {
	p := &parser{tokens: lex(src)}
	body, _ := p.statements()
	return body
}

func (p *parser) cur() token { return p.tokens[p.at] }

// peek is the token after the current one.
func (p *parser) peek() token { return p.tokens[min(p.at+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.cur()
	if t.kind != eofToken {
		p.at++
	}
	return t
}

func (p *parser) line() line { return line(p.cur().line) }

func (p *parser) is(kind tokenKind, text string) bool {
	return p.cur().kind == kind && p.cur().text == text
}

func (p *parser) accept(kind tokenKind, text string) bool {
	if p.is(kind, text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(kind tokenKind, text string) token {
	t := p.cur()
	if t.kind != kind || text != "" && t.text != text {
		p.fail("expected %s, have %s", describe(token{kind: kind, text: text}), describe(t))
	}
	p.at++
	return t
}

func (p *parser) fail(format string, args ...any) {
	defer func() {
		e := recover().(*Error)
		e.Kind, e.Line = Syntax, p.cur().line
		panic(e)
	}()
	fail(format, args...)
}

func describe(t token) string {
	switch t.kind {
	case eofToken:
		return "the end of the template"
	case blockBegin:
		return "{%"
	case blockEnd:
		return "the end of the tag (%})"
	case varBegin:
		return "{{"
	case varEnd:
		return "the end of the expression (}})"
	case nameToken:
		if t.text == "" {
			return "a name"
		}
	case stringToken:
		return "a string"
	case dataToken:
		return "text"
	}
	return quote(t.text)
}

// enter counts a level of nesting; call the result to leave it.
func (p *parser) enter() func() {
	if p.depth++; p.depth > maxNesting {
		p.fail("nested more than %d levels deep", maxNesting)
	}
	return func() { p.depth-- }
}

// statements parses up to a block that begins with one of the words in until,
// whose name is consumed and returned.
func (p *parser) statements(until ...string) (body []stmt, word string) {
	defer p.enter()()
	for {
		switch t := p.cur(); t.kind {
		case eofToken:
			if len(until) > 0 {
				p.fail("unexpected end of the template: looking for %s", strings.Join(until, " or "))
			}
			return body, ""
		case dataToken:
			p.next()
			body = append(body, &textStmt{t.text})
		case varBegin:
			p.next()
			body = append(body, &output{line(t.line), p.tuple(true)})
			p.expect(varEnd, "")
		default:
			p.expect(blockBegin, "")
			name := p.expect(nameToken, "").text
			if slices.Contains(until, name) {
				return body, name
			}
			if s := p.statement(name); s != nil {
				body = append(body, s...)
			}
		}
	}
}

// body parses what follows the head of a tag.
func (p *parser) body(until ...string) ([]stmt, string) {
	p.accept(opToken, ":")
	p.expect(blockEnd, "")
	return p.statements(until...)
}

// block is a body with one possible end.
func (p *parser) block(end string) []stmt {
	body, _ := p.body(end)
	p.expect(blockEnd, "")
	return body
}

func (p *parser) statement(name string) []stmt {
	at := p.line()
	switch name {
	case "if":
		return []stmt{p.ifTag()}
	case "for":
		return []stmt{p.forTag()}
	case "set":
		return []stmt{p.setTag()}
	case "macro":
		m := &macroStmt{line: at, name: p.expect(nameToken, "").text}
		p.signature(m)
		p.macroBody(m, "endmacro")
		return []stmt{m}
	case "call":
		return []stmt{p.callTag()}
	case "filter":
		f := p.filterName(nil)
		f = p.filters(f)
		return []stmt{&filterBlock{at, f, p.block("endfilter")}}
	case "with":
		return []stmt{p.withTag()}
	case "generation":
		m := &macroStmt{} // a generation tag is a call block
		p.macroBody(m, "endgeneration")
		return []stmt{&generation{m.body}}
	case "print":
		var out []stmt
		for p.cur().kind != blockEnd {
			if out != nil {
				p.expect(opToken, ",")
			}
			out = append(out, &output{at, p.expression()})
		}
		p.expect(blockEnd, "")
		return out
	case "break", "continue":
		if p.loops == 0 {
			p.fail("%s outside of a for loop", name)
		}
		p.expect(blockEnd, "")
		if name == "break" {
			return []stmt{breakStmt{}}
		}
		return []stmt{continueStmt{}}
	case "include", "import", "from", "extends", "block":
		p.fail("the %s tag is not available: a chat template stands alone", name)
	}
	p.fail("unknown tag %s", quote(name))
	return nil
}

func (p *parser) ifTag() stmt {
	s := &ifStmt{test: p.tuple(false)}
	body, word := p.body("elif", "else", "endif")
	s.body = body
	switch word {
	case "elif":
		defer p.enter()()
		s.other = []stmt{p.ifTag()}
	case "else":
		s.other = p.block("endif")
	default:
		p.expect(blockEnd, "")
	}
	return s
}

func (p *parser) forTag() stmt {
	s := &forStmt{line: p.line(), to: p.target()}
	p.expect(nameToken, "in")
	s.over = p.tuple(false, "recursive")
	if p.accept(nameToken, "if") {
		s.test = p.expression()
	}
	s.recursive = p.accept(nameToken, "recursive")
	p.loops++
	body, word := p.body("endfor", "else")
	p.loops--
	s.body = body
	if word == "else" {
		s.other = p.block("endfor")
	} else {
		p.expect(blockEnd, "")
	}
	return s
}

func (p *parser) setTag() stmt {
	at := p.line()
	to := p.target()
	if p.accept(opToken, "=") {
		of := p.tuple(true)
		p.expect(blockEnd, "")
		return &setStmt{at, to, of}
	}
	f := p.filters(nil)
	return &setBlock{at, to, f, p.block("endset")}
}

func (p *parser) withTag() stmt {
	s := &withStmt{line: p.line()}
	for p.cur().kind != blockEnd {
		if s.to != nil {
			p.expect(opToken, ",")
		}
		s.to = append(s.to, p.target())
		p.expect(opToken, "=")
		s.of = append(s.of, p.expression())
	}
	s.body = p.block("endwith")
	return s
}

func (p *parser) callTag() stmt {
	m := &macroStmt{line: p.line(), name: "caller"}
	if p.is(opToken, "(") {
		p.signature(m)
	}
	c, ok := p.expression().(*call)
	if !ok {
		p.fail("a call tag needs a call")
	}
	p.macroBody(m, "endcall")
	return &callBlock{m.line, c, m}
}
