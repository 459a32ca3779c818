package evals

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxUnfolded bounds the parts of a schema with each reference put out: definitions
// that each refer to the next one twice double the work at each, and one that refers
// to itself twice does so at each level of an item.
const maxUnfolded = 500

// within counts the parts of a schema in *n; false: there are too many.
func within(s *jsonschema.Schema, n *int) bool {
	if s == nil {
		return true
	}
	if *n++; *n > maxUnfolded || s.RecursiveRef != nil || s.DynamicRef != nil {
		return false
	}
	parts := []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else, s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf, s.PrefixItems} {
		parts = append(parts, list...)
	}
	for _, p := range s.Properties {
		parts = append(parts, p)
	}
	for _, p := range s.PatternProperties {
		parts = append(parts, p)
	}
	for _, p := range s.DependentSchemas {
		parts = append(parts, p)
	}
	loose := []any{s.AdditionalProperties, s.Items, s.AdditionalItems}
	for _, d := range s.Dependencies {
		loose = append(loose, d)
	}
	for _, x := range loose {
		switch x := x.(type) {
		case *jsonschema.Schema:
			parts = append(parts, x)
		case []*jsonschema.Schema:
			parts = append(parts, x...)
		}
	}
	for _, p := range parts {
		if !within(p, n) {
			return false
		}
	}
	return true
}

// maxExponent and maxDigits bound numbers: a schema is checked in exact arithmetic,
// in which 1e999999999 has a billion digits.
const (
	maxExponent = 400
	maxDigits   = 400
)

// checkNumbers bounds the numbers of a decoded document.
func checkNumbers(v any) error {
	switch v := v.(type) {
	case json.Number:
		if len(v) > maxDigits {
			return fmt.Errorf("a number has %d digits, more than %d", len(v), maxDigits)
		}
		_, exponent, ok := strings.Cut(strings.ToLower(v.String()), "e")
		if !ok {
			return nil
		}
		if e, err := strconv.Atoi(exponent); err != nil || e > maxExponent || e < -maxExponent {
			return fmt.Errorf("the number %.40s is too large or too small", v)
		}
	case []any:
		for _, x := range v {
			if err := checkNumbers(x); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, x := range v {
			if err := checkNumbers(x); err != nil {
				return err
			}
		}
	}
	return nil
}
