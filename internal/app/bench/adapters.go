package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"graft/adapters"
	"graft/internal/model"
	"graft/serving"
)

const rank = 16

var targets = []string{"q_proj", "k_proj", "v_proj", "o_proj"}

// use is adapter i of those that loader makes.
func use(i int) []serving.AdapterUse {
	return []serving.AdapterUse{{Generation: fmt.Sprint(i), Weight: 1}}
}

// loader makes adapters of random numbers; a generation is the seed.
type loader struct{}

// AdapterBytes is a bound: an adapter is fitted when it is loaded.
func (loader) AdapterBytes(context.Context, string) (int64, error) { return 16 << 20, nil }

func (loader) LoadAdapter(_ context.Context, _ string, m *model.Model, generation string) (*model.Adapter, error) {
	seed := uint64(0)
	if _, err := fmt.Sscan(generation, &seed); err != nil {
		return nil, fmt.Errorf("adapter %q: %w", generation, err)
	}
	a := random(m, seed)
	bound, err := adapters.NewBase(m).Fit(a)
	if err != nil {
		return nil, err
	}
	return bound.Compile()
}

// random is an adapter whose update is about as large as what it is added to.
func random(m *model.Model, seed uint64) *adapters.Adapter {
	rng := rand.New(rand.NewPCG(seed, 1))
	a := &adapters.Adapter{Config: adapters.Config{R: rank, Alpha: rank, Bias: "none", Targets: adapters.Targets{Names: targets}}}
	normal := func(deviation float64, rows, cols int) adapters.Tensor {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = float32(deviation * rng.NormFloat64())
		}
		return adapters.F32(v, rows, cols)
	}
	for _, l := range m.Linears {
		if slices.ContainsFunc(targets, func(t string) bool { return strings.HasSuffix(l.Module, "."+t) }) {
			a.Modules = append(a.Modules, &adapters.Module{
				Path: l.Module, Alpha: rank,
				A: normal(1/math.Sqrt(float64(l.W.Cols)), rank, l.W.Cols),
				B: normal(1/math.Sqrt(rank), l.W.Rows, rank),
			})
		}
	}
	a.Seal()
	return a
}
