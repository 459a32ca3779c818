package jobs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/training"
)

// Recipes.
const (
	Classic = "classic" // LoRA on the attention, rank 16, rate 2e-4
	Auto    = "auto"    // all linear layers, the rest by the size of model and data
)

// data is what a recipe knows of a job's rows.
type data struct {
	examples, targets int  // to train on
	valid             bool // there are some to validate with
}

// settings are all choices of a training.
type settings struct {
	hyper   Hyper
	targets []string
	rank    int
	alpha   float64
	dropout float64
	rslora  bool
	dora    bool
	options training.Options
	most    *float64 // that may be forgotten; nil: no bound
	plan    Plan     // Recipe and Choices
}

// resolve chooses what spec leaves open.
func resolve(spec *Spec, m *model.Model, d data) (*settings, error) {
	g := &spec.Settings
	s := &settings{options: training.DefaultOptions()}
	s.plan.Recipe = cmp.Or(g.Recipe, Auto)
	auto := s.plan.Recipe == Auto
	say := func(name string, value any, given bool, why string) {
		if given {
			why = "as asked for"
		}
		s.plan.Choices = append(s.plan.Choices, Choice{name, value, why})
	}

	s.targets, s.rslora, s.dora = g.Targets, or(g.RSLoRA, false), or(g.DoRA, false)
	why := "the attention's projections, as is usual"
	if len(s.targets) == 0 {
		if s.targets = attention(m); auto {
			s.targets, why = []string{"all-linear"}, "adapters of all layers learn better than those of the attention alone, at the same number of parameters (LoRA Without Regret, 2025)"
		}
	}
	paths, err := training.Targets(m, s.targets)
	if err != nil {
		return nil, &InvalidError{s.at(spec, "targets"), err.Error()}
	}
	say("targets", s.targets, len(g.Targets) > 0, why)

	rank, why := 16, "the usual one"
	if auto {
		rank, why = rankFor(m, paths, d.targets)
	}
	s.rank = or(g.Rank, rank)
	say("rank", s.rank, g.Rank != nil, why)

	alpha, why := float64(s.rank), "alpha = rank: updates count once"
	if auto && !s.rslora {
		alpha, why = 32, "with alpha fixed the best learning rate hardly depends on the rank"
	}
	s.alpha = or(g.Alpha, alpha)
	say("alpha", s.alpha, g.Alpha != nil, why)

	dropout, why := 0.05, "the usual one"
	if auto {
		switch {
		case d.examples < 1000:
			dropout, why = 0.1, fmt.Sprintf("%d examples are few, and soon learnt by heart", d.examples)
		case d.examples >= 10000:
			dropout, why = 0, fmt.Sprintf("%d examples are not learnt by heart", d.examples)
		}
	}
	s.dropout = or(g.Dropout, dropout)
	say("dropout", s.dropout, g.Dropout != nil, why)

	s.schedule(spec, d, say)
	s.rate(spec, m, auto, say)

	o := &s.options
	o.Schedule = training.Schedule(cmp.Or(g.Schedule, string(training.Cosine)))
	say("schedule", string(o.Schedule), g.Schedule != "", "the rate falls along half a cosine")
	o.AdamW.Decay = or(g.WeightDecay, 0)
	o.Clip = or(g.Clip, o.Clip)
	o.Seed = uint64(*spec.Seed)
	if !or(g.Packing, true) {
		o.MicroTokens = 1
	}
	s.precision(g, say)
	if s.most = g.MaxForgetting; s.most != nil {
		say("max_forgetting", *g.MaxForgetting, true, "")
	}
	if spec.Method == DPO {
		s.hyper.Beta = spec.Hyper.Beta
		if s.hyper.Beta == 0 {
			s.hyper.Beta = 0.1
		}
		say("beta", s.hyper.Beta, spec.Hyper.Beta > 0, "the one of the method's paper")
	}
	return s, nil
}

// precision chooses that of products. The difference to float32 is far below what the
// order of the rows makes, so all recipes take the faster one.
func (s *settings) precision(g *Settings, say func(string, any, bool, string)) {
	name, why := g.Precision, "as good as float32 and faster, on processors with AMX"
	if name == "" {
		name = kernel.Split.String()
	}
	if s.options.Precision, _ = kernel.PrecisionOf(name); !s.options.Precision.Fast() { // check has seen the name
		why = "this processor has no AMX: it computes in float32"
		if kernel.Half.Fast() {
			why += "; bf16 is faster, and less exact"
		}
	}
	say("precision", name, g.Precision != "", why)
}

func (s *settings) at(spec *Spec, key string) string {
	return "method." + spec.Method + ".hyperparameters.graft." + key
}

