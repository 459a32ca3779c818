package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func document(t *testing.T) map[string]any {
	t.Helper()
	h, _ := newTest(t)
	var doc map[string]any
	if err := yaml.Unmarshal(do(h, "GET", "/openapi.yaml", "").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(doc) // maps and numbers as a JSON reader makes them
	if err != nil {
		t.Fatal(err)
	}
	doc, _ = parse(t, string(raw)).(map[string]any)
	return doc
}

// Every route is described, and nothing else is.
func TestOpenAPIRoutes(t *testing.T) {
	h, _ := newTest(t)
	var routes, described []string
	for _, r := range h.(*gin.Engine).Routes() {
		var path []string
		for _, part := range strings.Split(r.Path, "/") {
			if strings.HasPrefix(part, ":") || strings.HasPrefix(part, "*") {
				part = "{" + part[1:] + "}"
			}
			path = append(path, part)
		}
		routes = append(routes, r.Method+" "+strings.Join(path, "/"))
	}
	for path, operations := range document(t)["paths"].(map[string]any) {
		for method := range operations.(map[string]any) {
			if method == "parameters" || method == "description" { // of all methods
				continue
			}
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(routes)
	slices.Sort(described)
	if diff := cmp.Diff(routes, described); diff != "" {
		t.Errorf("-routes +described:\n%s", diff)
	}
}

// Every reference leads somewhere.
func TestOpenAPIReferences(t *testing.T) {
	doc := document(t)
	count := 0
	var walk func(x any)
	walk = func(x any) {
		switch x := x.(type) {
		case map[string]any:
			if ref, ok := x["$ref"].(string); ok {
				count++
				var at any = doc
				for _, key := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
					at = at.(map[string]any)[key]
				}
				if at == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, v := range x {
				walk(v)
			}
		case []any:
			for _, v := range x {
				walk(v)
			}
		}
	}
	walk(doc)
	if count < 50 {
		t.Errorf("only %d references", count)
	}
}

// described are the routes whose bodies have a schema of their own.
var described = map[string]struct{ request, reply string }{
	"/v1/chat/completions":       {"ChatRequest", "ChatCompletion"},
	"/v1/completions":            {"CompletionRequest", "Completion"},
	"/v1/embeddings":             {"EmbeddingRequest", "EmbeddingList"},
	"/v1/responses":              {"ResponseRequest", "Response"},
	"/v1/responses/input_tokens": {"ResponseInput", ""},
	"/tokenize":                  {"TokenizeRequest", "Tokens"},
}

func schemas(t *testing.T) func(name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", document(t)); err != nil {
		t.Fatal(err)
	}
	return func(name string) *jsonschema.Schema {
		s, err := c.Compile("openapi.json#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// The requests and replies of the transcripts are as described.
func TestOpenAPITranscripts(t *testing.T) {
	schema := schemas(t)
	files, _ := filepath.Glob("testdata/transcripts/*.txt")
	checked := 0
	check := func(file, name, body string) {
		checked++
		if err := schema(name).Validate(parse(t, body)); err != nil {
			t.Errorf("%s: %v in %s", file, err, body)
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, exchange := range strings.Split(string(text), "====\n") {
			ask, reply, _ := strings.Cut(exchange, "----\n")
			line, body, _ := strings.Cut(ask, "\n")
			head, answer, _ := strings.Cut(reply, "\n\n")
			_, path, _ := strings.Cut(line, " ")
			d, ok := described[path]
			if !ok || body == "" {
				continue
			}
			check(file, d.request, body)
			switch {
			case !strings.HasPrefix(head, "200"):
				check(file, "Error", answer)
			case strings.Contains(head, "application/json") && d.reply != "":
				check(file, d.reply, answer)
			}
		}
	}
	if checked < 15 {
		t.Errorf("only %d bodies were checked", checked)
	}
}

// The server knows every field that is described.
func TestOpenAPIFields(t *testing.T) {
	doc := document(t)["components"].(map[string]any)["schemas"].(map[string]any)
	var properties func(schema map[string]any) map[string]bool
	properties = func(schema map[string]any) map[string]bool {
		names := map[string]bool{}
		if ref, ok := schema["$ref"].(string); ok {
			schema = doc[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
		}
		fields, _ := schema["properties"].(map[string]any)
		for name := range fields {
			names[name] = true
		}
		all, _ := schema["allOf"].([]any)
		for _, part := range all {
			maps.Copy(names, properties(part.(map[string]any)))
		}
		return names
	}
	h, _ := newTest(t)
	least := map[string]string{
		"/v1/chat/completions": `"model":"fake","messages":[{"role":"user","content":"x"}]`, "/v1/completions": `"model":"fake","prompt":"x"`,
		"/v1/embeddings": `"model":"fake-embed","input":"x"`, "/v1/responses": `"model":"fake","input":"x"`,
		"/v1/responses/input_tokens": `"model":"fake","input":"x"`, "/tokenize": `"model":"fake","messages":[{"role":"user","content":"x"}]`,
	}
	for path, d := range described {
		for name := range properties(map[string]any{"$ref": "#/components/schemas/" + d.request}) {
			if strings.Contains(least[path], `"`+name+`":`) || path == "/tokenize" && name == "prompt" {
				continue
			}
			w := do(h, "POST", path, fmt.Sprintf(`{%s,%q:null}`, least[path], name))
			if w.Code != 200 {
				t.Errorf("%s: %s is described, but: %s", path, name, w.Body)
			}
		}
	}
}
