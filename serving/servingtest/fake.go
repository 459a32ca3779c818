// Package servingtest holds the suite that every serving.Backend passes (Run)
// and Fake, a backend without a model for the tests of those who use one.
//
// To add a backend: a package below serving with a type that meets
// serving.Backend, and a test that calls Run with what it can do. What it cannot
// do it refuses with a *serving.ParamError that names the field, never in silence.
package servingtest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"graft/internal/chat"
	"graft/serving"
)

var (
	_ serving.Backend      = (*Fake)(nil)
	_ serving.Tokenizer    = (*Fake)(nil)
	_ serving.TokenEncoder = (*Fake)(nil)
)

// Fake is a serving.Backend and serving.Tokenizer that answers with what it was
// told. Its answers depend on the request alone, so that a test can state them:
//
//   - chat: the text of the last message, e.g. "hello" is answered "hello";
//   - completion: the prompt once more ("a b" becomes "a b", with Echo "a ba b");
//   - tools: with ToolChoice required or named, or auto and the last message is
//     from a user and contains a tool's name, a call of that tool with arguments
//     {"text": last message};
//   - Format json_object and json_schema: {"text": last message}; choice: the first;
//   - embeddings: a bag of tokens in 8 dimensions, unit length.
//
// A token is a run of up to three bytes in which only the first may be a space;
// its id is those bytes as a big-endian number, so "Hello" is 0x48656c 0x6c6f.
// A message costs its tokens and 1 more. Every token has log-probability
// -0.5; its alternatives have ids 0x61, 0x62, … ("a", "b", …) and -1.5, -2.5, ….
// Set fields before the first use.
type Fake struct {
	// List is what Models returns; the first is the default. NewFake fills it.
	List []serving.Model
	// Answer replaces the text of answer index when not nil.
	Answer func(req *serving.Request, index int) string
	// Adapters are the generations that exist, and what each puts before an answer.
	// nil: every generation exists, and changes nothing.
	Adapters map[string]string
	// Reasoning is emitted before the text of each answer.
	Reasoning string
	// Err is asked before anything is emitted; its error ends the request.
	Err func(req *serving.Request) error
	// FailAfter breaks a generation with ErrBroken after so many events; 0: never.
	FailAfter int
	// Delay passes before every event, unless ctx ends first.
	Delay time.Duration

	mu       sync.Mutex
	requests []*serving.Request
	running  int
}

// ErrBroken is the error of a Fake with FailAfter.
var ErrBroken = fmt.Errorf("the fake was told to fail here")

// NewFake serves "fake" (chat, 1000 tokens of context), "fake-base" (no chat
// template) and "fake-embed" (an encoder).
func NewFake() *Fake {
	created := time.Unix(1_700_000_000, 0).UTC()
	return &Fake{List: []serving.Model{
		{ID: "fake", Created: created, OwnedBy: "graft", Loaded: true, Context: 1000, Chat: true, Arch: "llama", Format: "Q4_1", Params: 1_000_000, Bytes: 650_000, Digest: strings.Repeat("f", 64), Template: "{{ messages }}", License: "Apache-2.0"},
		{ID: "fake-base", Created: created, OwnedBy: "graft", Context: 1000, Arch: "llama", Format: "F16", Params: 1_000_000, Bytes: 2_000_000},
		{ID: "fake-embed", Created: created, OwnedBy: "graft", Context: 512, Embedder: true, Arch: "bert", Format: "F32", Params: 500_000, Bytes: 2_000_000},
	}}
}

// Requests are the generations asked for so far, oldest first.
func (f *Fake) Requests() []*serving.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*serving.Request(nil), f.requests...)
}

// Running is the number of generations in progress: after a client left it
// must fall to 0.
func (f *Fake) Running() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running
}

// Models lists f.List.
func (f *Fake) Models(context.Context) ([]serving.Model, error) {
	return append([]serving.Model(nil), f.List...), nil
}

func (f *Fake) model(id string) (serving.Model, error) {
	if id == "" && len(f.List) > 0 {
		return f.List[0], nil
	}
	for _, m := range f.List {
		if m.ID == id {
			return m, nil
		}
	}
	return serving.Model{}, fmt.Errorf("model %q: %w", id, serving.ErrModelNotFound)
}

