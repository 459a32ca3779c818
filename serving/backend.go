// Package serving defines what can answer a request: the embedded engine
// (native), an OpenAI endpoint (openai), or Ollama (ollama). All of them meet
// Backend, and servingtest holds the suite that proves it.
package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"graft/internal/chat"
)

// Errors that a Backend returns, wrapped with what they concern. The table in
// api/errors.go turns each into a status and an OpenAI error.
var (
	ErrModelNotFound  = errors.New("model not found")
	ErrOverloaded     = errors.New("the queue is full")       // try again later
	ErrContextLength  = errors.New("context length exceeded") // see ContextError
	ErrNoChatTemplate = errors.New("the model has no chat template")
	ErrUnsupported    = errors.New("not supported by this model") // see ParamError
	ErrDraining       = errors.New("the server is shutting down")
	ErrDeadline       = errors.New("the request took longer than its deadline")
	// ErrAdapter: an adapter of the request cannot be loaded or does not fit the
	// model. Never answered by the base alone.
	ErrAdapter = errors.New("the adapter cannot be used")
)

// ContextError is an ErrContextLength with its numbers, in tokens.
type ContextError struct {
	Context int // what the model can hold
	Prompt  int // tokens of the prompt
	Max     int // tokens asked for; 0: not given
}

func (e *ContextError) Error() string {
	if e.Max > 0 {
		return fmt.Sprintf("this model's maximum context length is %d tokens, but the request needs %d (%d in the prompt, %d for the answer); shorten the prompt or ask for fewer tokens", e.Context, e.Prompt+e.Max, e.Prompt, e.Max)
	}
	return fmt.Sprintf("this model's maximum context length is %d tokens, but the prompt has %d; shorten the prompt", e.Context, e.Prompt)
}

func (e *ContextError) Unwrap() error { return ErrContextLength }

// ParamError is a request that a backend cannot honour; Param is the name of
// the offending request field in OpenAI's notation.
type ParamError struct {
	Param   string
	Message string
}

func (e *ParamError) Error() string { return e.Message }

func (e *ParamError) Unwrap() error { return ErrUnsupported }

// Model describes a model that can be asked for by its ID.
type Model struct {
	ID       string
	Created  time.Time
	OwnedBy  string
	Parent   string // base model of an adapter; empty for a base
	Loaded   bool
	Context  int // tokens
	Embedder bool
	Chat     bool   // has a chat template
	Arch     string // "llama", …
	Format   string // "Q4_1", …: the format of most weights
	Params   int64  // number of weights
	Bytes    int64  // size in memory or on disk
	Digest   string // sha256 of the weights file, hex; empty when unknown
	Template string // chat template
	License  string
}

// Sampling says how the next token is chosen. Its zero value is not neutral
// (TopP and RepetitionPenalty rest at 1): start from DefaultSampling.
type Sampling struct {
	Temperature       float32 // 0: greedy
	TopP              float32 // 1: off
	TopK              int     // 0: off
	MinP              float32 // 0: off
	RepetitionPenalty float32 // 1: off
	PresencePenalty   float32
	FrequencyPenalty  float32
	LogitBias         map[int32]float32
	Seed              *int64 // nil: a random one
}

// DefaultSampling is OpenAI's default: temperature 1, nothing cut, nothing penalised.
func DefaultSampling() Sampling {
	return Sampling{Temperature: 1, TopP: 1, RepetitionPenalty: 1}
}

// ToolChoice says whether the model may, must, or must not call tools.
type ToolChoice struct {
	Mode  string   // none, auto, required, named
	Names []string // for named, and for a restricted set of allowed tools
}

// Format constrains the text of the answer.
type Format struct {
	Type   string          // text, json_object, json_schema, regex, choice
	Schema json.RawMessage // for json_schema
	Regex  string
	Choice []string // the answer is one of these strings
}

// AdapterUse is one adapter of a request's set.
type AdapterUse struct {
	Generation string  // which, by the digest of its content: "sha256:…"
	Weight     float32 // factor on what it adds; 1: as trained
}

// Request is one generation. Exactly one of Messages, Prompt and PromptIDs is set.
type Request struct {
	Model string
	// Adapters change the model for this request; their sum is added to the base.
	// Names are resolved by the caller, once, before: a name that is replaced
	// meanwhile does not change a request. Backends that have none refuse them.
	Adapters []AdapterUse
	// Template is a chat template in the place of the model's own; "": the model's.
	Template string
	// Client is whose request this is, by API key or connection. While there is a
	// queue, clients take turns; "" is a client of its own.
	Client string
	// Owner is whose the tokens are, by API key, or "": who has none shares them with all who have none.
	// See blocks of package native.
	Owner string

	Messages  []chat.Message
	Prompt    string
	PromptIDs []int32

	Tools         []chat.Tool
	ToolChoice    ToolChoice
	ParallelTools bool
	Format        Format
	TemplateVars  map[string]any // extra variables for the chat template

	Sampling  Sampling
	N         int // answers wanted, at least 1
	BestOf    int // completions: answers computed, the N best by mean log-probability returned; 0: N
	MaxTokens int // 0: up to the context; -1: none (the prompt is only scored or echoed)
	Stop      []string
	StopIDs   []int32
	IgnoreEOS bool

	Logprobs       int // alternatives per token; -1: no log-probabilities
	PromptLogprobs int // the same for the prompt's tokens; -1: none
	// Echo makes each answer begin with the prompt, as an event of its own. With
	// PromptLogprobs its Tokens are those of the prompt.
	Echo bool

	// Prediction is what the answer will probably be like, "" if nothing is known. It changes only how soon
	// the answer is there.
	Prediction string

	Deadline time.Time // zero: none
}

