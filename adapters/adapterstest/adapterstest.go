// Package adapterstest makes adapters for tests.
package adapterstest

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/model"
)

// Random is a LoRA adapter of the model's modules whose paths end in one of targets
// ("q_proj", …); none: of all but the table of embeddings and the head. A is drawn
// from ±1/√in as PEFT begins, B from ±scale, and B·A counts once: inputs of size
// one change each output by about scale·√rank/3. Scale 0 leaves the model as it is.
// The same arguments give the same adapter.
func Random(t testing.TB, m *model.Model, rank int, targets []string, seed uint64, scale float64) *adapters.Adapter {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	matrix := func(rows, cols int, most float64) adapters.Tensor {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = float32((2*r.Float64() - 1) * most)
		}
		return adapters.F32(v, rows, cols)
	}
	a := &adapters.Adapter{Config: adapters.Config{Task: "CAUSAL_LM", R: rank, Alpha: float64(rank), Bias: "none"}}
	rows := map[string]int{} // of a module, all its parts together
	for _, l := range m.Linears {
		rows[l.Module] += l.W.Rows
	}
	for _, l := range m.Linears {
		if l.Start > 0 || !targeted(l.Module, targets) {
			continue
		}
		a.Config.Targets.Names = append(a.Config.Targets.Names, l.Module)
		a.Modules = append(a.Modules, &adapters.Module{
			Path: l.Module, Alpha: float64(rank),
			A: matrix(rank, l.W.Cols, 1/math.Sqrt(float64(l.W.Cols))), B: matrix(rows[l.Module], rank, scale),
		})
	}
	if len(a.Modules) == 0 {
		t.Fatalf("the model has no module that ends in one of %q", targets)
	}
	a.Seal()
	return a
}

func targeted(path string, targets []string) bool {
	if len(targets) == 0 {
		return !strings.HasSuffix(path, "embed_tokens") && !strings.HasSuffix(path, "_embeddings") && path != "lm_head"
	}
	return slices.ContainsFunc(targets, func(t string) bool { return path == t || strings.HasSuffix(path, "."+t) })
}

// WriteFolder writes a PEFT folder and returns its path.
func WriteFolder(t testing.TB, a *adapters.Adapter) string {
	t.Helper()
	dir := t.TempDir()
	if err := adapters.WritePEFT(dir, a); err != nil {
		t.Fatal(err)
	}
	return dir
}
