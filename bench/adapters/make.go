package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"graft/adapters"
	"graft/bench/harness"
	"graft/internal/model"
)

const rank = 16

var targets = []string{"q_proj", "k_proj", "v_proj", "o_proj"}

// adapter makes an adapter of random numbers, large enough to change answers.
func adapter(m *model.Model, rank int, seed uint64) *adapters.Adapter {
	rng := rand.New(rand.NewPCG(seed, 1))
	a := &adapters.Adapter{Config: adapters.Config{Task: "CAUSAL_LM", R: rank, Alpha: float64(rank), Bias: "none", Targets: adapters.Targets{Names: targets}}}
	for _, l := range m.Linears {
		if !slices.ContainsFunc(targets, func(t string) bool { return strings.HasSuffix(l.Module, "."+t) }) {
			continue
		}
		a.Modules = append(a.Modules, &adapters.Module{
			Path: l.Module, Alpha: float64(rank),
			A: normal(rng, 1/math.Sqrt(float64(l.W.Cols)), rank, l.W.Cols),
			B: normal(rng, 0.8/math.Sqrt(float64(rank)), l.W.Rows, rank),
		})
	}
	return a
}

func normal(rng *rand.Rand, deviation float64, rows, cols int) adapters.Tensor {
	v := make([]float32, rows*cols)
	for i := range v {
		v[i] = float32(deviation * rng.NormFloat64())
	}
	return adapters.F32(v, rows, cols)
}

// share is the bytes that a token reads of an adapter, over those that it reads of the
// base: A and B in 16 bits, over all matrices as they are in memory, the head among them.
// Of the table of tokens a token reads one row, and nothing of what a file holds besides.
func (b *bench) share() (float64, error) {
	m, err := model.Load(b.model, model.Options{})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	weights, added := int64(0), 0
	for _, l := range m.Linears {
		if !strings.HasSuffix(l.Module, ".embed_tokens") {
			weights += l.W.Bytes()
		}
	}
	for _, x := range adapter(m, rank, 0).Modules {
		added += 2 * (x.A.Len() + x.B.Len())
	}
	return float64(added) / float64(weights), nil
}

// folders writes n adapters for PEFT, and for llama.cpp if gguf is set, and
// returns their paths without and with the extension.
func (b *bench) folders(n, rank int, gguf bool) ([]string, error) {
	m, err := model.Load(b.model, model.Options{})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	paths := make([]string, n)
	for i := range paths {
		a := adapter(m, rank, uint64(i))
		paths[i] = filepath.Join(b.dir, "adapters", fmt.Sprintf("r%d-%d", rank, i))
		if err := adapters.WritePEFT(paths[i], a); err != nil {
			return nil, err
		}
		if gguf {
			if err := adapters.WriteGGUF(paths[i]+".gguf", a, &m.Config); err != nil {
				return nil, err
			}
		}
	}
	return paths, nil
}

// some writes n small adapters, of seeds from on.
func (b *bench) some(from, n int) ([]string, error) {
	m, err := model.Load(b.model, model.Options{})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	paths := make([]string, n)
	for i := range paths {
		paths[i] = filepath.Join(b.dir, "adapters", fmt.Sprintf("small-%d", from+i))
		if err := adapters.WritePEFT(paths[i], adapter(m, 2, uint64(from+i))); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// serving is a server that has the folders by the names a0, a1, …
func (b *bench) serving(ctx context.Context, paths []string, args ...string) (*harness.Server, error) {
	s, err := b.graft(ctx, args...)
	if err != nil {
		return nil, err
	}
	if err := register(ctx, s, paths); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// register gives the folders the names a0, a1, …
func register(ctx context.Context, s *harness.Server, paths []string) error {
	for i, path := range paths {
		if err := load(ctx, s, fmt.Sprintf("a%d", i), path, false); err != nil {
			return err
		}
	}
	return nil
}

// load registers a folder as vLLM's clients do. The answer is a sentence.
func load(ctx context.Context, s *harness.Server, name, path string, replace bool) error {
	_, err := harness.Call(ctx, http.MethodPost, s.URL+"/v1/load_lora_adapter",
		harness.Body{"lora_name": name, "lora_path": path, "load_inplace": replace}, nil)
	return err
}
