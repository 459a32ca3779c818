package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestManyTexts: thousands of texts that begin alike cost no more to follow than
// one, and each of them, and nothing else, is accepted.
func TestManyTexts(t *testing.T) {
	options := []string{"", "a", "ab", "ab", "b", "日本", "日"}
	for i := range 5000 {
		options = append(options, fmt.Sprintf("value number %d", i))
	}
	list, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		c     Constraint
		quote string
	}{
		"choice": {Choice(options), ""},
		"enum":   {JSONSchema([]byte(`{"enum":` + string(list) + `}`)), `"`},
	} {
		g, err := Compile(c.c, toyVocabulary())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, o := range options {
			if !accepts(g, c.quote+o+c.quote) {
				t.Errorf("%s: %q is refused", name, o)
			}
		}
		for _, o := range []string{"abc", "value number ", "value number 5000", "value number 01", "日本語", "\xe6"} {
			if accepts(g, c.quote+o+c.quote) {
				t.Errorf("%s: %q is accepted", name, o)
			}
		}
		m := g.Start()
		if !m.AcceptText([]byte(c.quote + "value")) {
			t.Fatalf("%s: a beginning is refused", name)
		}
		if n := len(m.at.configs); n != 1 {
			t.Errorf("%s: %d ways are followed where all texts agree", name, n)
		}
	}
}

// TestTooAmbiguous: what would take long to follow is an error that can be told
// from a mistake of the program.
func TestTooAmbiguous(t *testing.T) {
	var properties []string
	for i := range 5000 {
		properties = append(properties, fmt.Sprintf(`"p%d":{"type":"string"}`, i))
	}
	for name, c := range map[string]struct{ schema, text string }{
		"optional properties": {`{"type":"object","properties":{` + strings.Join(properties, ",") + `}}`, ""},
		"one wide state":      {`{"type":"string","pattern":"^(.?){1000}$"}`, ""},
		"many states":         {`{"type":"string","pattern":"^(.?){250}$"}`, `"`},
	} {
		g, err := Compile(JSONSchema([]byte(c.schema)), toyVocabulary())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m := g.Start()
		if !m.AcceptText([]byte(c.text)) {
			t.Fatalf("%s: %q is refused", name, c.text)
		}
		if _, err := m.Mask(); !errors.Is(err, ErrTooAmbiguous) {
			t.Errorf("%s: %v", name, err)
		}
		if g.work > maxWork+1 {
			t.Errorf("%s: %d configs were followed", name, g.work)
		}
	}
}
