package chat

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// openAIMessage is a message as it comes over the wire.
type openAIMessage struct {
	Role       string
	Content    json.RawMessage
	Reasoning  string `json:"reasoning_content"`
	Name       string
	ToolCallID string `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string
		Function struct{ Name, Arguments string }
	} `json:"tool_calls"`
}

func (m openAIMessage) message() Message {
	out := Message{Role: m.Role, Reasoning: m.Reasoning, Name: m.Name, ToolCallID: m.ToolCallID}
	var text string
	if string(m.Content) != "null" && json.Unmarshal(m.Content, &out.Content) != nil && json.Unmarshal(m.Content, &text) == nil {
		out.Content, out.Plain = []Part{{"text", text}}, true
	}
	for _, c := range m.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, ToolCall{c.ID, c.Function.Name, c.Function.Arguments})
	}
	return out
}

type renderCase struct {
	Name      string
	Messages  []openAIMessage
	Tools     []json.RawMessage
	Generate  bool
	Go_On     bool
	Vars      map[string]any
	Documents []Document
}

// TestRender compares with transformers' apply_chat_template.
func TestRender(t *testing.T) {
	if equal := checkRender(t, "testdata/render.json.gz", "jinja/testdata/templates"); equal < 150 {
		t.Errorf("only %d texts were compared", equal)
	}
}

// TestRenderPublished does the same, by digest, for the templates in the folder
// that GRAFT_TEST_TEMPLATES names: reference/chat_engine.py says where they are
// from.
func TestRenderPublished(t *testing.T) {
	dir := os.Getenv("GRAFT_TEST_TEMPLATES")
	if dir == "" {
		t.Skip("GRAFT_TEST_TEMPLATES is not set")
	}
	checkRender(t, "testdata/published.json.gz", dir)
}

func checkRender(t *testing.T, expected, dir string) (equal int) {
	t.Helper()
	f, err := os.Open(expected)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Now      string
		Cases    []renderCase
		Expected map[string]struct {
			SHA256  string
			Results []*string // a text, or its digest; nil: refused
		}
	}
	if err := json.NewDecoder(z).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse("2006-01-02T15:04:05", doc.Now)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.jinja"))
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{} // by digest
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(src)
		sources[hex.EncodeToString(sum[:])] = string(src)
	}
	refused, kinder, told := 0, 0, 0
	for name, e := range doc.Expected {
		src, ok := sources[e.SHA256]
		if !ok {
			t.Logf("%s is not in %s", name, dir)
			continue
		}
		c, err := Compile(src, SpecialTokens{BOS: "<s>", EOS: "</s>", Pad: "<pad>", Unk: "<unk>"})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range e.Results {
			in := doc.Cases[i]
			out, err := c.Render(in.input(now))
			switch {
			case !c.native(in):
				told++ // the template cannot express it: we go a way of our own
				if err != nil && want != nil {
					t.Errorf("%s, %s: %v", name, in.Name, err)
				}
			case err != nil && want == nil:
				refused++
			case err != nil:
				t.Errorf("%s, %s: %v, want %q", name, in.Name, err, *want)
			case want == nil:
				kinder++
				t.Logf("%s, %s: transformers refuses it", name, in.Name)
			case out.Text != *want && digest(out.Text) != *want:
				t.Errorf("%s, %s:\nhave %q\nwant %q", name, in.Name, out.Text, *want)
			default:
				equal++
			}
		}
	}
	t.Logf("%d equal, %d refused by both, %d by transformers only, %d beyond the template", equal, refused, kinder, told)
	return equal
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

func (in renderCase) input(now time.Time) Input {
	out := Input{AddGenerationPrompt: in.Generate, ContinueFinal: in.Go_On, Now: now, Vars: map[string]any{}}
	for _, m := range in.Messages {
		out.Messages = append(out.Messages, m.message())
	}
	for _, raw := range in.Tools {
		out.Tools = append(out.Tools, Tool{Raw: raw})
	}
	for name, v := range in.Vars {
		if name != "documents" {
			out.Vars[name] = v
			continue
		}
		for _, d := range v.([]any) {
			m := d.(map[string]any)
			out.Documents = append(out.Documents, Document{m["title"].(string), m["text"].(string)})
		}
	}
	return out
}

// native tells whether the template can express all of a case.
func (t *Template) native(in renderCase) bool {
	for _, m := range in.Messages {
		parts := m.message()
		if (len(m.ToolCalls) > 0 || m.Role == "tool") && !(t.caps.tools && t.caps.calls && t.caps.results) || t.caps.textArguments && len(m.ToolCalls) > 0 ||
			parts.Content != nil && !parts.Plain && !t.caps.parts || parts.Plain && t.caps.onlyParts || parts.Content == nil && t.caps.needsContent {
			return false
		}
	}
	return len(in.Tools) == 0 || t.caps.tools
}
