package adapterstest_test

import (
	"path/filepath"
	"testing"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/model"
)

// TestRandom: adapters of every architecture fit it, and come back from a folder.
func TestRandom(t *testing.T) {
	for _, name := range []string{"llama", "phi3", "gemma3", "qwen2"} {
		m, err := model.Load(filepath.Join("..", "..", "internal", "model", "testdata", name), model.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		a := adapterstest.Random(t, m, 4, nil, 1, 0.1)
		b, err := adapters.NewBase(m).Check(a)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b.Report.Applied != b.Report.Expected || b.Report.Norm <= 0 {
			t.Errorf("%s: %+v", name, b.Report)
		}
		if again := adapterstest.Random(t, m, 4, nil, 1, 0.1); again.Generation != a.Generation {
			t.Errorf("%s: the same arguments, another adapter", name)
		}
		if other := adapterstest.Random(t, m, 4, nil, 2, 0.1); other.Generation == a.Generation {
			t.Errorf("%s: another seed, the same adapter", name)
		}
		back, err := adapters.ReadPEFT(adapterstest.WriteFolder(t, a), adapters.Limits{})
		if err != nil || back.Generation != a.Generation {
			t.Errorf("%s: %v", name, err)
		}
	}
}
