package grammar

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// Constraint is a shape of text, to be compiled for a vocabulary.
type Constraint func(b *Builder) frag

// JSONObject is any JSON object.
func JSONObject() Constraint {
	return func(b *Builder) frag { return b.anyObject() }
}

// JSONSchema is the JSON values that schema allows, written with the keys in
// the order of the schema. A keyword that cannot be honoured is a *SchemaError.
func JSONSchema(schema json.RawMessage) Constraint {
	return func(b *Builder) frag { return b.schema(schema) }
}

// Regex is text that matches pattern (RE2 syntax) from beginning to end.
func Regex(pattern string) Constraint {
	return func(b *Builder) frag { return b.regex(pattern, plainText, true) }
}

// Choice is one of the given strings.
func Choice(options []string) Constraint {
	return func(b *Builder) frag {
		if len(options) == 0 {
			b.fail("choice: the list is empty")
			return b.empty()
		}
		return b.texts(options)
	}
}

// Literal is exactly s. Where s contains the text of a control token, that
// token must be used: it is what the model was trained to write.
func Literal(s string) Constraint {
	return func(b *Builder) frag { return b.literal(s) }
}

// Seq is the constraints one after the other.
func Seq(cs ...Constraint) Constraint {
	return func(b *Builder) frag {
		fs := make([]frag, len(cs))
		for i, c := range cs {
			fs[i] = c(b)
		}
		return b.seq(fs...)
	}
}

// Alt is any one of the constraints.
func Alt(cs ...Constraint) Constraint {
	return func(b *Builder) frag {
		fs := make([]frag, len(cs))
		for i, c := range cs {
			fs[i] = c(b)
		}
		return b.alt(fs...)
	}
}

// Repeat is c from lo to hi times; hi < 0 is no bound.
func Repeat(c Constraint, lo, hi int) Constraint {
	return func(b *Builder) frag { return b.repeat(func() frag { return c(b) }, lo, hi) }
}

// Text is any valid UTF-8 text.
func Text() Constraint {
	return func(b *Builder) frag {
		return b.star(b.alt(b.byteRange(0x00, 0x7f), b.multibyte()))
	}
}

// Compile makes c ready for the tokens of v. It can take milliseconds; keep the
// result for requests with the same constraint.
func Compile(c Constraint, v *Vocabulary) (*Grammar, error) {
	b := &Builder{control: v.controlText}
	return b.compile(c(b), v)
}

func (b *Builder) literal(s string) frag {
	texts := make([]string, 0, len(b.control))
	for t := range b.control {
		if t != "" && strings.Contains(s, t) {
			texts = append(texts, t)
		}
	}
	sort.Slice(texts, func(i, j int) bool { return len(texts[i]) > len(texts[j]) })
	f := b.empty()
	for s != "" {
		at, found := len(s), ""
		for _, t := range texts {
			if i := strings.Index(s, t); i >= 0 && i < at {
				at, found = i, t
			}
		}
		if at > 0 {
			f = b.seq(f, b.text(s[:at]))
		}
		if found != "" {
			in, out := b.node(), b.node()
			in.token = append(in.token, tokenEdge{b.control[found], out})
			f = b.seq(f, frag{in, out})
		}
		s = s[at+len(found):]
	}
	return f
}

// SchemaError says which part of a schema cannot be honoured.
type SchemaError struct {
	Path    string // JSON pointer into the schema
	Keyword string
	Reason  string
}

func (e *SchemaError) Error() string {
	where := e.Path
	if where == "" {
		where = "/"
	}
	return fmt.Sprintf("schema %s: %q %s", where, e.Keyword, e.Reason)
}
