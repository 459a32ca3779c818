package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"graft/serving"
)

// goldenSampling is testdata/sampler.json, written by reference/sampler.py.
type goldenSampling struct {
	Prompt, Output []int32
	Logits         map[string][]float32
	Logprobs       map[string][]float64
	Cases          []struct {
		Logits              string
		Temperature         *float32
		TopK                int      `json:"top_k"`
		TopP                *float32 `json:"top_p"`
		MinP                float32  `json:"min_p"`
		Repetition          *float32
		Frequency, Presence float32
		LogitBias           map[string]float32 `json:"logit_bias"`
		Mask                []int32
		Want                map[string]float64
	}
}

func readGolden(t *testing.T) *goldenSampling {
	t.Helper()
	data, err := os.ReadFile("testdata/sampler.json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(goldenSampling)
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// only allows a fixed set of tokens.
type only []int32

func (o only) Mask() ([]uint64, error) {
	var allowed []uint64
	for _, id := range o {
		for len(allowed) <= int(id/64) {
			allowed = append(allowed, 0)
		}
		allowed[id/64] |= 1 << (id % 64)
	}
	return allowed, nil
}

func (o only) Done() bool { return false }

func (o only) Accept(id int32) error {
	if !slices.Contains(o, id) {
		return fmt.Errorf("not in %v", []int32(o))
	}
	return nil
}

func TestSamplerGolden(t *testing.T) {
	g := readGolden(t)
	for i, c := range g.Cases {
		opt := serving.DefaultSampling()
		if c.Temperature != nil {
			opt.Temperature = *c.Temperature
		}
		if c.TopP != nil {
			opt.TopP = *c.TopP
		}
		if c.Repetition != nil {
			opt.RepetitionPenalty = *c.Repetition
		}
		opt.TopK, opt.MinP, opt.FrequencyPenalty, opt.PresencePenalty = c.TopK, c.MinP, c.Frequency, c.Presence
		opt.LogitBias = map[int32]float32{}
		for id, v := range c.LogitBias {
			n, err := strconv.Atoi(id)
			if err != nil {
				t.Fatal(err)
			}
			opt.LogitBias[int32(n)] = v
		}
		s := newSampler(opt, 0, 0, g.Prompt)
		if c.Mask != nil {
			s.constraint = only(c.Mask)
		}
		for _, id := range g.Output {
			if s.penalty {
				s.counts[id]++
			}
		}
		logits := slices.Clone(g.Logits[c.Logits])
		if err := s.adjust(logits); err != nil {
			t.Fatal(err)
		}
		var sc scratch
		normalised(t, s, &sc, logits)
		worst, at := 0.0, 0
		for id, p := range sc.p {
			want := c.Want[strconv.Itoa(id)]
			if d := math.Abs(p - want); d > worst || (p == 0) != (want == 0) && want > 1e-12 {
				worst, at = max(d, worst), id
				if (p == 0) != (want == 0) {
					t.Errorf("case %d %+v: token %d has %g, want %g", i, c, id, p, want)
				}
			}
		}
		if worst > 1e-6 {
			t.Errorf("case %d %+v: token %d is off by %g", i, c, at, worst)
		}
	}
}

func TestLogprobGolden(t *testing.T) {
	g := readGolden(t)
	for name, logits := range g.Logits {
		for id, want := range g.Logprobs[name] {
			got, err := score(logits, int32(id), 5)
			if err != nil || math.Abs(got.Logprob-want) > 1e-9*max(1, math.Abs(want)) {
				t.Fatalf("%s: token %d has %v (%v), want %v", name, id, got.Logprob, err, want)
			}
			if len(got.Top) != 5 {
				t.Fatalf("%d alternatives", len(got.Top))
			}
			order := make([]int, len(logits))
			for i := range order {
				order[i] = i
			}
			slices.SortStableFunc(order, func(a, b int) int {
				return int(math.Copysign(1, float64(logits[b]-logits[a]))) * btoi(logits[a] != logits[b])
			})
			for i, alt := range got.Top {
				if int(alt.ID) != order[i] || math.Abs(alt.Logprob-g.Logprobs[name][order[i]]) > 1e-9*max(1, math.Abs(alt.Logprob)) {
					t.Fatalf("%s: alternative %d is %+v, want %d with %v", name, i, alt, order[i], g.Logprobs[name][order[i]])
				}
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Log-probabilities are of the model's own distribution, whatever the sampling.
func TestLogprobIsRaw(t *testing.T) {
	g := readGolden(t)
	opt := serving.Sampling{TopP: 0.5, Temperature: 0.1, RepetitionPenalty: 2, LogitBias: map[int32]float32{90: 100}}
	s := newSampler(opt, 1, 0, g.Prompt)
	s.logprobs = 2
	got, err := s.next(slices.Clone(g.Logits["peaked"]))
	if err != nil || got.ID != 90 || math.Abs(got.Logprob-g.Logprobs["peaked"][90]) > 1e-9 {
		t.Errorf("got %+v, %v; want token 90 with %v", got, err, g.Logprobs["peaked"][90])
	}
}

// The tokens drawn follow the distribution: Pearson's chi-squared over 20,000
// draws with 9 degrees of freedom stays under its 0.999 quantile, 27.88.
func TestSamplerDraws(t *testing.T) {
	logits := []float32{0, 1, 2, 0.5, -1, -2, 1.5, 0.25, 0.75, -0.5}
	s := newSampler(serving.DefaultSampling(), 42, 0, nil)
	var sc scratch
	normalised(t, s, &sc, logits)
	count := make([]float64, len(logits))
	const n = 20_000
	for range n {
		got, err := s.next(slices.Clone(logits))
		if err != nil {
			t.Fatal(err)
		}
		count[got.ID]++
	}
	chi := 0.0
	for i, c := range count {
		d := c - n*sc.p[i]
		chi += d * d / (n * sc.p[i])
	}
	if chi > 27.88 {
		t.Errorf("chi-squared %.1f over %v", chi, count)
	}
}

func TestSamplerSeeds(t *testing.T) {
	draw := func(seed int64, index int) []int32 {
		s := newSampler(serving.DefaultSampling(), seed, index, nil)
		var out []int32
		for range 20 {
			got, err := s.next(make([]float32, 1000))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, got.ID)
		}
		return out
	}
	if !slices.Equal(draw(7, 0), draw(7, 0)) {
		t.Error("the same seed gave other tokens")
	}
	if slices.Equal(draw(7, 0), draw(8, 0)) || slices.Equal(draw(7, 0), draw(7, 1)) {
		t.Error("another seed or index gave the same tokens")
	}
}

func TestSamplerBadLogits(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		logits []float32
		want   error
	}{
		{"NaN first", []float32{nan, 1, 2}, errNotANumber},
		{"NaN last", []float32{1, 2, nan}, errNotANumber},
		{"infinity", []float32{1, inf, 0}, errNotANumber},
		{"nothing allowed", []float32{-inf, -inf, -inf}, errNoToken},
	} {
		for _, temperature := range []float32{0, 1} {
			for _, logprobs := range []int{-1, 0} {
				s := newSampler(serving.Sampling{Temperature: temperature, TopP: 0.9, TopK: 2, RepetitionPenalty: 1}, 0, 0, nil)
				s.logprobs = logprobs
				if _, err := s.next(slices.Clone(c.logits)); !errors.Is(err, c.want) {
					t.Errorf("%s, temperature %v: %v, want %v", c.name, temperature, err, c.want)
				}
			}
		}
	}
}

func TestSamplerGreedy(t *testing.T) {
	s := newSampler(serving.Sampling{TopP: 1, RepetitionPenalty: 1, FrequencyPenalty: 2}, 0, 0, nil)
	var out []int32
	for range 4 {
		got, err := s.next([]float32{1, 3, 3, 2.5})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, got.ID)
	}
	if want := []int32{1, 2, 3, 0}; !slices.Equal(out, want) { // after 1, 2 and 3 came once: 1 1 1 0.5
		t.Errorf("got %v, want %v", out, want)
	}
}

// Selections that pass over parts of the vocabulary are those of a plain sort.
func TestSelectionsAgainstSort(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 600 {
		logits := make([]float32, 1+rnd.IntN(300))
		for i := range logits {
			logits[i] = float32(rnd.NormFloat64() * 5 * rnd.Float64())
			if round%4 == 0 {
				logits[i] = float32(rnd.IntN(3)) // equals
			}
		}
		opt := serving.Sampling{Temperature: 0.2 + 2*rnd.Float32(), TopP: 1, RepetitionPenalty: 1}
		if round%2 == 0 {
			opt.TopP = rnd.Float32() * rnd.Float32()
		} else {
			opt.TopK = 1 + rnd.IntN(40)
		}
		var sc scratch
		sum, err := newSampler(opt, 0, 0, nil).distribution(&sc, logits)
		if plain := total(sc.p); err != nil || math.Abs(sum-plain) > 1e-12*plain {
			t.Fatalf("what is left adds up to %v, not %v: %v", plain, sum, err)
		}
		order := slices.SortedFunc(maps.Keys(indexed(logits)), func(a, b int) int {
			if logits[a] != logits[b] {
				return int(math.Copysign(1, float64(logits[b]-logits[a])))
			}
			return a - b
		})
		weight := func(i int) float64 {
			return math.Exp(float64(logits[i]-logits[order[0]]) / float64(opt.Temperature))
		}
		all, before := 0.0, 0.0
		for i := range logits {
			all += weight(i)
		}
		for rank, i := range order {
			keep, sure := before < float64(opt.TopP), math.Abs(before-float64(opt.TopP)) > 1e-12
			if opt.TopK > 0 && opt.TopK < len(logits) { // and what equals the last of them
				keep, sure = logits[i] >= logits[order[opt.TopK-1]], true
			}
			if sure && (keep || rank == 0) != (sc.p[i] > 0) {
				t.Fatalf("%+v of %d: rank %d with %v before it: kept %v", opt, len(logits), rank, before, sc.p[i] > 0)
			}
			before += weight(i) / all
		}
	}
}

// normalised leaves the probabilities of what the sampler may draw in sc.p.
func normalised(t *testing.T, s *sampler, sc *scratch, logits []float32) {
	t.Helper()
	sum, err := s.distribution(sc, logits)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sc.p {
		sc.p[i] /= sum
	}
}

func indexed(s []float32) map[int]bool {
	m := map[int]bool{}
	for i := range s {
		m[i] = true
	}
	return m
}

func BenchmarkSampler(b *testing.B) {
	rnd := rand.New(rand.NewPCG(3, 4))
	logits := make([]float32, 49152)
	for i := range logits {
		logits[i] = float32(rnd.NormFloat64() * 3)
	}
	for name, opt := range map[string]serving.Sampling{
		"greedy":      {TopP: 1, RepetitionPenalty: 1},
		"logprobs":    {TopP: 1, RepetitionPenalty: 1},
		"temperature": {Temperature: 1, TopP: 1, RepetitionPenalty: 1},
		"top-p":       {Temperature: 0.7, TopP: 0.95, RepetitionPenalty: 1},
		"top-k":       {Temperature: 0.7, TopP: 1, TopK: 40, RepetitionPenalty: 1},
	} {
		b.Run(name, func(b *testing.B) {
			s := newSampler(opt, 0, 0, nil)
			if name == "logprobs" {
				s.logprobs = 5
			}
			work := make([]float32, len(logits))
			for b.Loop() {
				copy(work, logits)
				if _, err := s.next(work); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A draw takes no token that has no mass, even where rounding leaves all of them
// below it, and is the one that a plain walk finds.
func TestDraw(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 63, 64, 65, 129, 1000} {
		for round := range 200 {
			p := make([]float64, n)
			for i := range p {
				if rnd.IntN(3) == 0 {
					p[i] = rnd.Float64()
				}
			}
			if round%4 == 0 {
				clear(p[min(n-1, 40):])
			}
			p[rnd.IntN(min(n, 40))] = 1
			sum := 0.0
			for _, x := range p {
				sum += x
			}
			u := rnd.Float64() * sum
			if round%3 == 0 {
				u = sum * (1 + 1e-12)
			}
			want, walked := -1, 0.0
			for i, x := range p {
				if x > 0 && walked <= u {
					want = i
				}
				walked += x
			}
			if have := draw(p, u); int(have) != want {
				t.Fatalf("%d tokens, %v of %v: token %d of mass %v, want %d", n, u, sum, have, p[have], want)
			}
		}
	}
}
