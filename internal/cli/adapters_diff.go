package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// diffFlags are what is compared, and on what.
type diffFlags struct {
	against, prompts string
	maxTokens        int
}

func (e *env) diffAdapter(f *adapterFlags) *cobra.Command {
	var d diffFlags
	c := &cobra.Command{
		Use:   "diff NAME",
		Short: "Compare what an adapter answers with the base or another adapter",
		Long: `Compare what an adapter answers with the base or another adapter. Each prompt is
answered greedily by both, and shown where the answers first differ. Both are then
asked for the next token at every place of the second one's answer: KL is the mean
divergence of the first one's distribution from the second's, in nats (of the 20
likeliest tokens and the rest as one, which is never more than the whole), top-1 the
share of places where both have the same likeliest token. Settings of names, such as
system prompts, are left aside.
--prompts reads one JSON object a line: {"prompt": "…"} or {"messages": […]}.`,
		Example: `  graft adapters diff support
  graft adapters diff support --against support@9f86d081
  graft adapters diff support --prompts probes.jsonl --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			list := probes
			if d.prompts != "" {
				var err error
				if list, err = readProbes(d.prompts); err != nil {
					return err
				}
			}
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			return e.withServer(c.Context(), f, conf, true, func(cl *client) error {
				r, err := cl.diff(c.Context(), args[0], d, list)
				if err != nil {
					return err
				}
				if f.json {
					return e.printJSON(r)
				}
				return e.printDiff(r)
			})
		},
	}
	c.Flags().StringVar(&d.against, "against", "base", "base, or another adapter's `NAME`")
	c.Flags().StringVar(&d.prompts, "prompts", "", "take the prompts of this `FILE` (JSONL) instead of graft's own")
	c.Flags().IntVar(&d.maxTokens, "max-tokens", 48, "longest answer, in tokens")
	return c
}

// diffReport is what differs between two arms.
type diffReport struct {
	Adapter string       `json:"adapter"`
	Against string       `json:"against"`
	Prompts []diffPrompt `json:"prompts"`
	Same    int          `json:"same_answers"`
	Tokens  int          `json:"tokens"` // places that were compared
	KL      float64      `json:"kl"`     // mean, in nats
	Top1    float64      `json:"top1"`   // share of places
}

type diffPrompt struct {
	Prompt  string  `json:"prompt"`
	Adapter string  `json:"adapter"` // answers
	Against string  `json:"against"`
	Differ  int     `json:"differ_at"` // byte where the answers part; -1: they are the same
	Tokens  int     `json:"tokens"`
	KL      float64 `json:"kl"`
	Top1    float64 `json:"top1"`
}

// diff runs the probes.
func (c *client) diff(ctx context.Context, name string, d diffFlags, list []probe) (diffReport, error) {
	r := diffReport{Adapter: name, Against: d.against}
	var a adapterInfo
	plain, _, _ := strings.Cut(name, "@")
	if err := c.call(ctx, http.MethodGet, adapterPath(plain, ""), nil, &a); err != nil {
		return r, err
	}
	other := d.against
	if other == "base" {
		other = a.Base
	}
	for _, p := range list {
		one, same, err := c.diffOne(ctx, name, other, a.Base, p, d.maxTokens)
		if err != nil {
			return r, fmt.Errorf("prompt %.60q: %w", p.text(), err)
		}
		if one.Differ < 0 {
			r.Same++
		}
		r.Tokens += one.Tokens
		r.KL += one.KL * float64(one.Tokens)
		r.Top1 += float64(same)
		r.Prompts = append(r.Prompts, one)
	}
	if r.Tokens > 0 {
		r.KL, r.Top1 = r.KL/float64(r.Tokens), r.Top1/float64(r.Tokens)
	}
	return r, nil
}

// diffOne compares two models on one prompt.
func (c *client) diffOne(ctx context.Context, name, other, base string, p probe, most int) (out diffPrompt, same int, err error) {
	ids, err := c.promptIDs(ctx, base, p)
	if err != nil {
		return out, 0, err
	}
	out.Prompt = p.text()
	if out.Adapter, err = c.greedy(ctx, name, ids, most); err != nil {
		return out, 0, err
	}
	if out.Against, err = c.greedy(ctx, other, ids, most); err != nil {
		return out, 0, err
	}
	out.Differ = parting(out.Adapter, out.Against)
	answer, err := c.tokens(ctx, map[string]any{"model": base, "prompt": out.Against, "add_special_tokens": false})
	if err != nil {
		return out, 0, err
	}
	forced := append(ids[:len(ids):len(ids)], answer...)
	p1, err := c.distributions(ctx, name, forced, len(ids))
	if err != nil {
		return out, 0, err
	}
	p2, err := c.distributions(ctx, other, forced, len(ids))
	if err != nil {
		return out, 0, err
	}
	for i := range min(len(p1), len(p2)) {
		out.KL += boundedKL(p1[i], p2[i])
		if top(p1[i]) == top(p2[i]) {
			same++
		}
		out.Tokens++
	}
	if out.Tokens > 0 {
		out.KL, out.Top1 = out.KL/float64(out.Tokens), float64(same)/float64(out.Tokens)
	}
	return out, same, nil
}

// parting is the byte where two answers begin to differ, at a rune; -1: nowhere.
func parting(a, b string) int {
	if a == b {
		return -1
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && (i < len(a) && !utf8.RuneStart(a[i]) || i < len(b) && !utf8.RuneStart(b[i])) {
		i--
	}
	return i
}

// promptIDs is a probe as the base would receive it: a conversation, or a bare text
// for models without a chat template.
func (c *client) promptIDs(ctx context.Context, base string, p probe) ([]int32, error) {
	ids, err := c.tokens(ctx, map[string]any{"model": base, "messages": p.messages(), "add_generation_prompt": true})
	var no *refused
	if p.Prompt != "" && errors.As(err, &no) && no.code == "no_chat_template" {
		return c.tokens(ctx, map[string]any{"model": base, "prompt": p.Prompt})
	}
	return ids, err
}

func (c *client) tokens(ctx context.Context, in map[string]any) ([]int32, error) {
	var out struct {
		Tokens []int32 `json:"tokens"`
	}
	err := c.call(ctx, http.MethodPost, "/tokenize", in, &out)
	return out.Tokens, err
}

// completion is an answer of /v1/completions, as far as it matters here.
type completion struct {
	Choices []struct {
		Text     string `json:"text"`
		Logprobs struct {
			Top []map[string]float64 `json:"top_logprobs"`
		} `json:"logprobs"`
	} `json:"choices"`
}

func (c *client) greedy(ctx context.Context, model string, ids []int32, most int) (string, error) {
	var out completion
	err := c.call(ctx, http.MethodPost, "/v1/completions", map[string]any{
		"model": model, "prompt": ids, "max_tokens": most, "temperature": 0,
	}, &out)
	if err == nil && len(out.Choices) == 0 {
		err = errors.New("the answer holds no choice")
	}
	if err != nil {
		return "", err
	}
	return out.Choices[0].Text, nil
}

// distributions are the log-probabilities of the 20 likeliest tokens at each place
// of ids from one on.
func (c *client) distributions(ctx context.Context, model string, ids []int32, from int) ([]map[string]float64, error) {
	var out completion
	err := c.call(ctx, http.MethodPost, "/v1/completions", map[string]any{
		"model": model, "prompt": ids, "max_tokens": 0, "temperature": 0, "echo": true, "logprobs": 20,
	}, &out)
	if err == nil && (len(out.Choices) == 0 || len(out.Choices[0].Logprobs.Top) < from) {
		err = errors.New("the answer holds no log-probabilities of the prompt")
	}
	if err != nil {
		return nil, err
	}
	return out.Choices[0].Logprobs.Top[from:], nil
}

// boundedKL is KL(p ‖ q) of the tokens that both name, and of all others as one:
// the divergence of a coarser distribution, which is never more than the whole.
func boundedKL(p, q map[string]float64) float64 {
	sum, restP, restQ := 0.0, 1.0, 1.0
	for token, lp := range p {
		lq, ok := q[token]
		if !ok {
			continue
		}
		sum += math.Exp(lp) * (lp - lq)
		restP -= math.Exp(lp)
		restQ -= math.Exp(lq)
	}
	const least = 1e-9
	if restP > least {
		sum += restP * math.Log(restP/max(restQ, least))
	}
	return max(sum, 0)
}

// top is the likeliest token, of equals the first by name.
func top(p map[string]float64) string {
	best, most := "", math.Inf(-1)
	for token, lp := range p {
		if lp > most || lp == most && token < best {
			best, most = token, lp
		}
	}
	return best
}
