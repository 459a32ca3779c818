package grammar

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// schemaCompiler turns one schema document (JSON Schema draft 2020-12) into graph.
type schemaCompiler struct {
	*Builder
	root  value
	rules map[string]*rule // by JSON pointer
	depth int
}

// annotations say nothing about which values are allowed.
var annotations = map[string]bool{
	"$schema": true, "$id": true, "$comment": true, "$defs": true, "definitions": true, "title": true,
	"description": true, "default": true, "examples": true, "deprecated": true, "readOnly": true, "writeOnly": true,
}

// keywordsOf lists the keywords honoured for each type.
var keywordsOf = map[string][]string{
	"object":  {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
	"array":   {"items", "prefixItems", "minItems", "maxItems"},
	"string":  {"pattern", "format", "minLength", "maxLength"},
	"number":  {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
	"integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
	"boolean": nil,
	"null":    nil,
}

// combiners stand alone beside annotations.
var combiners = []string{"$ref", "anyOf", "oneOf", "allOf", "const", "enum"}

func (b *Builder) schema(doc json.RawMessage) frag {
	root, err := decode(doc)
	if err != nil {
		b.fail("the schema is not valid JSON: %w", err)
		return b.empty()
	}
	c := &schemaCompiler{Builder: b, root: root, rules: map[string]*rule{}}
	return b.call(c.rule("", root))
}

func (c *schemaCompiler) refuse(path, keyword, format string, args ...any) frag {
	if c.err == nil {
		c.err = &SchemaError{Path: path, Keyword: keyword, Reason: fmt.Sprintf(format, args...)}
	}
	return c.empty()
}

// rule returns the rule of the schema at a JSON pointer, compiled once.
func (c *schemaCompiler) rule(path string, v value) *rule {
	if r := c.rules[path]; r != nil {
		return r
	}
	r := c.newRule("schema #" + path)
	c.rules[path] = r
	if c.depth++; c.depth > maxDepth {
		c.refuse(path, "$ref", "is nested more than %d deep", maxDepth)
		return r
	}
	f := c.compileAt(path, v)
	c.depth--
	r.define(f)
	return r
}

func (c *schemaCompiler) compileAt(path string, v value) frag {
	if c.err != nil {
		return c.empty()
	}
	s, ok := v.(*dict)
	if !ok {
		switch v {
		case true:
			return c.anyValue()
		case false:
			return c.refuse(path, "false", "allows no value")
		}
		return c.refuse(path, encode(v), "is not a schema: want an object or a boolean")
	}
	for _, name := range combiners {
		if s.has(name) {
			return c.combined(path, name, s)
		}
	}
	types, ok := c.typesOf(path, s)
	if !ok {
		return c.empty()
	}
	c.checkKeywords(path, s, types)
	if len(types) == 0 {
		return c.anyValue()
	}
	fs := make([]frag, len(types))
	for i, t := range types {
		fs[i] = c.typed(path, t, s)
	}
	return c.alt(fs...)
}

func (c *schemaCompiler) typed(path, t string, s *dict) frag {
	switch t {
	case "object":
		return c.objectSchema(path, s)
	case "array":
		return c.arraySchema(path, s)
	case "string":
		return c.stringSchema(path, s)
	case "number", "integer":
		return c.numberSchema(path, t, s)
	case "boolean":
		return c.alt(c.text("true"), c.text("false"))
	case "null":
		return c.text("null")
	}
	return c.refuse(path, "type", "names the unknown type %q", t)
}

// typesOf returns the types a schema allows: those it names, or those its
// keywords are about; none means any value.
func (c *schemaCompiler) typesOf(path string, s *dict) ([]string, bool) {
	if s.has("type") {
		switch t := s.vals["type"].(type) {
		case string:
			return []string{t}, true
		case []value:
			var types []string
			for _, e := range t {
				name, ok := e.(string)
				if !ok {
					break
				}
				if !slices.Contains(types, name) {
					types = append(types, name)
				}
			}
			if slices.Contains(types, "number") {
				types = slices.DeleteFunc(types, func(n string) bool { return n == "integer" })
			}
			if len(types) > 0 {
				return types, true
			}
		}
		c.refuse(path, "type", "wants a type's name or a list of names")
		return nil, false
	}
	var types []string
	for _, t := range []string{"object", "array", "string", "number"} {
		for _, k := range keywordsOf[t] {
			if s.has(k) {
				types = append(types, t)
				break
			}
		}
	}
	return types, true
}

// checkKeywords refuses what would be ignored.
func (c *schemaCompiler) checkKeywords(path string, s *dict, types []string) {
	allowed := map[string]bool{"type": true}
	for _, t := range types {
		for _, k := range keywordsOf[t] {
			allowed[k] = true
		}
	}
	for _, k := range s.keys {
		if annotations[k] || allowed[k] {
			continue
		}
		known := false
		for _, ks := range keywordsOf {
			known = known || slices.Contains(ks, k)
		}
		if known { // it speaks of another type, and so says nothing here
			continue
		}
		c.refuse(path, k, "is not supported")
		return
	}
}

// combined compiles a schema that has one of the combiners.
func (c *schemaCompiler) combined(path, name string, s *dict) frag {
	for _, k := range s.keys {
		if annotations[k] || k == name || k == "type" && (name == "enum" || name == "const") {
			continue
		}
		return c.refuse(path, k, "beside %q is not supported", name)
	}
	v := s.vals[name]
	switch name {
	case "$ref":
		return c.ref(path, v)
	case "const":
		return c.literals(path, name, s, []value{v})
	case "enum":
		list, ok := v.([]value)
		if !ok || len(list) == 0 {
			return c.refuse(path, name, "wants a list with at least one value")
		}
		return c.literals(path, name, s, list)
	}
	list, ok := v.([]value)
	if !ok || len(list) == 0 {
		return c.refuse(path, name, "wants a list with at least one schema")
	}
	switch {
	case name == "allOf" && len(list) > 1:
		return c.refuse(path, name, "with more than one schema is not supported; write the merged schema")
	case name == "oneOf" && !c.disjoint(list):
		return c.refuse(path, name, "is supported only where the alternatives exclude each other by type or by a constant property; use anyOf")
	}
	fs := make([]frag, len(list))
	for i, e := range list {
		fs[i] = c.call(c.rule(fmt.Sprintf("%s/%s/%d", path, name, i), e))
	}
	return c.alt(fs...)
}

// literals matches one of the given values that fits the type beside them.
func (c *schemaCompiler) literals(path, keyword string, s *dict, list []value) frag {
	types, ok := []string(nil), true
	if s.has("type") {
		types, ok = c.typesOf(path, s)
	}
	if !ok {
		return c.empty()
	}
	var texts []string
	for _, v := range list {
		t := typeOf(v)
		if len(types) == 0 || slices.Contains(types, t) || t == "integer" && slices.Contains(types, "number") {
			texts = append(texts, encode(v))
		}
	}
	if len(texts) == 0 {
		return c.refuse(path, keyword, "has no value of the type beside it")
	}
	return c.texts(texts)
}

func typeOf(v value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if r, ok := ratOf(v); ok && r.IsInt() {
			return "integer"
		}
		return "number"
	case []value:
		return "array"
	}
	return "object"
}

// ref follows a reference inside the document.
func (c *schemaCompiler) ref(path string, v value) frag {
	text, _ := v.(string)
	pointer, ok := strings.CutPrefix(text, "#")
	if !ok || pointer != "" && pointer[0] != '/' {
		return c.refuse(path, "$ref", "%q: only references inside the schema (#/…) are supported", text)
	}
	target, ok := lookup(c.root, pointer)
	if !ok {
		return c.refuse(path, "$ref", "%q: nothing is there", text)
	}
	return c.call(c.rule(pointer, target))
}

// lookup follows a JSON pointer (RFC 6901).
func lookup(v value, pointer string) (value, bool) {
	if pointer == "" {
		return v, true
	}
	for _, part := range strings.Split(pointer[1:], "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch at := v.(type) {
		case *dict:
			if !at.has(part) {
				return nil, false
			}
			v = at.vals[part]
		case []value:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}
