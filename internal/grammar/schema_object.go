package grammar

import (
	"encoding/json"
	"fmt"
	"strings"
)

// objectSchema writes properties in the order of the schema; optional ones may
// be left out. Where nothing is said of additional properties, only the named
// ones are written if there are any: fewer keys always validate.
func (c *schemaCompiler) objectSchema(path string, s *dict) frag {
	props, _ := s.vals["properties"].(*dict)
	if props == nil {
		if s.has("properties") {
			return c.refuse(path, "properties", "wants an object")
		}
		props = &dict{}
	}
	need := map[string]bool{}
	if s.has("required") {
		list, ok := s.vals["required"].([]value)
		if !ok {
			return c.refuse(path, "required", "wants a list of names")
		}
		for _, e := range list {
			name, ok := e.(string)
			if !ok {
				return c.refuse(path, "required", "wants a list of names")
			}
			need[name] = true
		}
	}
	extra, hasExtra := s.vals["additionalProperties"]
	open := hasExtra && extra != false || !hasExtra && len(props.keys) == 0
	for _, name := range sortedKeys(need) {
		if props.has(name) {
			continue
		}
		if !open && hasExtra {
			return c.refuse(path, "required", "names %q, which additionalProperties forbids", name)
		}
		// A required name without a schema of its own: any value, or the
		// schema of additional properties.
		withName := &dict{keys: append(append([]string{}, props.keys...), name), vals: map[string]value{}}
		for k, v := range props.vals {
			withName.vals[k] = v
		}
		withName.vals[name] = value(true)
		if hasExtra {
			withName.vals[name] = extra
		}
		props = withName
	}
	lo, hi, ok := c.bounds(path, s, "minProperties", "maxProperties")
	if !ok {
		return c.empty()
	}
	if len(props.keys) > 0 {
		if lo > len(need) || hi >= 0 && (open || hi < len(props.keys)) {
			return c.refuse(path, "minProperties", "and maxProperties are supported only for objects without named properties")
		}
		return c.namedObject(path, props, need, open, s)
	}
	if !open {
		if lo > 0 {
			return c.refuse(path, "minProperties", "cannot be met: no property is allowed")
		}
		return c.list("{", "}", c.empty, 0, 0)
	}
	item := func() frag { return c.member(path, nil, s) }
	return c.list("{", "}", item, lo, hi)
}

// namedObject is two chains over the properties: in the upper one nothing has
// been written yet, in the lower one the next needs a comma first.
func (c *schemaCompiler) namedObject(path string, props *dict, need map[string]bool, open bool, s *dict) frag {
	in := c.text("{")
	first, later := c.node(), (*node)(nil)
	in.out.eps = append(in.out.eps, first)
	link := func(from *node, f frag, to *node) {
		from.eps = append(from.eps, f.in)
		f.out.eps = append(f.out.eps, to)
	}
	for _, name := range props.keys {
		r := c.newRule(fmt.Sprintf("schema #%s property %q", path, name))
		sub := path + "/properties/" + escapePointer(name)
		r.define(c.seq(c.text(encode(name)), c.text(":"), c.space(), c.call(c.rule(sub, props.vals[name]))))
		nextFirst, nextLater := c.node(), c.node()
		if first != nil {
			link(first, c.seq(c.space(), c.call(r)), nextLater)
			if !need[name] {
				first.eps = append(first.eps, nextFirst)
			} else {
				nextFirst = nil
			}
		} else {
			nextFirst = nil
		}
		if later != nil {
			link(later, c.seq(c.text(","), c.space(), c.call(r)), nextLater)
			if !need[name] {
				later.eps = append(later.eps, nextLater)
			}
		}
		first, later = nextFirst, nextLater
	}
	end := c.seq(c.space(), c.text("}"))
	if first != nil {
		first.eps = append(first.eps, end.in)
	}
	later.eps = append(later.eps, end.in)
	if open {
		item := func() frag { return c.member(path, props.keys, s) }
		link(later, c.seq(c.text(","), c.space(), item()), later)
		if first != nil {
			link(first, c.seq(c.space(), item()), later)
		}
	}
	return frag{in.in, end.out}
}

// member is a property with a name of the model's choosing, none of taken.
func (c *schemaCompiler) member(path string, taken []string, s *dict) frag {
	v := c.anyValue
	if schema, has := s.vals["additionalProperties"]; has && schema != true {
		r := c.rule(path+"/additionalProperties", schema)
		v = func() frag { return c.call(r) }
	}
	return c.seq(c.nameOtherThan(taken), c.text(":"), c.space(), v())
}

