package metrics

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// named are all metrics that there have to be, and what each is held to: a golden file
// with values of the name, which the test that is named reads, or a test by itself.
var named = []struct {
	name   string
	golden string // in testdata; "": the test knows the values
	test   string
}{
	{"accuracy", "labels_declared.json", "TestGoldens"},
	{"balanced_accuracy", "labels_declared.json", "TestGoldens"},
	{"f1_micro", "labels_declared.json", "TestGoldens"},
	{"f1_macro", "labels_declared.json", "TestGoldens"},
	{"f1_weighted", "labels_declared.json", "TestGoldens"},
	{"mcc", "labels_declared.json", "TestGoldens"},
	{"exact_match", "texts.json", "TestGoldens"},
	{"em_strict", "texts.json", "TestGoldens"},
	{"f1_squad", "texts.json", "TestGoldens"},
	{"rouge1", "texts.json", "TestGoldens"},
	{"rouge2", "texts.json", "TestGoldens"},
	{"rouge3", "texts.json", "TestGoldens"},
	{"rougeL", "texts.json", "TestGoldens"},
	{"rougeLsum", "texts.json", "TestGoldens"},
	{"bleu", "texts.json", "TestGoldens"},
	{"chrf", "texts.json", "TestGoldens"},
	{"chrf++", "texts.json", "TestGoldens"},
	{"json_valid", "json.json", "TestJSONOracle"},
	{"json_fields", "json.json", "TestJSONOracle"},
	{"bertscore", "bertscore_minilm.json", "TestBERTScore"},
	{"embedding_similarity", "similarities.json", "TestEmbeddingSimilarityOracle"},
	{"judge", "", "TestJudgePointwise"},
	{"judge_pairwise", "", "TestJudgePairwise"},
}

// TestNamed: every metric of the list exists under its name, says how it is computed, what
// it measures and in which range, and is held to an oracle; and there is no other metric.
func TestNamed(t *testing.T) {
	tests := testsHere(t)
	o := Options{
		Labels: []string{"a", "b"},
		Embed:  func(context.Context, []string) ([][]float32, error) { return nil, nil }, EmbedModel: "e",
		Encode: func(context.Context, []string) ([]Tokenwise, error) { return nil, nil }, EncodeModel: "e",
		Judge: func(context.Context, []JudgeMessage, json.RawMessage) (string, error) { return "", nil }, JudgeModel: "j",
	}
	signatures := map[string]string{}
	for _, n := range named {
		m, err := New(n.name, o)
		if err != nil {
			t.Errorf("%s: %v", n.name, err)
			continue
		}
		info, _ := Lookup(n.name)
		if other, taken := signatures[m.Signature]; taken || !strings.HasPrefix(m.Signature, n.name+"|") {
			t.Errorf("%s is signed %q, as %q is", n.name, m.Signature, other)
		}
		signatures[m.Signature] = n.name
		if m.Name != n.name || m.Doc == "" || m.Kind == "" || !(m.Margin > 0) || !(info.Least < info.Scale) || m.Corpus == nil || m.Cases == nil && m.Kind != CorpusKind {
			t.Errorf("%s: %+v is not complete", n.name, info)
		}
		if body, ok := tests[n.test]; !ok || n.golden != "" && !strings.Contains(body, strings.TrimSuffix(n.golden, ".json")) {
			t.Errorf("%s: there is no %s that reads %s", n.name, n.test, n.golden)
		}
		if n.golden == "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join("testdata", n.golden))
		if err != nil {
			t.Error(err)
			continue
		}
		var made struct{ Made string }
		if err := json.Unmarshal(data, &made); err != nil || !strings.HasPrefix(made.Made, "reference/") {
			t.Errorf("%s does not say which script made it: %q, %v", n.golden, made.Made, err)
		}
		key := n.name
		switch n.name {
		case "bertscore":
			key = "runs"
		case "embedding_similarity":
			key = "cosine"
		}
		if !strings.Contains(string(data), `"`+key+`":`) {
			t.Errorf("%s has no values of %s", n.golden, n.name)
		}
	}
	if len(named) != len(List()) {
		t.Errorf("%d metrics are listed, and %d are there", len(named), len(List()))
	}
	for alias, name := range aliases {
		if m, err := New(alias, o); err != nil || m.Name != name {
			t.Errorf("%s stands for %+v, %v, want %s", alias, m, err, name)
		}
	}
}

// testsHere are the tests of this package, with their source.
func testsHere(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := fs.Glob(os.DirFS("."), "*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				out[fn.Name.Name] = string(text[set.Position(fn.Pos()).Offset:set.Position(fn.End()).Offset])
			}
		}
	}
	return out
}
