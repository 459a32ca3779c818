package native

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"graft/serving"
)

// sampler turns the logits of one sequence into its next token. The order of
// operations is that of transformers' generate, with mask, bias and OpenAI's
// penalties where vLLM has them:
//
//	log-probabilities are taken of the logits as they come from the model; then
//	1 mask          tokens that the constraint forbids become impossible
//	2 logit bias    l[id] += bias
//	3 repetition    over prompt and answer: l = l/p if l > 0, else l·p
//	4 frequency     over the answer: l -= f·count, and
//	  presence      l -= p if count > 0
//	5 temperature   0: the most probable token, the lowest id of equals; else l /= T
//	6 top-k         tokens below the k-th most probable go (equals of it stay)
//	7 top-p         tokens go that have mass top-p or more before them
//	8 min-p         tokens go that have less than min-p of the best one's probability
//	9 draw          from what is left, walking ids upwards
//
// The draw takes one number per token from a generator that belongs to the
// sequence, so the same seed gives the same tokens in any batch.
type sampler struct {
	opt        serving.Sampling
	bias       []bias
	rnd        *rand.PCG
	constraint constraint // nil: none

	logprobs int  // alternatives wanted; -1: no log-probabilities
	scored   bool // the token's own is wanted even so

	penalty bool
	prompt  []int32         // distinct tokens of the prompt, ascending, for repetition
	counts  map[int32]int32 // tokens of the answer
}

type bias struct {
	id    int32
	value float32
}

// constraint says which tokens may come next; *grammar.Matcher is one.
type constraint interface {
	// Mask has bit id%64 of word id/64 set for every token that may come next, an
	// end-of-generation token included where the answer may end; nil: any may.
	Mask() ([]uint64, error)
	// Accept advances by the token that was chosen.
	Accept(id int32) error
	// Done: the answer is complete and nothing may follow.
	Done() bool
}

var (
	errNotANumber = errors.New("the model computed logits that are not numbers")
	errNoToken    = errors.New("no token is allowed here: the constraint and the logit bias exclude all of them")
)

// newSampler is the sampler of answer index; seed is the request's, or random.
func newSampler(opt serving.Sampling, seed int64, index int, prompt []int32) *sampler {
	s := &sampler{
		opt: opt, rnd: rand.NewPCG(uint64(seed), uint64(index)), logprobs: -1,
		penalty: opt.RepetitionPenalty != 1 || opt.PresencePenalty != 0 || opt.FrequencyPenalty != 0,
	}
	for id, v := range opt.LogitBias {
		s.bias = append(s.bias, bias{id, v})
	}
	if s.penalty {
		s.counts = map[int32]int32{}
		if opt.RepetitionPenalty != 1 {
			s.prompt = slices.Clone(prompt)
			slices.Sort(s.prompt)
			s.prompt = slices.Compact(s.prompt)
		}
	}
	return s
}

// next chooses the next token from logits [V], which it overwrites. The result
// has a log-probability only if those were asked for.
func (s *sampler) next(logits []float32) (serving.TokenLogprob, error) {
	var out serving.TokenLogprob
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	wanted := s.logprobs >= 0 || s.scored
	var lse, sum float64
	var err error
	if wanted {
		if lse, err = sc.logSumExp(logits); err != nil {
			return out, err
		}
		out.Top = sc.top(logits, lse, s.logprobs)
		sc.raw = append(sc.raw[:0], logits...)
	}
	if err := s.adjust(logits); err != nil {
		return out, err
	}
	if s.opt.Temperature == 0 {
		out.ID, _, err = argmax(logits)
	} else if sum, err = s.distribution(sc, logits); err == nil {
		out.ID = draw(sc.p, s.uniform()*sum)
	}
	if err != nil {
		return out, err
	}
	if wanted {
		out.Logprob = float64(sc.raw[out.ID]) - lse
	}
	if s.penalty {
		s.counts[out.ID]++
	}
	if s.constraint != nil {
		if err := s.constraint.Accept(out.ID); err != nil {
			return out, fmt.Errorf("token %d: %w", out.ID, err)
		}
	}
	return out, nil
}

// done tells whether the constraint, if there is one, allows no more tokens.
func (s *sampler) done() bool { return s.constraint != nil && s.constraint.Done() }

// adjust does steps 1 to 4 on logits.
func (s *sampler) adjust(logits []float32) error {
	if s.constraint != nil {
		allowed, err := s.constraint.Mask()
		if err != nil {
			return err
		}
		for i := range logits {
			if allowed != nil && (i/64 >= len(allowed) || allowed[i/64]>>(i%64)&1 == 0) {
				logits[i] = float32(math.Inf(-1))
			}
		}
	}
	for _, b := range s.bias {
		if int(b.id) < len(logits) {
			logits[b.id] += b.value
		}
	}
	if !s.penalty {
		return nil
	}
	if r := s.opt.RepetitionPenalty; r != 1 {
		repeat := func(id int32) {
			if int(id) >= len(logits) {
				return
			}
			if logits[id] > 0 {
				logits[id] /= r
			} else {
				logits[id] *= r
			}
		}
		for _, id := range s.prompt {
			repeat(id)
		}
		for id := range s.counts {
			if _, ok := slices.BinarySearch(s.prompt, id); !ok {
				repeat(id)
			}
		}
	}
	for id, n := range s.counts {
		logits[id] -= s.opt.FrequencyPenalty*float32(n) + s.opt.PresencePenalty
	}
	return nil
}