// nameOtherThan is a JSON string without escapes that is none of taken: a walk
// down the trie of the taken names that must leave it somewhere.
func (c *schemaCompiler) nameOtherThan(taken []string) frag {
	if len(taken) == 0 {
		return c.anyString()
	}
	in, out := c.node(), c.node()
	tail := c.seq(c.star(c.plainChar()), c.text(`"`))
	tail.out.eps = append(tail.out.eps, out)
	var grow func(at *node, names [][]rune)
	grow = func(at *node, names [][]rune) {
		heads := map[rune][][]rune{}
		ends := false
		for _, n := range names {
			if len(n) == 0 {
				ends = true
				continue
			}
			heads[n[0]] = append(heads[n[0]], n[1:])
		}
		if !ends && at != in {
			q := c.text(`"`)
			at.eps = append(at.eps, q.in)
			q.out.eps = append(q.out.eps, out)
		}
		others := c.runes(complement(keysOf(heads)), jsonText)
		at.eps = append(at.eps, others.in)
		others.out.eps = append(others.out.eps, tail.in)
		for r, rest := range heads {
			if c.err != nil {
				return
			}
			f := c.runes([]rune{r, r}, jsonText)
			at.eps = append(at.eps, f.in)
			grow(f.out, rest)
		}
	}
	names := make([][]rune, len(taken))
	for i, t := range taken {
		names[i] = []rune(t)
	}
	grow(in, names)
	return c.seq(c.text(`"`), frag{in, out})
}

// plainChar is a code point in a string that needs no escape.
func (c *schemaCompiler) plainChar() frag {
	var plain byteSet
	plain.addRange(0x20, 0x7f)
	plain[0] &^= 1 << '"'
	plain[1] &^= 1 << ('\\' - 64)
	return c.alt(c.set(plain), c.multibyte())
}

func (c *schemaCompiler) arraySchema(path string, s *dict) frag {
	lo, hi, ok := c.bounds(path, s, "minItems", "maxItems")
	if !ok {
		return c.empty()
	}
	item := c.anyValue
	if items, has := s.vals["items"]; has {
		if _, isList := items.([]value); isList {
			return c.refuse(path, "items", "as a list is of an old draft; use prefixItems")
		}
		if items == false {
			item = nil
		} else {
			r := c.rule(path+"/items", items)
			item = func() frag { return c.call(r) }
		}
	}
	prefix, has := s.vals["prefixItems"].([]value)
	if s.has("prefixItems") && !has {
		return c.refuse(path, "prefixItems", "wants a list of schemas")
	}
	if item == nil && (hi < 0 || hi > len(prefix)) {
		hi = len(prefix)
	}
	if hi >= 0 && lo > hi {
		return c.refuse(path, "minItems", "is above the number of items allowed")
	}
	if len(prefix) == 0 {
		return c.list("[", "]", item, lo, hi)
	}
	return c.tuple(path, prefix, item, lo, hi)
}

// tuple is an array whose first items have schemas of their own.
func (c *schemaCompiler) tuple(path string, prefix []value, item func() frag, lo, hi int) frag {
	in := c.text("[")
	end := c.seq(c.space(), c.text("]"))
	at := in.out
	for i := 0; hi < 0 || i < hi; i++ {
		if i >= lo {
			at.eps = append(at.eps, end.in)
		}
		var f frag
		if i < len(prefix) {
			f = c.call(c.rule(fmt.Sprintf("%s/prefixItems/%d", path, i), prefix[i]))
		} else if hi < 0 && i >= lo {
			f = c.seq(c.text(","), c.space(), item())
			at.eps = append(at.eps, f.in)
			f.out.eps = append(f.out.eps, at)
			return frag{in.in, end.out}
		} else {
			f = item()
		}
		sep := c.space()
		if i > 0 {
			sep = c.seq(c.text(","), c.space())
		}
		f = c.seq(sep, f)
		at.eps = append(at.eps, f.in)
		at = f.out
		if c.err != nil {
			break
		}
	}
	at.eps = append(at.eps, end.in)
	return frag{in.in, end.out}
}

// bounds reads a pair of counts; hi is -1 when there is none.
func (c *schemaCompiler) bounds(path string, s *dict, min, max string) (lo, hi int, ok bool) {
	hi = -1
	for _, k := range []string{min, max} {
		if !s.has(k) {
			continue
		}
		num, _ := s.vals[k].(json.Number)
		r, isNum := ratOf(num)
		if !isNum || !r.IsInt() || r.Sign() < 0 || !r.Num().IsInt64() || r.Num().Int64() > maxNodes {
			c.refuse(path, k, "wants a whole number from 0 to %d", maxNodes)
			return 0, 0, false
		}
		if k == min {
			lo = int(r.Num().Int64())
		} else {
			hi = int(r.Num().Int64())
		}
	}
	if hi >= 0 && lo > hi {
		c.refuse(path, min, "is above %s", max)
		return 0, 0, false
	}
	return lo, hi, true
}

func escapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
