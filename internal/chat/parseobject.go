package chat

import "encoding/json"

// valueReader finds the end of a JSON value by its brackets and quotes; it
// does not judge what is inside.
type valueReader struct {
	begun, scalar     bool
	inString, escaped bool
	depth             int
}

// step tells whether c belongs to the value, and whether the value is complete.
func (v *valueReader) step(c byte) (belongs, done bool) {
	if !v.begun {
		v.begun = true
		switch c {
		case '{', '[':
			v.depth = 1
		case '"':
			v.inString = true
		default:
			v.scalar = true
		}
		return true, false
	}
	switch {
	case v.scalar:
		done = c == ',' || c == '}' || c == ']' || isSpace(c)
		return !done, done
	case v.escaped:
		v.escaped = false
	case v.inString:
		switch c {
		case '\\':
			v.escaped = true
		case '"':
			v.inString = false
			return true, v.depth == 0
		}
	case c == '"':
		v.inString = true
	case c == '{', c == '[':
		v.depth++
	case c == '}', c == ']':
		v.depth--
		return true, v.depth == 0
	}
	return true, false
}

// objectReader reads {"name": …, "arguments": …}, the keys in any order. It
// also takes "parameters" for arguments, "tool_name" for the name, and OpenAI's
// own form with a "function" that is a name or an object of its own.
type objectReader struct {
	at           objectStep
	key          string
	text         []byte // of the key, or of a value that has to be whole
	value        valueReader
	depth        int // 2 inside "function"
	name         string
	named        bool
	hasArguments bool
	pending      []byte // of the arguments, not yet taken
}

type objectStep uint8

const (
	beforeBrace objectStep = iota
	beforeKey
	inKey
	beforeColon
	beforeValue
	inValue
	behindValue
)

// step reads c. done: that was the end of the object; !ok: it is not one.
func (o *objectReader) step(c byte) (done, ok bool) {
	if isSpace(c) && o.at != inKey && o.at != inValue {
		return false, true
	}
	switch o.at {
	case beforeBrace:
		o.depth, o.at = 1, beforeKey
		return false, c == '{'
	case beforeKey:
		if c == '}' {
			return o.endObject(), true
		}
		o.at, o.text, o.value = inKey, nil, valueReader{}
		return o.keyByte(c)
	case inKey:
		return o.keyByte(c)
	case beforeColon:
		o.at = beforeValue
		return false, c == ':'
	case beforeValue:
		return false, o.beginValue(c)
	case inValue:
		return o.valueByte(c)
	}
	switch c { // behindValue
	case ',':
		o.at = beforeKey
		return false, true
	case '}':
		return o.endObject(), true
	}
	return false, false
}

func (o *objectReader) endObject() (done bool) {
	o.at = behindValue
	o.depth--
	return o.depth == 0
}

func (o *objectReader) keyByte(c byte) (done, ok bool) {
	o.text = append(o.text, c)
	_, end := o.value.step(c)
	if o.text[0] != '"' {
		return false, false
	}
	if end {
		o.key, ok = unquote(o.text)
		o.at = beforeColon
		return false, ok
	}
	return false, true
}

func unquote(text []byte) (s string, ok bool) {
	ok = json.Unmarshal(text, &s) == nil
	return s, ok
}

func (o *objectReader) isName() bool {
	return o.key == "name" || o.key == "tool_name" || o.key == "function"
}

func (o *objectReader) isArguments() bool { return o.key == "arguments" || o.key == "parameters" }

func (o *objectReader) beginValue(c byte) (ok bool) {
	if o.key == "function" && c == '{' && o.depth == 1 {
		o.depth, o.at = 2, beforeKey
		return true
	}
	o.at, o.text, o.value = inValue, nil, valueReader{}
	if o.isArguments() && !o.hasArguments {
		o.hasArguments = true
	} else if o.isArguments() {
		return false // twice
	}
	if o.isName() && (c != '"' || o.named) {
		return false
	}
	_, ok = o.valueByte(c)
	return ok
}

func (o *objectReader) valueByte(c byte) (done, ok bool) {
	belongs, end := o.value.step(c)
	if belongs {
		switch {
		case o.isArguments() && o.value.depth > 0 || o.isArguments() && end && len(o.text) == 0:
			o.pending = append(o.pending, c) // an object goes out as it comes
		case o.isArguments(), o.isName():
			o.text = append(o.text, c)
		}
	}
	if !end {
		return false, true
	}
	o.at = behindValue
	switch {
	case o.isName():
		if o.name, ok = unquote(o.text); !ok || o.name == "" {
			return false, false
		}
		o.named = true
	case o.isArguments() && len(o.text) > 0:
		o.pending = append(o.pending, wholeArguments(o.text)...)
	}
	if !belongs {
		return o.step(c)
	}
	return false, true
}

// wholeArguments are arguments that are not an object: some models write them
// as a string that holds the JSON, or null for none.
func wholeArguments(text []byte) []byte {
	if s, ok := unquote(text); ok && text[0] == '"' && json.Valid([]byte(s)) {
		return []byte(s)
	}
	if string(text) == "null" {
		return []byte("{}")
	}
	return text
}

// take is what is known of the arguments and was not taken before.
func (o *objectReader) take() []byte {
	out := o.pending
	o.pending = nil
	return out
}