// schedule chooses epochs, batches, warm-up and when to validate.
func (s *settings) schedule(spec *Spec, d data, say func(string, any, bool, string)) {
	g, o := &spec.Settings, &s.options
	epochs, why := autoEpochs(d.examples)
	if spec.Hyper.Epochs > 0 {
		epochs = spec.Hyper.Epochs
	}
	s.hyper.Epochs, o.Epochs = epochs, epochs
	say("n_epochs", epochs, spec.Hyper.Epochs > 0, why)

	batch := 16
	for batch > 1 && epochs*d.examples/batch < 100 {
		batch /= 2
	}
	why = "the largest up to 16 that leaves 100 steps"
	if spec.Hyper.Batch > 0 {
		batch = spec.Hyper.Batch
	}
	s.hyper.Batch, o.Batch = batch, batch*or(g.Accumulation, 1)
	say("batch_size", batch, spec.Hyper.Batch > 0, why)

	steps := epochs * ((d.examples + o.Batch - 1) / o.Batch)
	o.Warmup = or(g.Warmup, steps*3/100)
	say("warmup_steps", o.Warmup, g.Warmup != nil, "3 % of the steps")
	o.ValidateEvery = or(g.EvalSteps, 0)
	o.MinDelta = or(g.MinDelta, 0)
	if d.valid {
		o.Patience = or(g.Patience, 2)
		say("patience", o.Patience, g.Patience != nil, "the training ends when the validation loss has not fallen for so many validations; the best checkpoint is kept")
	}
}

// autoEpochs aims at 3 epochs, with 100 to 25,000 examples seen, and 1 to 25 epochs, as
// OpenAI's cookbook has it.
func autoEpochs(examples int) (epochs int, why string) {
	switch {
	case examples*3 < 100:
		return min(25, max(1, 100/max(1, examples))), "so that about 100 examples are seen"
	case examples*3 > 25000:
		return max(1, 25000/examples), "so that at most 25000 examples are seen"
	}
	return 3, "3 where 100 to 25000 examples are seen so"
}

// rate chooses the learning rate.
func (s *settings) rate(spec *Spec, m *model.Model, auto bool, say func(string, any, bool, string)) {
	g := &spec.Settings
	rate, why := 2e-4, "the usual one"
	if auto {
		rate, why = autoRate(m.Config.Params, s.options.Batch)
	}
	s.hyper.RateMultiplier = spec.Hyper.RateMultiplier
	if s.hyper.RateMultiplier == 0 {
		s.hyper.RateMultiplier = 1
	}
	if spec.Hyper.RateMultiplier > 0 {
		why = fmt.Sprintf("%g times the recipe's", s.hyper.RateMultiplier)
	}
	s.options.LearningRate = or(g.LearningRate, rate*s.hyper.RateMultiplier)
	say("learning_rate", s.options.LearningRate, g.LearningRate != nil, why)
}

// sweptBatch is how many examples a step of the sweep behind autoRate had.
const sweptBatch = 128

// autoRate starts from the best rates of a published sweep: 1e-3 for Llama 3.2 1B and 3B
// and Qwen 3 4B, 3e-4 for Llama 3.1 8B and 70B, with alpha 32, 780 steps of 128 examples
// (tinker-cookbook, hyperparam_utils.py at 02face3, which gave up its earlier formula by
// width for it). Qwen 3 8B's 1e-3 is the exception that this leaves out. Models
// below 1B were not swept. Smaller steps take the square root of their share, as Adam
// wants (Malladi et al., "On the SDEs and scaling rules for adaptive gradient
// algorithms", 2022); larger ones take no more than was tried.
func autoRate(params int64, batch int) (rate float64, why string) {
	swept, size := 1e-3, "up to 5"
	if params > 5e9 {
		swept, size = 3e-4, "beyond 5"
	}
	rate = swept * math.Sqrt(min(1, float64(batch)/sweptBatch))
	rate = math.Round(rate*1e6) / 1e6
	return rate, fmt.Sprintf("%g was best for models of %s billion parameters in the tinker cookbook's sweep, whose steps had %d examples; times the root of %d/%d for steps of %d", swept, size, sweptBatch, min(batch, sweptBatch), sweptBatch, batch)
}

// rankFor is a rank by which the adapter has at least one parameter for each token that
// is learnt: it can hold about two bits for each (LoRA Without Regret, 2025).
func rankFor(m *model.Model, paths []string, targets int) (int, string) {
	perRank := 0
	for _, l := range m.Linears {
		if slices.Contains(paths, l.Module) {
			perRank += l.W.Rows
			if l.Start == 0 {
				perRank += l.W.Cols
			}
		}
	}
	rank := 8
	for rank < 128 && rank*perRank < targets {
		rank *= 2
	}
	return rank, fmt.Sprintf("the least from 8 to 128 that gives each of the %d tokens to learn a parameter", targets)
}

// attention are the last names of the attention's projections, as the model has them.
func attention(m *model.Model) (names []string) {
	for _, l := range m.Linears {
		if i := strings.LastIndex(l.Module, ".self_attn."); i >= 0 {
			if name := l.Module[i+len(".self_attn."):]; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// targets are the last parts of the paths of an adapter's modules where they name no
// others of the model, else whole paths.
func targets(m *model.Model, a *training.Adapter) (names []string) {
	adapted := map[string]bool{}
	for _, mod := range a.Modules {
		adapted[mod.Path] = true
	}
	leaf := func(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
	partly := map[string]bool{}
	for _, l := range m.Linears {
		if !adapted[l.Module] {
			partly[leaf(l.Module)] = true
		}
	}
	for _, mod := range a.Modules {
		name := leaf(mod.Path)
		if partly[name] {
			name = mod.Path
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// or is what p points to, or else.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
