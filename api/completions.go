package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// completionsHandler is /v1/completions, which chat clients have left, but which
// programs that measure models need: it takes raw text and gives the prompt's
// own log-probabilities.
type completionsHandler struct {
	*server
	backend generator
}

// completionRequest is a request of completions, decoded: one generation per prompt.
type completionRequest struct {
	*serving.Request
	sel          selection
	prompts      []prompt
	stream       bool
	includeUsage bool
}

// promptsAtOnce bounds how many prompts of one request run at the same time,
// so that a long list does not fill the queue by itself.
const promptsAtOnce = 16

// create completes one or more prompts.
func (h completionsHandler) create(c *gin.Context) {
	r := completionRequest{Request: h.newRequest(c)}
	r.MaxTokens = 16
	defer h.ended(c, &r.sel)
	if err := h.readChoosing(c, &r.sel, r.Request, choiceRules{}, func(o *object) { r.bind(h.server, o) }); err != nil {
		h.fail(c, err, "prompt")
		return
	}
	if r.stream {
		h.stream(c, &r)
		return
	}
	choices := make([]completionChoice, len(r.prompts)*r.N)
	total, err := h.each(c, &r, func(i int, req *serving.Request) (*serving.Result, error) {
		got := answers{list: make([]answer, r.N)}
		res, err := h.generate(c, h.backend, req, got.add)
		for j := range got.list {
			choices[i*r.N+j] = r.choice(i*r.N+j, &got.list[j])
		}
		return res, err
	})
	if err != nil {
		h.fail(c, err, "prompt")
		return
	}
	h.writeJSON(c, http.StatusOK, completion{
		ID: h.ID("cmpl-"), Object: "text_completion", Created: h.Now().Unix(), Model: r.sel.asked, reported: r.sel.reported(),
		Choices: choices, Usage: usageOf(total.Usage), SystemFingerprint: orNull(total.Fingerprint),
	})
}

func (r *completionRequest) bind(s *server, o *object) {
	o.require("prompt")
	if v, ok := o.value("prompt"); ok {
		r.prompts = prompts(v, s.Options.MaxPrompts)
	}
	s.sampling(o, r.Request)
	o.integer("max_tokens", &r.MaxTokens, 0, maxInt32)
	o.integer("logprobs", &r.Logprobs, 0, 20)
	o.bool("echo", &r.Echo)
	o.integer("best_of", &r.BestOf, 1, s.Options.MaxN)
	constraints(o, &r.Format)
	r.stream, r.includeUsage = streaming(o)
	prediction(o, r.Request)
	commonFields(o)
	if o.d.err != nil {
		return
	}
	if r.BestOf > 0 && (r.BestOf < r.N || r.stream && r.BestOf > r.N) {
		o.d.fail(invalid("best_of", "invalid_parameter_combination", "Invalid 'best_of': it must be at least 'n' (%d), and equal to it in a stream.", r.N))
	}
	if len(r.prompts)*r.N > s.Options.MaxPrompts {
		o.d.fail(invalid("n", "invalid_value", "Invalid 'n': %d prompts with %d answers each are more than %d.", len(r.prompts), r.N, s.Options.MaxPrompts))
	}
	r.settle()
}

// settle says in a backend's words what echo, logprobs and max_tokens mean together.
func (r *completionRequest) settle() {
	if r.Echo {
		r.PromptLogprobs = r.Logprobs
	}
	switch {
	case r.MaxTokens == 0:
		r.MaxTokens = -1
	case r.MaxTokens == 1 && r.Echo:
		// Programs that measure a text ask for echo and one token, and drop the
		// last log-probability: it must be there even if the answer would end.
		r.IgnoreEOS = true
	}
}

// each runs f for every prompt, several at a time, and adds up what they cost.
// The first error ends the others.
func (h completionsHandler) each(c *gin.Context, r *completionRequest, f func(i int, req *serving.Request) (*serving.Result, error)) (*serving.Result, error) {
	if len(r.prompts) == 1 {
		return f(0, r.prompts[0].of(r.Request))
	}
	whole := c.Request
	defer func() { c.Request = whole }()
	ctx, cancel := context.WithCancelCause(whole.Context())
	defer cancel(nil)
	c.Request = whole.WithContext(ctx)

	total := &serving.Result{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, promptsAtOnce)
	for i := range r.prompts {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					cancel(panicked{p, debug.Stack()})
				}
				<-slots
			}()
			res, err := f(i, r.prompts[i].of(r.Request))
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			total.Usage.Add(res.Usage)
			total.Fingerprint = res.Fingerprint
		})
	}
	wg.Wait()
	var p panicked
	if errors.As(context.Cause(ctx), &p) {
		panic(p) // where it can be recovered
	}
	return total, context.Cause(ctx)
}

// panicked carries a panic from one goroutine to another.
type panicked struct {
	value any
	stack []byte
}

func (p panicked) Error() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }

// stream completes in server-sent events.
func (h completionsHandler) stream(c *gin.Context, r *completionRequest) {
	out := h.openStream(c)
	defer out.close()
	w := completionWriter{r: r, out: out, offsets: make([]textOffset, len(r.prompts)*r.N)}
	w.head = chunkHead(h.ID("cmpl-"), "text_completion", h.Now().Unix(), r.sel.asked)
	w.extra, w.begun = r.sel.fields(), make([]bool, len(w.offsets))
	total, err := h.each(c, r, func(i int, req *serving.Request) (*serving.Result, error) {
		return h.generate(c, h.backend, req, func(e serving.Event) error { return w.event(i, e) })
	})
	h.endStream(c, out, err, "prompt", func() error {
		if !r.includeUsage {
			return nil
		}
		return out.send(usageChunk(w.head, total))
	})
}
