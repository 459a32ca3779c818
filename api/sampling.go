package api

import (
	"math"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// maxStop bounds stop strings; OpenAI allows 4.
const maxStop = 16

// sampling reads what chat and completions say about tokens and their end.
func (s *server) sampling(o *object, r *serving.Request) {
	s.samplers(o, r)
	o.integer("n", &r.N, 1, s.Options.MaxN)
	if v, ok := o.value("stop"); ok {
		r.Stop = v.strings(maxStop)
		for _, stop := range r.Stop {
			if stop == "" && o.d.err == nil {
				o.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': a stop string must not be empty.", v.path))
			}
		}
	}
	if v, ok := o.value("stop_token_ids"); ok {
		r.StopIDs = tokenIDs(v, 256)
	}
	o.bool("ignore_eos", &r.IgnoreEOS)
}

// samplers reads the fields that choose tokens: OpenAI's, and those that vLLM
// and llama.cpp added.
func (s *server) samplers(o *object, r *serving.Request) {
	p := &r.Sampling
	o.number("temperature", &p.Temperature, 0, 2)
	o.number("top_p", &p.TopP, 0, 1)
	o.integer("top_k", &p.TopK, -1, math.MaxInt32)
	p.TopK = max(p.TopK, 0) // -1 is vLLM's word for off
	o.number("min_p", &p.MinP, 0, 1)
	o.number("repetition_penalty", &p.RepetitionPenalty, 0.01, 10)
	o.number("presence_penalty", &p.PresencePenalty, -2, 2)
	o.number("frequency_penalty", &p.FrequencyPenalty, -2, 2)
	if v, ok := o.value("logit_bias"); ok {
		p.LogitBias = logitBias(v)
	}
	if v, ok := o.value("seed"); ok {
		seed := v.integer(math.MinInt64, math.MaxInt64)
		p.Seed = &seed
	}
}

// newRequest is a request with the defaults of OpenAI's API, in the name of the
// client's key, or else of its connection.
func (s *server) newRequest(c *gin.Context) *serving.Request {
	owner := exchangeOf(c).key.ID
	client := owner
	if client == "" {
		client = c.Request.RemoteAddr
	}
	r := &serving.Request{Client: client, Owner: owner, Sampling: serving.DefaultSampling(), N: 1, Logprobs: -1, PromptLogprobs: -1}
	if t := s.Options.RequestTimeout; t > 0 {
		r.Deadline = time.Now().Add(t)
	}
	return r
}

// maxBiases bounds logit_bias; OpenAI allows 300.
const maxBiases = 1024

func logitBias(v value) map[int32]float32 {
	bias := map[int32]float32{}
	v.entries(maxBiases, func(key string, item value) {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil || id < 0 {
			item.d.fail(invalid(v.path, "invalid_value", "Invalid key in '%s': %.40q. Keys are token ids.", v.path, key))
			return
		}
		bias[int32(id)] = float32(item.number(-100, 100))
	})
	return bias
}

func tokenIDs(v value, limit int) []int32 {
	ids := []int32{}
	v.items(limit, func(_ int, item value) { ids = append(ids, int32(item.integer(0, math.MaxInt32))) })
	return ids
}
