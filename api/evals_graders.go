package api

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"graft/evalharness/evals"
	"graft/evalharness/graders"
	"graft/serving"
)

// gradersHandler is /v1/fine_tuning/alpha/graders.
type gradersHandler struct{ *server }

// graderErrors are OpenAI's flags; those of Python are never set here.
type graderErrors struct {
	FormulaParse        bool    `json:"formula_parse_error"`
	InvalidVariable     bool    `json:"invalid_variable_error"`
	ModelParse          bool    `json:"model_grader_parse_error"`
	ModelRefusal        bool    `json:"model_grader_refusal_error"`
	ModelServer         bool    `json:"model_grader_server_error"`
	ModelServerDetails  *string `json:"model_grader_server_error_details"`
	Other               bool    `json:"other_error"`
	PythonRuntime       bool    `json:"python_grader_runtime_error"`
	PythonRuntimeDetail *string `json:"python_grader_runtime_error_details"`
	PythonServer        bool    `json:"python_grader_server_error"`
	PythonServerType    *string `json:"python_grader_server_error_type"`
	SampleParse         bool    `json:"sample_parse_error"`
	Truncated           bool    `json:"truncated_observation_error"`
	Unresponsive        bool    `json:"unresponsive_reward_error"`
}

// graded is OpenAI's answer to a grader's run.
type graded struct {
	Reward   float64 `json:"reward"`
	Metadata struct {
		Name      string             `json:"name"`
		Type      string             `json:"type"`
		Errors    graderErrors       `json:"errors"`
		Seconds   float64            `json:"execution_time"`
		Scores    map[string]float64 `json:"scores"`
		Tokens    *int               `json:"token_usage"`        // null: no model was asked
		Model     *string            `json:"sampled_model_name"` // the same, or several were
		Signature string             `json:"x_signature,omitempty"`
	} `json:"metadata"`
	Sub   map[string]float64     `json:"sub_rewards"`
	Usage map[string]gradedUsage `json:"model_grader_token_usage_per_model"`
}

type gradedUsage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	Cached     int `json:"cached_tokens"`
}

// judgeOf asks models in the name of a client, and notes what that costs.
type judgeOf struct {
	evalModels
	client evals.Client
	usage  map[string]gradedUsage
}

func (j *judgeOf) Ask(ctx context.Context, q graders.Question) (*graders.Answer, error) {
	a, err := j.evalModels.Ask(ctx, j.client, q)
	if err != nil {
		return nil, err
	}
	u := j.usage[q.Model]
	u.Prompt += a.Usage.Prompt
	u.Completion += a.Usage.Completion
	u.Cached += a.Usage.Cached
	u.Total = u.Prompt + u.Completion
	j.usage[q.Model] = u
	return a, nil
}

// graderOf reads the field grader.
func (h gradersHandler) graderOf(o *object) (spec *graders.Spec) {
	o.require("grader")
	o.object("grader", func(o *object) {
		o.accept("id")
		spec = bindGrader(o, false)
	})
	return spec
}

// compiled checks a grader, and that its models are there for the client.
func (h gradersHandler) compiled(c *gin.Context, spec *graders.Spec) (*graders.Grader, error) {
	g, err := graders.Compile(spec)
	if err != nil {
		return nil, err
	}
	for _, name := range spec.Models() {
		exchangeOf(c).model = name
		if _, err := evalModels(h).Pin(c.Request.Context(), h.client(c), name); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (h gradersHandler) validate(c *gin.Context) {
	var spec *graders.Spec
	err := h.read(c, func(o *object) { spec = h.graderOf(o) })
	if err == nil {
		_, err = h.compiled(c, spec)
	}
	if err != nil {
		h.fail(c, evalError(err, "grader"), "")
		return
	}
	h.writeJSON(c, http.StatusOK, struct {
		Grader json.RawMessage `json:"grader"`
	}{spec.Raw})
}

func (h gradersHandler) run(c *gin.Context) {
	out, err := h.ran(c)
	if err != nil {
		h.fail(c, evalError(err, "grader"), "")
		return
	}
	h.writeJSON(c, http.StatusOK, out)
}

func (h gradersHandler) ran(c *gin.Context) (*graded, error) {
	var spec *graders.Spec
	var text string
	item := json.RawMessage(`{}`)
	err := h.read(c, func(o *object) {
		spec = h.graderOf(o)
		o.require("model_sample")
		o.string("model_sample", &text)
		if v, ok := o.value("item"); ok {
			item = v.raw
		}
		o.accept("reference_answer") // of an older form of this route
	})
	if err != nil {
		return nil, err
	}
	g, err := h.compiled(c, spec)
	if err != nil {
		return nil, err
	}
	values, err := evals.TextValues(item, text)
	if err != nil {
		return nil, err
	}
	var similar graders.Similarity
	if h.Evals != nil {
		similar = h.Evals.Similarity(h.client(c))
	}
	judge := &judgeOf{evalModels(h), h.client(c), map[string]gradedUsage{}}
	began := time.Now()
	r, err := g.Grade(c.Request.Context(), values, judge, similar)
	out := &graded{Reward: r.Score, Sub: map[string]float64{}, Usage: judge.usage}
	m := &out.Metadata
	m.Name, m.Type, m.Seconds, m.Signature = spec.Name, spec.Type, time.Since(began).Seconds(), r.Signature
	m.Scores = map[string]float64{spec.Name: r.Score}
	for name, sub := range r.Sub {
		out.Sub[name], m.Scores[name] = sub.Score, sub.Score
	}
	if names := slices.Sorted(maps.Keys(judge.usage)); len(names) > 0 {
		total := 0
		for _, u := range judge.usage {
			total += u.Total
		}
		m.Tokens = &total
		if len(names) == 1 {
			m.Model = &names[0]
		}
	}
	return out, h.flag(c, &m.Errors, err)
}

// flag says in OpenAI's words why there is no score; what is no fault of the grader
// is returned.
func (h gradersHandler) flag(c *gin.Context, f *graderErrors, err error) error {
	switch {
	case err == nil:
	case c.Request.Context().Err() != nil, errors.Is(err, serving.ErrOverloaded), errors.Is(err, serving.ErrDraining):
		return err
	case errors.Is(err, graders.ErrVariable):
		f.InvalidVariable = true
	case errors.Is(err, graders.ErrReply):
		f.ModelParse = true
	case errors.Is(err, graders.ErrFormula):
		f.FormulaParse = true
	case errors.Is(err, graders.ErrJudge):
		e, internal := classify(err, "grader")
		if internal {
			h.Logger.ErrorContext(c.Request.Context(), "a model that grades", "error", err)
		}
		f.ModelServer, f.ModelServerDetails = true, &e.Message
	default:
		f.Other = true
	}
	return nil
}
