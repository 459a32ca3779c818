package grammar

import "slices"

// disjoint tells whether no value can match two of the schemas: they differ in
// type, or they are objects told apart by a required property with constants.
func (c *schemaCompiler) disjoint(list []value) bool {
	for i := range list {
		for j := range i {
			if !c.exclude(c.follow(list[i]), c.follow(list[j])) {
				return false
			}
		}
	}
	return true
}

// follow resolves a schema that is only a reference, a few steps deep.
func (c *schemaCompiler) follow(v value) *dict {
	for range 8 {
		s, ok := v.(*dict)
		if !ok {
			return nil
		}
		ref, ok := s.vals["$ref"].(string)
		if !ok {
			return s
		}
		if len(ref) == 0 || ref[0] != '#' || len(ref) > 1 && ref[1] != '/' {
			return nil
		}
		if v, ok = lookup(c.root, ref[1:]); !ok {
			return nil
		}
	}
	return nil
}

func (c *schemaCompiler) exclude(a, b *dict) bool {
	if a == nil || b == nil {
		return false
	}
	if x, y := constants(a), constants(b); x != nil && y != nil {
		return !slices.ContainsFunc(x, func(v string) bool { return slices.Contains(y, v) })
	}
	x, y := typeSet(a), typeSet(b)
	if x == nil || y == nil {
		return false
	}
	if !slices.ContainsFunc(x, func(t string) bool { return slices.Contains(y, t) }) {
		return true
	}
	if len(x) > 1 || len(y) > 1 || x[0] != "object" {
		return false
	}
	p, _ := a.vals["properties"].(*dict)
	q, _ := b.vals["properties"].(*dict)
	if p == nil || q == nil {
		return false
	}
	for _, k := range p.keys {
		if !required(a, k) || !required(b, k) {
			continue
		}
		x, y := constants(c.follow(p.vals[k])), constants(c.follow(q.vals[k]))
		if x != nil && y != nil && !slices.ContainsFunc(x, func(v string) bool { return slices.Contains(y, v) }) {
			return true
		}
	}
	return false
}

func required(s *dict, key string) bool {
	list, _ := s.vals["required"].([]value)
	return slices.Contains(list, value(key))
}

// constants are the values a const or enum allows, as JSON text; nil if it has neither.
func constants(s *dict) []string {
	if s == nil {
		return nil
	}
	if s.has("const") {
		return []string{canonical(s.vals["const"])}
	}
	list, ok := s.vals["enum"].([]value)
	if !ok {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = canonical(v)
	}
	return out
}

// typeSet is the types named by a schema or implied by its constants, numbers
// and integers counted as one; nil if it names none.
func typeSet(s *dict) []string {
	var types []string
	add := func(t string) {
		if t == "integer" {
			t = "number"
		}
		types = append(types, t)
	}
	switch t := s.vals["type"].(type) {
	case string:
		add(t)
	case []value:
		for _, e := range t {
			if name, ok := e.(string); ok {
				add(name)
			}
		}
	default:
		if s.has("const") {
			add(typeOf(s.vals["const"]))
		}
		if list, ok := s.vals["enum"].([]value); ok {
			for _, v := range list {
				add(typeOf(v))
			}
		}
	}
	return types
}