// FinishReason says why an answer ended, in OpenAI's words.
type FinishReason string

// Finish reasons.
const (
	FinishStop      FinishReason = "stop"
	FinishLength    FinishReason = "length"
	FinishToolCalls FinishReason = "tool_calls"
)

// TokenLogprob is one token with its natural-log probability under the model's
// own distribution (temperature 1, before penalties, bias and masks), and the
// most probable alternatives.
type TokenLogprob struct {
	ID      int32  // -1: the backend does not tell
	Bytes   []byte // what the token stands for; not always whole runes
	Logprob float64
	Top     []TokenLogprob // without their own Top
	First   bool           // the first token of a prompt: it has no probability
}

// ToolCallDelta is a piece of a tool call. Index counts the calls of one
// answer; ID and Name come with the first piece, Arguments is a piece of JSON text.
type ToolCallDelta struct {
	Index     int
	ID        string
	Name      string
	Arguments string
}

// Event is a piece of one answer. Text is whole runes. An Event with a Finish
// is the last of its answer.
type Event struct {
	Index     int // which of the N answers
	Text      string
	Reasoning string
	Tokens    []TokenLogprob // when asked for: the tokens that Text came from
	ToolCalls []ToolCallDelta
	Finish    FinishReason
}

// Usage counts tokens.
type Usage struct {
	Prompt     int
	Completion int
	Cached     int // prompt tokens found in the prefix cache
	Reasoning  int
	Accepted   int // tokens of Request.Prediction that were computed as guesses and right
	Rejected   int // and wrong
}

// Add counts v too.
func (u *Usage) Add(v Usage) {
	u.Prompt += v.Prompt
	u.Completion += v.Completion
	u.Cached += v.Cached
	u.Reasoning += v.Reasoning
	u.Accepted += v.Accepted
	u.Rejected += v.Rejected
}

// Result closes a generation.
type Result struct {
	Usage       Usage
	Prompt      []TokenLogprob // when PromptLogprobs was asked for
	Fingerprint string         // identity of weights and engine: same fingerprint, seed and request, same tokens
	QueueTime   time.Duration
	FirstToken  time.Duration // from submission
}

// EmbedRequest asks for one vector per input; each input is text or token ids.
type EmbedRequest struct {
	Model  string
	Inputs []EmbedInput
	// Truncate cuts inputs that are too long instead of refusing them.
	Truncate bool
}

// EmbedInput is text, or token ids when IDs is not nil.
type EmbedInput struct {
	Text string
	IDs  []int32
}

// Embeddings are the vectors, in the order of the inputs, of unit length.
type Embeddings struct {
	Vectors [][]float32
	Usage   Usage
}

// Backend answers requests. Its methods may be called from any number of
// goroutines. Errors are those above, or wrap them.
type Backend interface {
	// Models lists what can be asked for, loaded or not, default first.
	Models(ctx context.Context) ([]Model, error)
	// Generate answers req, calling emit on the caller's goroutine for each
	// piece in order. An error from emit, or the end of ctx, cancels the rest at
	// once and is returned. An error before the first emit leaves nothing sent.
	Generate(ctx context.Context, req *Request, emit func(Event) error) (*Result, error)
	// Embed computes embeddings.
	Embed(ctx context.Context, req *EmbedRequest) (*Embeddings, error)
}

// Tokenizer is the power of backends that know their model's tokens.
type Tokenizer interface {
	// Tokenize returns the ids of a text, or of a conversation as the model
	// would receive it. special: read control tokens in Prompt text as such.
	Tokenize(ctx context.Context, req *TokenizeRequest) (*Tokens, error)
	// Detokenize is the inverse, control tokens included.
	Detokenize(ctx context.Context, model string, ids []int32) (string, error)
}

// TokenizeRequest is a prompt, or messages to be rendered by the chat template.
type TokenizeRequest struct {
	Model               string
	Template            string // as in Request
	Prompt              string
	Messages            []chat.Message
	Tools               []chat.Tool
	TemplateVars        map[string]any
	AddSpecial          bool // add what the tokenizer adds by itself (BOS …)
	AddGenerationPrompt bool
}

// Tokens are ids with the text of each.
type Tokens struct {
	IDs     []int32
	Strings []string
	Context int // tokens the model can hold
}

// Residency is the power of backends that hold adapters in memory, as many as
// fit, and bring others in when they are asked for.
type Residency interface {
	// Residents lists the adapters in memory, the most recently used first.
	Residents() []Resident
	// Warm brings an adapter into memory before a request needs it.
	Warm(ctx context.Context, model, generation string) error
	// Unload lets go of an adapter: requests that come later load it anew, those
	// that have it keep it to their last token, and Unload returns after these or
	// when ctx ends. One that is not in memory is no error.
	Unload(ctx context.Context, generation string) error
	// Pin keeps an adapter from being evicted once it is in memory, or no longer.
	Pin(generation string, pinned bool)
}

// Resident is an adapter in memory.
type Resident struct {
	Model      string // that it is loaded for
	Generation string
	Bytes      int64
	Leases     int // requests that use it now
	Pinned     bool
	LastUsed   time.Time
}

// TokenizerInfo is what a tokenizer adds by itself, and its special tokens as
// text; empty: it has none. Backends that know it have a method
// TokenizerInfo(ctx, model) (*TokenizerInfo, error).
type TokenizerInfo struct {
	Class              string // as in Hugging Face's configuration, or the kind ("bpe", …)
	BOS, EOS, PAD, UNK string
	AddBOS, AddEOS     bool
	Vocab              int // number of tokens
}
