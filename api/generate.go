package api

import (
	"time"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// generate runs req for the client of c, whose leaving cancels it, and keeps
// the exchange's clock and counts. It may run several times at once for one
// client: mu of the exchange guards what is shared.
func (s *server) generate(c *gin.Context, backend generator, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	x := exchangeOf(c)
	latest := map[int]time.Time{} // per answer
	pieces := 0                   // at least a token each
	res, err := backend.Generate(c.Request.Context(), req, func(e serving.Event) error {
		now := time.Now()
		x.mu.Lock()
		x.served = req.Model
		if x.first == 0 {
			x.first = now.Sub(x.start)
		}
		x.mu.Unlock()
		if before, ok := latest[e.Index]; ok && e.Finish == "" {
			s.Metrics.gap(req.Model, now.Sub(before))
		}
		latest[e.Index] = now
		pieces++
		return emit(e)
	})
	if err != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.torn += pieces
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.served = req.Model
	x.usage.Add(res.Usage)
	return res, nil
}

// answer collects the pieces of one answer.
type answer struct {
	text, reasoning []byte
	tokens          []serving.TokenLogprob
	calls           []serving.ToolCallDelta // whole ones
	finish          serving.FinishReason
}

func (a *answer) add(e serving.Event) {
	a.text = append(a.text, e.Text...)
	a.reasoning = append(a.reasoning, e.Reasoning...)
	a.tokens = append(a.tokens, e.Tokens...)
	for _, d := range e.ToolCalls {
		for len(a.calls) <= d.Index {
			a.calls = append(a.calls, serving.ToolCallDelta{Index: len(a.calls)})
		}
		call := &a.calls[d.Index]
		call.ID += d.ID
		call.Name += d.Name
		call.Arguments += d.Arguments
	}
	if e.Finish != "" {
		a.finish = e.Finish
	}
}

// answers collects the n answers of one generation.
type answers struct{ list []answer }

func (a *answers) add(e serving.Event) error {
	a.list[e.Index].add(e)
	return nil
}
