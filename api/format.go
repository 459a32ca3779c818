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

// maxChoices bounds the strings of a choice.
const maxChoices = 1024

// constraints reads response_format, and vLLM's fields for the same purpose:
// structured_outputs, and guided_… before it. There may be one of them.
func constraints(o *object, f *serving.Format) {
	var given []string
	if v, ok := o.value("response_format"); ok {
		*f, given = responseFormat(v), append(given, "response_format")
	}
	read := func(o *object, prefix string) {
		if v, ok := o.value(prefix + "json"); ok {
			*f, given = serving.Format{Type: "json_schema", Schema: schema(v)}, append(given, v.path)
		}
		if v, ok := o.value(prefix + "regex"); ok {
			*f, given = serving.Format{Type: "regex", Regex: v.string()}, append(given, v.path)
		}
		if v, ok := o.value(prefix + "choice"); ok {
			*f, given = serving.Format{Type: "choice", Choice: choices(v)}, append(given, v.path)
		}
	}
	read(o, "guided_")
	o.object("structured_outputs", func(o *object) { read(o, "") })
	if len(given) > 1 {
		o.d.fail(invalid(given[1], "invalid_parameter_combination", "Setting '%s' and '%s' at the same time is not supported.", given[0], given[1]))
	}
}

func choices(v value) (list []string) {
	v.items(maxChoices, func(_ int, item value) { list = append(list, item.string()) })
	if len(list) == 0 {
		v.d.fail(invalid(v.path, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", v.path))
	}
	return list
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
