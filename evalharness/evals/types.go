package evals

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"graft/evalharness/graders"
	"graft/internal/chat"
	"graft/serving"
)

// Errors, wrapped with what they concern.
var (
	ErrNotFound = errors.New("there is no such eval")
	ErrNoRun    = errors.New("there is no such run")
	ErrNoItem   = errors.New("there is no such output item")
	ErrState    = errors.New("the run has ended")
	ErrFull     = errors.New("there are too many evals")
)

// InvalidError is what no eval, run or comparison is made of. Param is the field of
// the request.
type InvalidError struct{ Param, Message string }

func (e *InvalidError) Error() string { return e.Param + ": " + e.Message }

func invalid(param, format string, args ...any) error {
	return &InvalidError{param, fmt.Sprintf(format, args...)}
}

// States of a run, in OpenAI's words.
const (
	Queued     = "queued"
	InProgress = "in_progress"
	Completed  = "completed"
	Canceled   = "canceled"
	Failed     = "failed"
)

// States of a row that has ended.
const (
	Pass    = "pass"  // all graders let it pass
	Fail    = "fail"  // one did not
	Errored = "error" // there was no answer, or a grader could not grade it
)

// Client is whose evals and runs these are, as the API knows it.
type Client struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Admin bool   `json:"admin"`
}

// Spec is what a client says of an eval.
type Spec struct {
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Config   Config            `json:"config"`
	Criteria []*graders.Spec   `json:"criteria"`
}

// Config says how the data look.
type Config struct {
	Type     string          `json:"type"`               // custom, logs, stored_completions
	Schema   json.RawMessage `json:"schema,omitempty"`   // of a row's item, for custom
	Sample   bool            `json:"sample,omitempty"`   // answers are part of it
	Metadata json.RawMessage `json:"metadata,omitempty"` // of logs
}

// Eval is an eval.
type Eval struct {
	ID      string
	Owner   string
	Created time.Time
	Updated time.Time
	Spec
}

// Row is a row of data: an item and, for answers that were made elsewhere, a sample.
type Row struct {
	Item   json.RawMessage `json:"item"`
	Sample json.RawMessage `json:"sample,omitempty"`
}

// Kinds of data sources.
const (
	JSONL       = "jsonl"       // the rows hold answers
	Completions = "completions" // a model answers
	Responses   = "responses"   // the same, as the responses API has it
)

// RunSpec is what a client says of a run.
type RunSpec struct {
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Kind     string            `json:"kind"`
	Model    string            `json:"model,omitempty"`
	// Template or Reference says what the model is asked.
	Template  []graders.Message `json:"template,omitempty"`
	Reference string            `json:"reference,omitempty"`
	Sampling  graders.Sampling  `json:"sampling"`
	Format    serving.Format    `json:"format"`
	Tools     []chat.Tool       `json:"tools,omitempty"`
	// Source is the data_source as the client wrote it.
	Source json.RawMessage `json:"-"`
}

// Run is a run.
type Run struct {
	ID      string
	Eval    string
	Status  string
	Created time.Time
	RunSpec
	Progress
}

// Progress is what has become of a run. Usage and Criteria are nil while it waits.
type Progress struct {
	Error    *Error           `json:"error"`
	Rows     int              `json:"rows"`
	Counts   Counts           `json:"counts"`
	Usage    []ModelUsage     `json:"usage"`
	Criteria []CriterionCount `json:"criteria"`
}

// Error is why a run has failed, or a row.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Counts are of rows that have ended.
type Counts struct {
	Total   int `json:"total"`
	Errored int `json:"errored"`
	Failed  int `json:"failed"`
	Passed  int `json:"passed"`
}

// ModelUsage is what a model has cost, in tokens.
type ModelUsage struct {
	Model       string `json:"model_name"`
	Invocations int    `json:"invocation_count"`
	Prompt      int    `json:"prompt_tokens"`
	Completion  int    `json:"completion_tokens"`
	Total       int    `json:"total_tokens"`
	Cached      int    `json:"cached_tokens"`
}

// CriterionCount counts what one grader has let pass.
type CriterionCount struct {
	Criterion string `json:"testing_criteria"` // the id of the grader
	Passed    int    `json:"passed"`
	Failed    int    `json:"failed"`
}

// Item is a row that has ended.
type Item struct {
	ID      string
	Run     string
	N       int // number of the row, from 0
	Status  string
	Created time.Time
	Row     Row
	Output
}

// Output is what came out of a row, as OpenAI writes it.
type Output struct {
	Results []Result `json:"results"`
	Sample  Sample   `json:"sample"`
}

// Result is what one grader says.
type Result struct {
	Name    string          `json:"name"` // the id of the grader
	Type    string          `json:"type"`
	Score   float64         `json:"score"`
	Passed  bool            `json:"passed"`
	Sample  json.RawMessage `json:"sample"` // what a model that grades wrote; null: none did
	Error   *Error          `json:"error,omitempty"`
	Metrics *Metrics        `json:"x_metrics,omitempty"`
}

// Metrics says how a score was computed.
type Metrics struct {
	Signature string `json:"signature"`
}

// Sample is what a model was asked and has answered.
type Sample struct {
	Input        []Said      `json:"input"`
	Output       []Said      `json:"output"`
	FinishReason string      `json:"finish_reason"`
	Model        string      `json:"model"`
	Usage        SampleUsage `json:"usage"`
	Error        *Error      `json:"error"`
	Temperature  float32     `json:"temperature"`
	MaxTokens    int         `json:"max_completion_tokens"` // 0: up to the context
	TopP         float32     `json:"top_p"`
	Seed         int64       `json:"seed"`
}

// Said is a message.
type Said struct {
	Role      string          `json:"role"`
	Content   string          `json:"content"`
	ToolCalls json.RawMessage `json:"tool_calls,omitempty"`
}

// SampleUsage counts tokens.
type SampleUsage struct {
	Total      int `json:"total_tokens"`
	Completion int `json:"completion_tokens"`
	Prompt     int `json:"prompt_tokens"`
	Cached     int `json:"cached_tokens"`
}
