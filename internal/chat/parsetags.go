package chat

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// tagReader is the part of a Parser that reads Qwen3-Coder's calls:
//
//	<tool_call> <function=name> <parameter=p> value </parameter> … </function> </tool_call>
//
// They become JSON, parameter by parameter.
type tagReader struct {
	step      tagStep
	tool      Tool
	parameter string
	text      []byte // of a name or a value
	some      bool   // a parameter was written
}

type tagStep uint8

const (
	wantFunction tagStep = iota
	functionName
	wantParameter
	parameterName
	parameterValue
)

// tagMarks are what ends each step.
var tagMarks = map[tagStep][]string{
	wantFunction:   {"<function="},
	functionName:   {">"},
	wantParameter:  {"<parameter=", "</function>"},
	parameterName:  {">"},
	parameterValue: {"</parameter>"},
}

func (p *Parser) tagsTo(step tagStep) {
	p.calls.tag.step, p.calls.tag.text = step, nil
	p.marks = tagMarks[step]
	p.state = (*Parser).inTags
}

func (p *Parser) inTags(c byte) {
	p.hold(c)
	k := &p.calls.tag
	var stray []byte
	mark := p.match(c, func(s []byte) {
		switch {
		case k.step != wantFunction && k.step != wantParameter:
			k.text = append(k.text, s...)
		case len(stray) > 0 || !isSpace(s[0]):
			stray = append(stray, s...)
		}
	})
	tooLong := k.step == functionName && len(k.text) > 256
	switch {
	case !p.calls.certain && (tooLong || stray != nil):
		p.giveUp()
	case stray != nil: // between two parameters: the call ends here
		stray = append(stray, p.partial...)
		p.endTags()
		p.finish()
		p.again(stray)
	case mark != "":
		p.tagsAfter(mark)
	}
}

// tagsAfter goes on behind a mark.
func (p *Parser) tagsAfter(mark string) {
	k := &p.calls.tag
	switch {
	case mark == "<tool_call>":
		p.tagsTo(wantFunction)
	case mark == "<function=":
		p.tagsTo(functionName)
	case mark == "<parameter=":
		p.tagsTo(parameterName)
	case mark == "</function>":
		p.endTags()
		p.endCall()
	case k.step == functionName:
		name := strings.TrimSpace(string(k.text))
		if name == "" || strings.ContainsAny(name, "<\n{\"") {
			p.giveUp()
			return
		}
		k.tool = p.tools[name]
		p.certain(name, "")
		p.tagsTo(wantParameter)
	case k.step == parameterName:
		k.parameter = strings.TrimSpace(string(k.text))
		p.tagsTo(parameterValue)
	default: // </parameter>
		text := bytes.TrimSuffix(bytes.TrimPrefix(k.text, []byte("\n")), []byte("\n"))
		p.emit(argumentsPiece, k.key())
		p.emit(argumentsPiece, k.tool.value(k.parameter, string(text)))
		k.some = true
		p.tagsTo(wantParameter)
	}
}

// endTags closes the JSON of the arguments.
func (p *Parser) endTags() {
	if p.calls.tag.some {
		p.emit(argumentsPiece, []byte("}"))
	} else {
		p.emit(argumentsPiece, []byte("{}"))
	}
}

// closeTags is the end of the answer inside a call: the value so far is given
// out, so that nothing is lost, but the JSON stays open.
func (p *Parser) closeTags() {
	k := &p.calls.tag
	if !p.d.syntax.tags || k.step != parameterValue {
		return
	}
	text := bytes.TrimPrefix(append(k.text, p.partial...), []byte("\n"))
	quoted := quoteJSON(string(text))
	p.emit(argumentsPiece, k.key())
	p.emit(argumentsPiece, quoted[:len(quoted)-1])
}

func (k *tagReader) key() []byte {
	name, _ := json.Marshal(k.parameter)
	if k.some {
		return []byte(", " + string(name) + ": ")
	}
	return []byte("{" + string(name) + ": ")
}

func quoteJSON(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string can always be written
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// value is a parameter's text as JSON: a string if the tool's schema says so
// or if it is nothing else.
func (tool Tool) value(parameter, text string) []byte {
	types := tool.types(parameter)
	if len(types) == 0 || slices.Equal(types, []string{"string"}) {
		return quoteJSON(text)
	}
	trimmed := strings.TrimSpace(text)
	switch strings.ToLower(trimmed) {
	case "true", "false":
		return []byte(strings.ToLower(trimmed))
	case "null", "none":
		return []byte("null")
	}
	if json.Valid([]byte(trimmed)) && !(trimmed[0] == '"' && slices.Contains(types, "string")) {
		return []byte(trimmed)
	}
	return quoteJSON(text)
}

// types are the JSON types that a schema allows for a parameter, as far as it
// says so in one place.
func (tool Tool) types(parameter string) []string {
	type schema struct {
		Type json.RawMessage
		Enum []json.RawMessage
		Any  []struct{ Type string } `json:"anyOf"`
		One  []struct{ Type string } `json:"oneOf"`
	}
	var s struct{ Properties map[string]schema }
	if json.Unmarshal(tool.Parameters, &s) != nil {
		return nil
	}
	p := s.Properties[parameter]
	var one string
	var many []string
	if json.Unmarshal(p.Type, &one) == nil {
		return []string{one}
	}
	if json.Unmarshal(p.Type, &many) == nil {
		return many
	}
	for _, alternative := range append(p.Any, p.One...) {
		many = append(many, alternative.Type)
	}
	return many
}
