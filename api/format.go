package api

import (
	"encoding/json"
	"strings"

	"graft/serving"
)

// responseFormat reads response_format of chat completions.
func responseFormat(v value) (f serving.Format) {
	v.object(func(o *object) {
		formatType(o, &f)
		if f.Type != "json_schema" {
			return
		}
		o.require("json_schema")
		o.object("json_schema", func(o *object) { formatSchema(o, &f) })
	})
	return f
}

func formatType(o *object, f *serving.Format) {
	o.require("type")
	o.enum("type", &f.Type, "text", "json_object", "json_schema")
}

// formatSchema reads a named schema. The answer always follows it, so strict
// has nothing to add.
func formatSchema(o *object, f *serving.Format) {
	o.require("name")
	if v, ok := o.value("name"); ok {
		checkName(v, v.string())
	}
	o.accept("description", "strict")
	o.require("schema")
	if v, ok := o.value("schema"); ok {
		f.Schema = schema(v)
	}
}

// templateVars reads chat_template_kwargs: whole numbers stay whole, since a
// template prints 1 and 1.0 differently.
func templateVars(v value) map[string]any {
	if v.kind() != "object" {
		v.wrongType("an object")
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(string(v.raw)))
	dec.UseNumber()
	var vars map[string]any
	if err := dec.Decode(&vars); err != nil {
		v.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': %v.", v.path, err))
		return nil
	}
	return plainNumbers(vars).(map[string]any)
}

func plainNumbers(x any) any {
	switch x := x.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64() // out of range: infinity, as Python reads it
		return f
	case map[string]any:
		for k, v := range x {
			x[k] = plainNumbers(v)
		}
	case []any:
		for i, v := range x {
			x[i] = plainNumbers(v)
		}
	}
	return x
}
