package graders

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of templates, in bytes.
const (
	MaxTemplate = 256 << 10 // of the text of one
	MaxRendered = 4 << 20   // of what one renders to
	maxPath     = 32        // steps of a reference
)

// ErrVariable is a reference to what the row or the answer does not have.
var ErrVariable = errors.New("the variable does not exist")

// Values are the two namespaces of a template, as decoded JSON with numbers as
// json.Number. nil: the namespace is not there.
type Values struct {
	Item   any
	Sample any
}

// Template is a text with references such as {{ item.a.b[0] }}.
type Template struct {
	text   string
	pieces []piece
}

// piece is literal text, or a reference.
type piece struct {
	text string
	ref  *Reference // nil: text
}

// Reference is the path of a value: item.a.b[0].
type Reference struct {
	text      string
	namespace string
	steps     []step
}

// step is a key of an object, or an index of an array.
type step struct {
	key   string
	index int // -1: key
}

// ParseTemplate reads a template. A brace that opens no reference is text.
func ParseTemplate(text string) (*Template, error) {
	if len(text) > MaxTemplate {
		return nil, fmt.Errorf("a template has at most %d bytes, this one has %d", MaxTemplate, len(text))
	}
	t := &Template{text: text}
	for rest := text; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		if before != "" {
			t.pieces = append(t.pieces, piece{text: before})
		}
		if !found {
			break
		}
		inner, more, closed := strings.Cut(after, "}}")
		if !closed {
			return nil, fmt.Errorf("'{{' is not closed by '}}' in %q", clip("{{"+after))
		}
		ref, err := ParseReference(inner)
		if err != nil {
			return nil, err
		}
		t.pieces = append(t.pieces, piece{ref: ref})
		rest = more
	}
	return t, nil
}

// ParseReference reads a path that begins with item or sample.
func ParseReference(text string) (*Reference, error) {
	text = strings.TrimSpace(text)
	bad := func(why string) (*Reference, error) {
		return nil, fmt.Errorf("%q is no reference: %s; write item.name, item.list[0] or sample.output_text", clip(text), why)
	}
	r := &Reference{text: text}
	i := strings.IndexAny(text, ".[")
	if i < 0 {
		i = len(text)
	}
	r.namespace = text[:i]
	if r.namespace != "item" && r.namespace != "sample" {
		return bad("it begins with neither item nor sample")
	}
	for rest := text[i:]; rest != ""; {
		if len(r.steps) == maxPath {
			return bad(fmt.Sprintf("it has more than %d steps", maxPath))
		}
		if rest[0] == '.' {
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			key := rest[1 : 1+end]
			if key == "" || strings.ContainsAny(key, "]{} \t\r\n|()") {
				return bad("a name is missing, or has characters that names cannot have")
			}
			r.steps = append(r.steps, step{key: key, index: -1})
			rest = rest[1+end:]
			continue
		}
		if rest[0] != '[' {
			return bad("something follows ']' that is neither '.' nor '['")
		}
		inner, more, closed := strings.Cut(rest[1:], "]")
		n, err := strconv.ParseUint(inner, 10, 31)
		if !closed || err != nil {
			return bad("between '[' and ']' there has to be a whole number")
		}
		r.steps = append(r.steps, step{index: int(n)})
		rest = more
	}
	return r, nil
}

// Namespace is item or sample.
func (r *Reference) Namespace() string { return r.namespace }

func (r *Reference) String() string { return r.text }

// Lookup finds the value. Errors: ErrVariable.
func (r *Reference) Lookup(v Values) (any, error) {
	at := v.Item
	if r.namespace == "sample" {
		at = v.Sample
	}
	missing := fmt.Errorf("%w: %s", ErrVariable, clip(r.text))
	if at == nil {
		return nil, missing
	}
	for _, s := range r.steps {
		ok := false
		switch x := at.(type) {
		case map[string]any:
			if s.index < 0 {
				at, ok = x[s.key]
			}
		case []any:
			if ok = s.index >= 0 && s.index < len(x); ok {
				at = x[s.index]
			}
		}
		if !ok {
			return nil, missing
		}
	}
	return at, nil
}

// Uses tells whether the template refers to a namespace.
func (t *Template) Uses(namespace string) bool {
	for _, p := range t.pieces {
		if p.ref != nil && p.ref.namespace == namespace {
			return true
		}
	}
	return false
}

// Render fills in the references: strings as they are, null as nothing, anything
// else as JSON. What is filled in is not read as a template again. Errors:
// ErrVariable.
func (t *Template) Render(v Values) (string, error) {
	var b strings.Builder
	for _, p := range t.pieces {
		text := p.text
		if p.ref != nil {
			value, err := p.ref.Lookup(v)
			if err != nil {
				return "", err
			}
			if text, err = textOf(value); err != nil {
				return "", fmt.Errorf("%s: %w", clip(p.ref.text), err)
			}
		}
		if b.Len()+len(text) > MaxRendered {
			return "", fmt.Errorf("the template renders to more than %d bytes", MaxRendered)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func textOf(value any) (string, error) {
	switch x := value.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
