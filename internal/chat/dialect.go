package chat

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Dialect is how a family of models writes tool calls and reasoning. A new
// family is a new file with a Dialect, and a line in dialects.
type Dialect struct {
	Name   string
	syntax syntax
	form   form
	think  thinking
	newID  func() string
	match  func(template string) bool
}

// syntax is what the parser reads. A call begins with one of opens and then is
//
//	{"name": …, "arguments": …}, or a list of these
//	name separator {…}               where separator is not empty
//	<function=name><parameter=p>…    where tags is set
//
// and ends with close. Empty fields are not used.
type syntax struct {
	opens     []string
	close     string
	trailer   string // may follow the last call
	separator string
	idMark    string // in the name, before an id
	tags      bool
	bare      bool                               // an answer may begin with the object itself
	split     func(raw string) (name, id string) // what stands before separator; nil: the name
}

// form is what a call looks like when it is forced: open, then begin with NAME
// replaced, the arguments, end, more calls behind separator, then close.
type form struct {
	open, begin, end, separator, close string
}

// thinking is how a model marks its reasoning; empty if it does not.
type thinking struct{ open, close string }

// dialects in the order in which a template is tried against them.
var dialects = []*Dialect{qwenCoder, deepseek, deepseekPlain, kimi, mistralArgs, mistral, hermes, granite, commandR, functionary, llama}

// DialectNamed finds a dialect by its name.
func DialectNamed(name string) (*Dialect, bool) {
	for _, d := range append(dialects, smollm, generic) {
		if d.Name == name {
			return d, true
		}
	}
	return nil, false
}

// Dialect is how the model behind this template writes its calls, judged by
// the text of the template. Where the template does not show tools, Render
// tells the model which dialect to use.
func (t *Template) Dialect() *Dialect {
	t = t.For(true)
	return t.dialect
}

func (t *Template) findDialect() *Dialect {
	d := generic
	switch {
	case !t.caps.tools && t.mentions("SmolLM") && !t.mentions("</think>"): // SmolLM2
		d = smollm
	case !t.caps.tools:
		d = hermes
	default:
		for _, candidate := range dialects {
			if candidate.match(t.source) {
				d = candidate
				break
			}
		}
	}
	found := *d
	for _, tags := range []thinking{{"<think>", "</think>"}, {"[THINK]", "[/THINK]"}} {
		if t.mentions(tags.close) {
			found.think = tags
		}
	}
	return &found
}

// Markers are the texts with a meaning for the parser that may be tokens of
// their own. The engine hands them on as text even where they are control
// tokens, and lets a constrained decoder write Shape's text with them.
func (d *Dialect) Markers() []string {
	s := d.syntax
	var out []string
	for _, m := range append([]string{s.close, s.trailer, s.separator, s.idMark, d.think.open, d.think.close}, s.opens...) {
		tags := tagText.FindAllString(m, -1)
		if len(tags) == 0 && m != "" {
			tags = []string{m}
		}
		for _, tag := range tags {
			if !slices.Contains(out, tag) {
				out = append(out, tag)
			}
		}
	}
	return out
}

// tagText is what a control token looks like within a longer text.
var tagText = regexp.MustCompile(`<[|｜][^<>]*[|｜]>|\[[A-Z_/]+\]|</?\w+>`)

// Triggers are the texts that begin a call where the model chooses freely: a
// decoder may wait for one and constrain only what follows. Shape's text
// begins with the first of them. Bare JSON has no trigger.
func (d *Dialect) Triggers() []string { return d.syntax.opens }

// Reasons tells whether the model marks its reasoning.
func (d *Dialect) Reasons() bool { return d.think.open != "" }

// ReasoningTags are the texts around the reasoning; empty if the model marks none.
func (d *Dialect) ReasoningTags() (open, close string) { return d.think.open, d.think.close }

// InReasoning tells whether an answer to r begins inside the reasoning: the
// generation prompt opened it, or the message that is continued did.
func (d *Dialect) InReasoning(r Rendered, continued bool) bool {
	if !d.Reasons() {
		return false
	}
	if continued {
		return strings.LastIndex(r.Text, d.think.open) > strings.LastIndex(r.Text, d.think.close)
	}
	text := strings.TrimSpace(r.Text)
	if n := len(r.Spans); n > 0 && r.Spans[n-1].End >= len(text) {
		return false // it is the caller's text that ends so
	}
	return strings.HasSuffix(text, d.think.open)
}

// Shape is the text of calls, for a decoder that must produce it: Open, one of
// Calls, then if Many as often as it likes Separator and another one, then Close.
type Shape struct {
	Open, Separator, Close string
	Calls                  []CallShape
	Many                   bool
}

// CallShape is the text of a call of one tool: Begin, a JSON value that meets
// the schema Arguments, End.
type CallShape struct {
	Tool       string
	Begin, End string
	Arguments  json.RawMessage
}

// noArguments is the schema for tools that declare none.
const noArguments = `{"type": "object", "properties": {}, "additionalProperties": false}`

// Shape tells what to force when the model must call one of tools; many allows
// several calls. ok is false if the dialect's arguments are not JSON.
func (d *Dialect) Shape(tools []Tool, many bool) (s Shape, ok bool) {
	if d.form.begin == "" {
		return Shape{}, false
	}
	s = Shape{Open: d.form.open, Separator: d.form.separator, Close: d.form.close, Many: many}
	for _, tool := range tools {
		c := CallShape{Tool: tool.Name, End: d.form.end, Arguments: tool.Parameters}
		if len(bytes.TrimSpace(c.Arguments)) == 0 {
			c.Arguments = json.RawMessage(noArguments)
		}
		quoted, _ := json.Marshal(tool.Name)
		c.Begin = strings.Replace(d.form.begin, "NAME", string(quoted[1:len(quoted)-1]), 1)
		s.Calls = append(s.Calls, c)
	}
	return s, true
}
