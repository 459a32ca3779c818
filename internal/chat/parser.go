package chat

import "strings"

// ParserOptions say what to look for in an answer.
type ParserOptions struct {
	Tools       []Tool // what may be called; none: no calls are looked for
	Reasoning   bool   // take reasoning out of the text
	InReasoning bool   // the prompt ended inside reasoning: see Dialect.InReasoning
	NewID       func() string
}

// Parser reads an answer as it is generated. Its state moves byte by byte, so
// the result does not depend on how the text is cut. Whatever turns out not to
// be a call is given back as text; only the white space around calls and
// reasoning is dropped.
type Parser struct {
	d     *Dialect
	o     ParserOptions
	tools map[string]Tool

	state    func(p *Parser, c byte)
	partial  []byte   // may become one of marks
	marks    []string // looked for in text
	space    []byte   // white space that is text only if text follows
	started  bool     // there was text, reasoning or a call
	texted   bool     // there was text or a call
	thinking bool     // inside reasoning
	drop     bool     // behind a call or reasoning: white space is not text

	calls callReader
	deltas
}

// Parser makes a parser for one answer.
func (d *Dialect) Parser(o ParserOptions) *Parser {
	p := &Parser{d: d, o: o, tools: map[string]Tool{}}
	if p.o.NewID == nil {
		p.o.NewID = d.newID
	}
	p.o.Reasoning = p.o.Reasoning && d.Reasons()
	for _, tool := range o.Tools {
		p.tools[tool.Name] = tool
	}
	p.toText()
	if p.o.Reasoning && o.InReasoning {
		p.toReasoning()
	}
	return p
}

// Push takes the next piece of the answer and returns what is certain.
func (p *Parser) Push(text string) []Delta {
	for i := range len(text) {
		p.state(p, text[i])
	}
	return p.flush()
}

// Close ends the answer and returns what was held back.
func (p *Parser) Close() []Delta {
	p.closeCall()
	if p.thinking {
		p.reasoning(p.partial)
	} else {
		p.text(p.partial)
		p.emit(textPiece, p.space)
	}
	p.partial, p.space = nil, nil
	return p.flush()
}

// toText looks for calls, and at the start for reasoning.
func (p *Parser) toText() {
	p.state = (*Parser).inText
	p.marks = nil
	p.thinking = false
	if len(p.tools) > 0 {
		p.marks = p.d.syntax.opens
		if p.calls.index > 0 && p.d.syntax.trailer != "" {
			p.marks = append([]string{p.d.syntax.trailer}, p.marks...)
		}
	}
	if p.o.Reasoning && !p.started {
		p.marks = append([]string{p.d.think.open}, p.marks...)
	}
}

func (p *Parser) inText(c byte) {
	if !p.texted && len(p.partial) == 0 && p.d.syntax.bare && len(p.tools) > 0 && c == '{' {
		p.beginCall("", true)
		p.state(p, c)
		return
	}
	mark := p.match(c, p.text)
	switch {
	case mark == "":
	case p.o.Reasoning && mark == p.d.think.open:
		p.toReasoning()
	case mark == p.d.syntax.trailer:
		p.drop = true
	default:
		p.beginCall(mark, false)
	}
}

// match adds c to what may become a mark. It returns the mark that is now
// complete, and hands on bytes that cannot belong to one.
func (p *Parser) match(c byte, pass func([]byte)) string {
	p.partial = append(p.partial, c)
	for len(p.partial) > 0 {
		begins := false
		for _, m := range p.marks {
			if string(p.partial) == m {
				p.partial = p.partial[:0]
				return m
			}
			begins = begins || strings.HasPrefix(m, string(p.partial))
		}
		if begins {
			return ""
		}
		pass(p.partial[:1])
		p.partial = p.partial[1:]
	}
	return ""
}

// text passes text on, but keeps white space until something follows.
func (p *Parser) text(s []byte) {
	for _, c := range s {
		if isSpace(c) {
			if !p.drop {
				p.space = append(p.space, c)
			}
			continue
		}
		p.emit(textPiece, append(p.space, c))
		p.space, p.drop = p.space[:0], false
		p.texted = true
		if !p.started {
			p.started = true
			p.unmarkReasoning()
		}
	}
}

// unmarkReasoning: behind the first text, <think> is only text.
func (p *Parser) unmarkReasoning() {
	if p.o.Reasoning && len(p.marks) > 0 && p.marks[0] == p.d.think.open {
		p.marks = p.marks[1:]
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (p *Parser) toReasoning() {
	p.started, p.drop, p.thinking = true, true, true
	p.space = p.space[:0]
	p.marks = []string{p.d.think.close}
	p.state = (*Parser).inReasoning
}

func (p *Parser) inReasoning(c byte) {
	if p.match(c, p.reasoning) == "" {
		return
	}
	p.space, p.drop = p.space[:0], true
	p.toText()
}

func (p *Parser) reasoning(s []byte) {
	for _, c := range s {
		if isSpace(c) {
			if !p.drop {
				p.space = append(p.space, c)
			}
			continue
		}
		p.emit(reasoningPiece, append(p.space, c))
		p.space, p.drop = p.space[:0], false
	}
}
