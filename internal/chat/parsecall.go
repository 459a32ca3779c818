package chat

import (
	"bytes"
	"strings"
)

// maxUncertain bounds how much of a call is held back before its name is known.
const maxUncertain = 8 << 10

// callReader is the part of a Parser that reads calls.
type callReader struct {
	raw     []byte // of the call, from its first byte, until it is certain
	head    int    // how much of raw made it look like a call
	certain bool   // it is a call: its name was given out
	index   int    // of this call
	bare    bool   // it began without a mark
	list    bool   // inside [ ]
	object  objectReader
	name    []byte // in the named form
	value   valueReader
	tag     tagReader
}

func (p *Parser) beginCall(mark string, bare bool) {
	p.calls = callReader{index: p.calls.index, bare: bare}
	p.calls.raw = append(p.space, mark...)
	p.calls.head = max(1, len(p.calls.raw))
	p.space = nil
	p.state = (*Parser).afterOpen
	if p.d.syntax.tags {
		p.tagsAfter(mark)
	}
}

// hold keeps c as long as it may turn out to be text.
func (p *Parser) hold(c byte) {
	if p.calls.certain {
		return
	}
	p.calls.raw = append(p.calls.raw, c)
}

// giveUp takes what was read of a call for text, and reads on behind its head.
func (p *Parser) giveUp() {
	raw, head := p.calls.raw, min(p.calls.head, len(p.calls.raw))
	p.calls = callReader{index: p.calls.index}
	p.drop, p.started, p.texted = false, true, true
	p.partial = p.partial[:0]
	p.toText()
	p.text(raw[:head])
	p.again(raw[head:])
}

func (p *Parser) again(s []byte) {
	for _, c := range s {
		p.state(p, c)
	}
}

// closeCall is the end of the answer inside a call.
func (p *Parser) closeCall() {
	for len(p.calls.raw) > 0 {
		if rest := bytes.TrimSpace(p.calls.raw); p.calls.certain && strings.HasPrefix(p.d.syntax.close, string(rest)) {
			p.calls.raw = nil // only the end mark is incomplete
			p.drop = true
			return
		}
		if p.calls.certain { // it was the text between two calls
			p.leave()
		} else {
			p.giveUp()
		}
	}
	if p.calls.certain {
		p.closeTags()
		p.partial = p.partial[:0]
	}
}

// afterOpen decides on the form of the call.
func (p *Parser) afterOpen(c byte) {
	p.hold(c)
	switch {
	case isSpace(c):
	case c == '{':
		p.beginObject(c)
	case c == '[':
		p.calls.list = true
		p.state = (*Parser).beforeObject
	case p.d.syntax.separator != "":
		p.marks = []string{p.d.syntax.separator}
		p.state = (*Parser).inName
		p.nameByte(c)
	default:
		p.giveUp()
	}
}

// beforeObject is inside a list, in front of an object.
func (p *Parser) beforeObject(c byte) {
	p.hold(c)
	switch {
	case isSpace(c):
	case c == '{':
		p.beginObject(c)
	default: // an empty list, too, is text
		p.giveUp()
	}
}

func (p *Parser) beginObject(c byte) {
	p.calls.object = objectReader{}
	p.state = (*Parser).inObject
	p.objectByte(c)
}

func (p *Parser) inObject(c byte) {
	p.hold(c)
	p.objectByte(c)
}

func (p *Parser) objectByte(c byte) {
	o := &p.calls.object
	done, ok := o.step(c)
	if ok && !p.calls.certain && o.named && (!p.calls.bare || o.hasArguments) {
		if _, known := p.tools[o.name]; p.calls.bare && !known {
			ok = false
		} else {
			p.certain(o.name, "")
		}
	}
	if p.calls.certain {
		p.emit(argumentsPiece, o.take())
	}
	switch {
	case !ok && p.calls.certain:
		p.endCall()
		p.leave()
	case !ok, done && !p.calls.certain, !p.calls.certain && len(p.calls.raw) > maxUncertain:
		p.giveUp()
	case done:
		if !o.hasArguments {
			p.emit(argumentsPiece, []byte("{}"))
		}
		p.endCall()
	}
}

// certain gives out the head of a call.
func (p *Parser) certain(name, id string) {
	if id == "" {
		id = p.o.NewID()
	}
	p.begin(CallDelta{Index: p.calls.index, ID: id, Name: name})
	p.calls.certain, p.started, p.texted = true, true, true
	p.calls.raw = nil
}

// endCall is behind the last byte of a call's arguments or object.
func (p *Parser) endCall() {
	p.calls.index++
	p.drop = true
	p.partial = p.partial[:0]
	if p.d.syntax.close == "" && !p.calls.list && !p.calls.bare {
		p.finish()
		return
	}
	p.state = (*Parser).behind
}

// finish goes back to text.
func (p *Parser) finish() {
	p.calls = callReader{index: p.calls.index}
	p.partial = p.partial[:0]
	p.toText()
	p.drop = true
}

// leave goes back to text with what was held behind a call.
func (p *Parser) leave() {
	raw := p.calls.raw
	p.finish()
	p.again(raw)
}

// behind is between two calls, or before the end of the last.
func (p *Parser) behind(c byte) {
	k := &p.calls
	k.raw = append(k.raw, c)
	rest, end := strings.TrimSpace(string(k.raw)), strings.TrimSpace(p.d.syntax.close)
	next := strings.TrimLeft(rest, ",; \t\r\n")
	switch {
	case next == "": // white space and separators
	case k.list && rest == "]":
		k.list, k.raw = false, nil
		if end == "" {
			p.finish()
		}
	case !k.list && rest == end:
		p.finish()
	case !k.list && strings.HasPrefix(end, rest):
	case next == "{" && (k.list || p.d.syntax.separator == ""): // another object
		k.certain, k.head = false, len(k.raw)
		p.beginObject(c)
	default:
		p.leave()
	}
}

// inName reads a name up to the separator. Some models leave that out.
func (p *Parser) inName(c byte) {
	p.hold(c)
	p.nameByte(c)
}

func (p *Parser) nameByte(c byte) {
	if c == '{' && len(p.partial) == 0 {
		p.state = (*Parser).beforeArguments
		p.beginArguments(c)
		return
	}
	hit := p.match(c, func(s []byte) { p.calls.name = append(p.calls.name, s...) })
	switch {
	case hit != "":
		p.state = (*Parser).beforeArguments
	case len(p.calls.name) > 256:
		p.giveUp()
	}
}

func (p *Parser) beforeArguments(c byte) {
	p.hold(c)
	if !isSpace(c) {
		p.beginArguments(c)
	}
}

func (p *Parser) beginArguments(c byte) {
	name, id := strings.TrimSpace(string(p.calls.name)), ""
	if p.d.syntax.split != nil {
		name, id = p.d.syntax.split(name)
	}
	if c != '{' || name == "" || strings.ContainsAny(name, " \t\r\n{}\"'<>()") {
		p.giveUp()
		return
	}
	p.certain(name, id)
	p.calls.value = valueReader{}
	p.state = (*Parser).inArguments
	p.inArguments(c)
}

func (p *Parser) inArguments(c byte) {
	_, done := p.calls.value.step(c)
	p.emit(argumentsPiece, []byte{c})
	if done {
		p.endCall()
	}
}
