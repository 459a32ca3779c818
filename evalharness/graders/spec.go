package graders

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Types of graders.
const (
	StringCheck    = "string_check"
	TextSimilarity = "text_similarity"
	ScoreModel     = "score_model"
	LabelModel     = "label_model"
	Multi          = "multi"
	Python         = "python"
)

// Bounds of graders.
const (
	MaxMessages = 256 // of the input of a model
	MaxLabels   = 256
	MaxGraders  = 64 // of a multi grader
	maxTokens   = 1 << 20
)

// Operations of string_check, and metrics of text_similarity: OpenAI's, and bertscore,
// which is graft's.
var (
	Operations = []string{"eq", "ne", "neq", "like", "ilike"}
	Metrics    = []string{"cosine", "fuzzy_match", "bleu", "gleu", "meteor", "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l", "bertscore"}
)

// Spec is a grader as it is sent, stored and returned; fields of other types of
// graders are empty.
type Spec struct {
	ID        string           `json:"id,omitempty"` // in an eval: name-uuid
	Type      string           `json:"type"`
	Name      string           `json:"name"`
	Text      string           `json:"text,omitempty"` // input of string_check and text_similarity
	Reference string           `json:"reference,omitempty"`
	Operation string           `json:"operation,omitempty"`
	Metric    string           `json:"evaluation_metric,omitempty"`
	Pass      *float64         `json:"pass_threshold,omitempty"`
	Model     string           `json:"model,omitempty"`
	Messages  []Message        `json:"messages,omitempty"` // input of the graders that ask a model
	Range     []float64        `json:"range,omitempty"`
	Sampling  *Sampling        `json:"sampling_params,omitempty"`
	Labels    []string         `json:"labels,omitempty"`
	Passing   []string         `json:"passing_labels,omitempty"`
	Graders   map[string]*Spec `json:"graders,omitempty"`
	Formula   string           `json:"calculate_output,omitempty"`
	// Raw is the grader as the client wrote it, which gets it back like that.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// Message is a message whose parts are templates.
type Message struct {
	Role  string   `json:"role"`
	Parts []string `json:"parts"` // joined by a line break
}

// Sampling are parameters of a model; nil: the model's default.
type Sampling struct {
	Temperature *float32 `json:"temperature,omitempty"`
	TopP        *float32 `json:"top_p,omitempty"`
	Seed        *int64   `json:"seed,omitempty"`
	MaxTokens   int      `json:"max_tokens,omitempty"` // 0: no bound of its own
}

// InvalidError is a grader that cannot be. Param is the field, from the grader on.
type InvalidError struct{ Param, Message string }

func (e *InvalidError) Error() string { return e.Param + ": " + e.Message }

func invalid(param, format string, args ...any) error {
	return &InvalidError{param, fmt.Sprintf(format, args...)}
}

// Models are the models that the grader asks, each once.
func (s *Spec) Models() (list []string) {
	if s.Model != "" {
		list = append(list, s.Model)
	}
	for _, inner := range s.Graders {
		list = append(list, inner.Models()...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// check holds the fields to their bounds.
func (s *Spec) check(nested bool) error {
	if s.Name == "" && !nested {
		return invalid("name", "it is empty")
	}
	switch s.Type {
	case StringCheck:
		if !slices.Contains(Operations, s.Operation) {
			return invalid("operation", "it is one of %s", strings.Join(Operations, ", "))
		}
	case TextSimilarity:
		if !slices.Contains(Metrics, s.Metric) {
			return invalid("evaluation_metric", "it is one of %s", strings.Join(Metrics, ", "))
		}
	case ScoreModel:
		if len(s.Range) != 0 && (len(s.Range) != 2 || s.Range[0] >= s.Range[1]) {
			return invalid("range", "it is two numbers, the lower one first")
		}
		return s.checkModel()
	case LabelModel:
		return s.checkLabels()
	case Multi:
		return s.checkMulti(nested)
	case Python:
		return invalid("type", "graft runs no code of clients, so there are no python graders: use string_check, text_similarity, score_model, label_model or, in graders/run, multi")
	default:
		return invalid("type", "it is one of %s, %s, %s, %s, %s", StringCheck, TextSimilarity, ScoreModel, LabelModel, Multi)
	}
	return nil
}

func (s *Spec) checkModel() error {
	switch {
	case s.Model == "":
		return invalid("model", "it is empty")
	case len(s.Messages) == 0 || len(s.Messages) > MaxMessages:
		return invalid("input", "it is 1 to %d messages", MaxMessages)
	case s.Sampling != nil && (s.Sampling.MaxTokens < 0 || s.Sampling.MaxTokens > maxTokens):
		return invalid("sampling_params.max_completions_tokens", "it is 1 to %d", maxTokens)
	}
	return nil
}

func (s *Spec) checkLabels() error {
	if len(s.Labels) == 0 || len(s.Labels) > MaxLabels {
		return invalid("labels", "it is 1 to %d labels", MaxLabels)
	}
	for i, label := range s.Labels {
		if label == "" || slices.Contains(s.Labels[:i], label) {
			return invalid("labels", "each label is there once, and none is empty")
		}
	}
	for _, label := range s.Passing {
		if !slices.Contains(s.Labels, label) {
			return invalid("passing_labels", "%q is not one of the labels", clip(label))
		}
	}
	return s.checkModel()
}

func (s *Spec) checkMulti(nested bool) error {
	if nested {
		return invalid("type", "a multi grader cannot be inside another")
	}
	if len(s.Graders) == 0 || len(s.Graders) > MaxGraders {
		return invalid("graders", "it is 1 to %d graders", MaxGraders)
	}
	for name := range s.Graders {
		if !isName(name) {
			return invalid("graders", "%q cannot stand in a formula: a key is letters, digits and underscores, begins with none of the digits, and is no function", clip(name))
		}
	}
	return nil
}

// isName tells whether a formula reads s as one name.
func isName(s string) bool {
	p := formulaParser{text: s}
	_, function := functions[s]
	return s != "" && !function && !strings.Contains(s, ".") && !(s[0] >= '0' && s[0] <= '9') && p.word() == s
}