// Generate answers as described at Fake.
func (f *Fake) Generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	f.mu.Lock()
	f.requests = append(f.requests, req)
	f.running++
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.running--
		f.mu.Unlock()
	}()

	m, err := f.model(req.Model)
	if err != nil {
		return nil, err
	}
	if m.Embedder {
		return nil, &serving.ParamError{Param: "model", Message: fmt.Sprintf("model %q makes embeddings only", m.ID)}
	}
	if req.Messages != nil && !m.Chat && req.Template == "" {
		return nil, fmt.Errorf("model %q: %w", m.ID, serving.ErrNoChatTemplate)
	}
	if f.Err != nil {
		if err := f.Err(req); err != nil {
			return nil, err
		}
	}
	prompt := promptIDs(req)
	for _, id := range prompt {
		if id < 0 || id >= 1<<24 {
			return nil, &serving.ParamError{Param: "prompt", Message: fmt.Sprintf("token id %d does not exist", id)}
		}
	}
	if len(prompt)+max(req.MaxTokens, 0) > m.Context {
		return nil, &serving.ContextError{Context: m.Context, Prompt: len(prompt), Max: max(req.MaxTokens, 0)}
	}

	if !req.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, req.Deadline, serving.ErrDeadline)
		defer cancel()
	}
	events := 0
	send := func(e serving.Event) error {
		if f.FailAfter > 0 && events == f.FailAfter {
			return ErrBroken
		}
		events++
		if f.Delay > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(f.Delay):
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return emit(e)
	}
	res := &serving.Result{Usage: serving.Usage{Prompt: len(prompt)}, Fingerprint: "fp_fake"}
	for _, a := range req.Adapters {
		_, ok := f.Adapters[a.Generation]
		switch {
		case f.Adapters == nil || a.Weight == 0:
		case !ok:
			return nil, fmt.Errorf("%w: %s", serving.ErrAdapter, a.Generation)
		default:
			res.Fingerprint += "_" + a.Generation
		}
	}
	if req.PromptLogprobs >= 0 {
		for i, id := range prompt {
			t := fakeLogprob(id, req.PromptLogprobs)
			if i == 0 {
				t = serving.TokenLogprob{ID: id, Bytes: fakeBytes(id), First: true}
			}
			res.Prompt = append(res.Prompt, t)
		}
	}
	for i := range max(req.N, 1) {
		if err := f.answer(req, i, prompt, res.Prompt, send, &res.Usage); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// answer emits answer index and adds what it cost to u.
func (f *Fake) answer(req *serving.Request, index int, prompt []int32, scored []serving.TokenLogprob, send func(serving.Event) error, u *serving.Usage) error {
	if f.Reasoning != "" {
		n := len(fakeEncode(f.Reasoning))
		u.Completion, u.Reasoning = u.Completion+n, u.Reasoning+n
		if err := send(serving.Event{Index: index, Reasoning: f.Reasoning}); err != nil {
			return err
		}
	}
	if tool := pickTool(req); tool != "" {
		args := fakeJSON(lastText(req))
		u.Completion += len(fakeEncode(args))
		half := len(args) / 2
		id := fmt.Sprintf("call_fake_%d", index)
		for _, d := range []serving.ToolCallDelta{{ID: id, Name: tool}, {Arguments: args[:half]}, {Arguments: args[half:]}} {
			if err := send(serving.Event{Index: index, ToolCalls: []serving.ToolCallDelta{d}}); err != nil {
				return err
			}
		}
		return send(serving.Event{Index: index, Finish: serving.FinishToolCalls})
	}

	if req.Echo {
		e := serving.Event{Index: index, Text: fakeDecode(prompt), Tokens: scored}
		if err := send(e); err != nil {
			return err
		}
	}
	ids := fakeEncode(f.marks(req) + f.text(req, index))
	finish := serving.FinishStop
	if req.MaxTokens != 0 && len(ids) > max(req.MaxTokens, 0) {
		ids, finish = ids[:max(req.MaxTokens, 0)], serving.FinishLength
	}
	text := fakeDecode(ids)
	if cut := firstStop(text, req.Stop); cut >= 0 {
		text, finish = text[:cut], serving.FinishStop
		for n := range ids { // as many tokens as it takes to hold the stop string
			if firstStop(fakeDecode(ids[:n+1]), req.Stop) >= 0 {
				ids = ids[:n+1]
				break
			}
		}
	}
	u.Completion += len(ids)
	sent := 0
	var pending []serving.TokenLogprob
	seen := ""
	for n, id := range ids {
		if req.Logprobs >= 0 {
			pending = append(pending, fakeLogprob(id, req.Logprobs))
		}
		seen += string(fakeBytes(id))
		end := min(len(seen), len(text))
		if n+1 < len(ids) {
			end = min(wholeRunes(seen), len(text))
		}
		if end <= sent && n+1 < len(ids) {
			continue
		}
		if err := send(serving.Event{Index: index, Text: text[sent:end], Tokens: pending}); err != nil {
			return err
		}
		sent, pending = max(sent, end), nil
	}
	return send(serving.Event{Index: index, Finish: finish})
}

// marks is what the adapters of a request put before its answers.
func (f *Fake) marks(req *serving.Request) string {
	var b strings.Builder
	for _, a := range req.Adapters {
		if a.Weight != 0 {
			b.WriteString(f.Adapters[a.Generation])
		}
	}
	return b.String()
}

func (f *Fake) text(req *serving.Request, index int) string {
	switch last := lastText(req); {
	case f.Answer != nil:
		return f.Answer(req, index)
	case req.Format.Type == "json_object" || req.Format.Type == "json_schema":
		return fakeJSON(last)
	case req.Format.Type == "choice" && len(req.Format.Choice) > 0:
		return req.Format.Choice[0]
	default:
		return last
	}
}

func fakeJSON(text string) string {
	b, _ := json.Marshal(map[string]string{"text": text}) // a map of strings always marshals
	return string(b)
}

// pickTool names the tool that the answer will call, or is empty.
func pickTool(req *serving.Request) string {
	if len(req.Tools) == 0 {
		return ""
	}
	switch req.ToolChoice.Mode {
	case "none":
		return ""
	case "required":
		return req.Tools[0].Name
	case "named":
		return req.ToolChoice.Names[0]
	}
	if n := len(req.Messages); n == 0 || req.Messages[n-1].Role != "user" {
		return ""
	}
	for _, t := range req.Tools {
		if strings.Contains(lastText(req), t.Name) {
			return t.Name
		}
	}
	return ""
}

func lastText(req *serving.Request) string {
	switch {
	case len(req.Messages) > 0:
		return messageText(req.Messages[len(req.Messages)-1])
	case req.PromptIDs != nil:
		return fakeDecode(req.PromptIDs)
	default:
		return req.Prompt
	}
}

func messageText(m chat.Message) string {
	var b strings.Builder
	for _, p := range m.Content {
		b.WriteString(p.Text)
	}
	return b.String()
}

func promptIDs(req *serving.Request) []int32 {
	if req.PromptIDs != nil {
		return req.PromptIDs
	}
	if req.Messages == nil {
		return fakeEncode(req.Prompt)
	}
	return messageIDs(req.Messages)
}

func messageIDs(messages []chat.Message) []int32 {
	var ids []int32
	for _, m := range messages {
		ids = append(ids, '\n')
		ids = append(ids, fakeEncode(messageText(m))...)
	}
	return ids
}

func fakeLogprob(id int32, top int) serving.TokenLogprob {
	t := serving.TokenLogprob{ID: id, Bytes: fakeBytes(id), Logprob: -0.5}
	for letter := int32('a'); len(t.Top) < top; letter++ {
		alt := serving.TokenLogprob{ID: letter, Bytes: []byte{byte(letter)}, Logprob: -0.5 - float64(len(t.Top))}
		if len(t.Top) == 0 {
			alt.ID, alt.Bytes = id, t.Bytes
			letter--
		} else if letter == id {
			continue
		}
		t.Top = append(t.Top, alt)
	}
	return t
}

// firstStop is where the earliest stop string begins in text, or -1.
func firstStop(text string, stop []string) int {
	cut := -1
	for _, s := range stop {
		if i := strings.Index(text, s); i >= 0 && (cut < 0 || i < cut) {
			cut = i
		}
	}
	return cut
}

// Embed returns, for each input, the counts of its tokens by id modulo 8, normalised.
func (f *Fake) Embed(ctx context.Context, req *serving.EmbedRequest) (*serving.Embeddings, error) {
	m, err := f.model(req.Model)
	if err != nil {
		return nil, err
	}
	out := &serving.Embeddings{}
	for _, in := range req.Inputs {
		ids := in.IDs
		if ids == nil {
			ids = fakeEncode(in.Text)
		}
		if len(ids) > m.Context {
			if !req.Truncate {
				return nil, &serving.ContextError{Context: m.Context, Prompt: len(ids)}
			}
			ids = ids[:m.Context]
		}
		v := make([]float32, 8)
		v[0] = 1
		for _, id := range ids {
			v[id&7]++
		}
		sum := 0.0
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		for i := range v {
			v[i] = float32(float64(v[i]) / math.Sqrt(sum))
		}
		out.Vectors = append(out.Vectors, v)
		out.Usage.Prompt += len(ids)
	}
	return out, ctx.Err()
}
