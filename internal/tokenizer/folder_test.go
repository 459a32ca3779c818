package tokenizer

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder writes a model folder; a file with no text is left out.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"tokenizer.json": small(map[string]string{
		"added_tokens": `[{"id":3,"content":"<s>","special":true},{"id":4,"content":"</s>","special":true},{"id":5,"content":"<|im_end|>","special":true},{"id":6,"content":"<tool>"},{"id":7,"content":"<|eot_id|>"}]`,
	})}
	maps.Copy(all, files)
	for name, text := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFromFolder(t *testing.T) {
	for _, c := range []struct {
		name      string
		files     map[string]string
		want      want
		encoded   []int32 // of "ab", with the template
		templates map[string]string
	}{
		{
			"tokenizer.json alone", nil,
			want{size: 8, bos: -1, eos: -1, pad: -1, unk: -1, eog: []int32{5}}, []int32{2}, nil,
		},
		{
			"the usual", map[string]string{
				"tokenizer_config.json":  `{"bos_token":"<s>","eos_token":{"content":"</s>","lstrip":false},"pad_token":null,"unk_token":"a","add_bos_token":true,"chat_template":"T","model_max_length":1000000000000000019884624838656}`,
				"generation_config.json": `{"eos_token_id":[4,6]}`, "config.json": `{"eos_token_id":4}`,
			},
			want{size: 8, bos: 3, eos: 4, pad: -1, unk: 0, addBOS: true, chatTemplate: true, eog: []int32{4, 5, 6}}, []int32{3, 2}, map[string]string{"default": "T"},
		},
		{
			"both ends", map[string]string{
				"tokenizer_config.json":   `{"add_bos_token":true,"add_eos_token":true,"eos_token":"</s>"}`,
				"special_tokens_map.json": `{"bos_token":{"content":"<s>"},"eos_token":"<s>","additional_special_tokens":["<|eot_id|>"]}`,
			},
			want{size: 8, bos: 3, eos: 4, pad: -1, unk: -1, addBOS: true, addEOS: true, eog: []int32{4, 5, 7}}, []int32{3, 2, 4}, nil,
		},
		{
			"a template that the configuration takes back", map[string]string{
				"tokenizer.json": small(map[string]string{
					"added_tokens": `[{"id":3,"content":"<s>","special":true},{"id":4,"content":"</s>","special":true}]`, "post_processor": `{"type":"BertProcessing","cls":["<s>",3],"sep":["</s>",4]}`,
				}),
				"tokenizer_config.json": `{"add_eos_token":false,"bos_token":"<s>","eos_token":"</s>"}`,
			},
			want{size: 5, bos: 3, eos: 4, pad: -1, unk: -1, eog: []int32{4}}, []int32{2}, nil,
		},
		{
			"named templates", map[string]string{
				"tokenizer_config.json": `{"chat_template":[{"name":"default","template":"D"},{"name":"tool_use","template":"U"}]}`,
			},
			want{size: 8, bos: -1, eos: -1, pad: -1, unk: -1, chatTemplate: true, eog: []int32{5}}, []int32{2}, map[string]string{"default": "D", "tool_use": "U"},
		},
		{
			"templates in files", map[string]string{
				"tokenizer_config.json": `{"chat_template":"old"}`, "chat_template.jinja": "new\n", "additional_chat_templates/rag.jinja": "R",
			},
			want{size: 8, bos: -1, eos: -1, pad: -1, unk: -1, chatTemplate: true, eog: []int32{5}}, []int32{2}, map[string]string{"default": "new\n", "rag": "R"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok, err := FromFolder(folder(t, c.files))
			if err != nil {
				t.Fatal(err)
			}
			checkSpecials(t, tok, c.want)
			if ids := tok.Encode("ab", EncodeOptions{AddSpecial: true}); !slices.Equal(ids, c.encoded) {
				t.Errorf("ids %v, want %v", ids, c.encoded)
			}
			if !maps.Equal(tok.Templates(), c.templates) {
				t.Errorf("templates %q, want %q", tok.Templates(), c.templates)
			}
		})
	}
}

func TestBrokenFolder(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no tokenizer.json", map[string]string{"tokenizer.json": ""}, "no tokenizer.json; save the tokenizer"},
		{"broken tokenizer.json", map[string]string{"tokenizer.json": "{"}, "ends too soon"},
		{"broken configuration", map[string]string{"tokenizer_config.json": "{"}, "tokenizer_config.json"},
		{"a token that is a number", map[string]string{"tokenizer_config.json": `{"bos_token":5}`}, "bos_token"},
		{"a flag that is a text", map[string]string{"tokenizer_config.json": `{"add_bos_token":"yes"}`}, "add_bos_token"},
		{"a template that is a number", map[string]string{"tokenizer_config.json": `{"chat_template":5}`}, "chat_template"},
		{"ids that are texts", map[string]string{"generation_config.json": `{"eos_token_id":"</s>"}`}, "eos_token_id"},
	} {
		if _, err := FromFolder(folder(t, c.files)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
