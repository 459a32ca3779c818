package api

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"graft/training/jobs"
)

// Jobs is the queue of fine-tuning; *jobs.Service is.
type Jobs interface {
	// Create returns *jobs.InvalidError for what no job is made of, and jobs.ErrFull.
	Create(ctx context.Context, spec jobs.Spec) (jobs.Job, error)
	// All others return jobs.ErrNotFound for an unknown id, also of the element that a
	// page comes after.
	Get(ctx context.Context, id string) (jobs.Job, error)
	List(ctx context.Context, after string, limit int, metadata map[string]string) (list []jobs.Job, more bool, err error)
	// The next three return jobs.ErrState where the job's state forbids it.
	Cancel(ctx context.Context, id string) (jobs.Job, error)
	Pause(ctx context.Context, id string) (jobs.Job, error)
	Resume(ctx context.Context, id string) (jobs.Job, error)
	Events(ctx context.Context, id, after string, limit int) (list []jobs.Event, more bool, err error)
	// Follow yields events in their order until the job has ended, or ctx.
	Follow(ctx context.Context, id, after string) iter.Seq2[jobs.Event, error]
	Checkpoints(ctx context.Context, id, after string, limit int) (list []jobs.Checkpoint, more bool, err error)
}

// tuningHandler is /v1/fine_tuning.
type tuningHandler struct {
	*server
	checking chan struct{} // held while a file is checked
}

func (s *server) newTuningHandler() tuningHandler { return tuningHandler{s, make(chan struct{}, 1)} }

// needJobs stops requests on a server that does not train.
func (h tuningHandler) needJobs(c *gin.Context) {
	if h.Jobs == nil || h.Files == nil {
		h.fail(c, &Error{Status: http.StatusConflict, Type: invalidRequest, Code: "fine_tuning_unavailable", NoRetry: true,
			Message: "This server does not train: it passes requests on to another."}, "")
	}
}

// job is the job of the path, if the client may see it.
func (h tuningHandler) job(c *gin.Context) (jobs.Job, error) {
	j, err := h.Jobs.Get(c.Request.Context(), c.Param("id"))
	if err == nil && !h.owns(c, j.Spec.Owner) {
		err = jobs.ErrNotFound
	}
	if errors.Is(err, jobs.ErrNotFound) {
		err = noJob(c.Param("id"))
	}
	return j, err
}

func noJob(id string) error {
	return &Error{Status: http.StatusNotFound, Type: invalidRequest, Param: "fine_tuning_job_id", Code: "fine_tune_not_found",
		Message: "Could not find fine tune: " + clip(id, 100)}
}

// answer sends a job, or the error.
func (h tuningHandler) answer(c *gin.Context, j jobs.Job, err error) {
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, jobOf(j))
}

func (h tuningHandler) get(c *gin.Context) {
	j, err := h.job(c)
	h.answer(c, j, err)
}

func (h tuningHandler) cancel(c *gin.Context) { h.act(c, Jobs.Cancel) }
func (h tuningHandler) pause(c *gin.Context)  { h.act(c, Jobs.Pause) }
func (h tuningHandler) resume(c *gin.Context) { h.act(c, Jobs.Resume) }

func (h tuningHandler) act(c *gin.Context, do func(Jobs, context.Context, string) (jobs.Job, error)) {
	j, err := h.job(c)
	if err == nil {
		if j, err = do(h.Jobs, c.Request.Context(), j.ID); errors.Is(err, jobs.ErrNotFound) {
			err = noJob(c.Param("id"))
		}
	}
	h.answer(c, j, err)
}

// Lengths of pages.
const (
	pageJobs        = 20
	pageEvents      = 20
	pageCheckpoints = 10
	longestPage     = 100
)

// list is GET /v1/fine_tuning/jobs: the jobs of this key, the latest first.
func (h tuningHandler) list(c *gin.Context) {
	list, more, err := h.listed(c)
	if err != nil {
		h.fail(c, err, "")
		return
	}
	out := struct {
		Object  string      `json:"object"`
		Data    []jobObject `json:"data"`
		FirstID *string     `json:"first_id"`
		LastID  *string     `json:"last_id"`
		HasMore bool        `json:"has_more"`
	}{Object: "list", Data: []jobObject{}, HasMore: more}
	for _, j := range list {
		out.Data = append(out.Data, jobOf(j))
	}
	if n := len(list); n > 0 {
		out.FirstID, out.LastID = &list[0].ID, &list[n-1].ID
	}
	h.writeJSON(c, http.StatusOK, out)
}

func (h tuningHandler) listed(c *gin.Context) (out []jobs.Job, more bool, err error) {
	q := query{c: c, strict: h.Options.Strict}
	limit, after := q.integer("limit", pageJobs, 1, longestPage), q.text("after")
	var metadata map[string]string
	if q.enum("metadata", "", "null") == "null" {
		metadata = map[string]string{}
	}
	q.under("metadata", func(key, value string) {
		if metadata == nil {
			metadata = map[string]string{}
		}
		metadata[key] = value
	})
	if err := q.end(); err != nil {
		return nil, false, err
	}
	ctx := c.Request.Context()
	if after != "" {
		if j, err := h.Jobs.Get(ctx, after); err != nil || !h.owns(c, j.Spec.Owner) {
			return nil, false, unknownAfter(err, after)
		}
	}
	for { // until the page is full of jobs that the key may see
		list, next, err := h.Jobs.List(ctx, after, longestPage, metadata)
		if err != nil {
			return nil, false, err
		}
		for _, j := range list {
			after = j.ID
			if !h.owns(c, j.Spec.Owner) {
				continue
			}
			if len(out) == limit {
				return out, true, nil
			}
			out = append(out, j)
		}
		if !next {
			return out, false, nil
		}
	}
}

// unknownAfter is the error of a page that comes after what is not there.
func unknownAfter(err error, after string) error {
	if err == nil || errors.Is(err, jobs.ErrNotFound) {
		return invalid("after", "invalid_value", "Invalid 'after': there is no '%.100s' here.", after)
	}
	return err
}

// jobObject is OpenAI's, with all keys that it requires, and graft's own in one.
type jobObject struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	CreatedAt          int64             `json:"created_at"`
	FinishedAt         *int64            `json:"finished_at"`
	Model              string            `json:"model"`
	FineTunedModel     *string           `json:"fine_tuned_model"`
	OrganizationID     string            `json:"organization_id"`
	Status             string            `json:"status"`
	Hyperparameters    map[string]any    `json:"hyperparameters"`
	TrainingFile       string            `json:"training_file"`
	ValidationFile     *string           `json:"validation_file"`
	ResultFiles        []string          `json:"result_files"`
	TrainedTokens      *int64            `json:"trained_tokens"`
	Error              *jobError         `json:"error"`
	Seed               int64             `json:"seed"`
	Integrations       []struct{}        `json:"integrations"`
	EstimatedFinish    *int64            `json:"estimated_finish"`
	Method             map[string]any    `json:"method"`
	Metadata           map[string]string `json:"metadata"` // null: none
	UserProvidedSuffix *string           `json:"user_provided_suffix"`
	Graft              jobGraft          `json:"graft"`
}

type jobError struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
}

// jobGraft is what graft says of a job beyond OpenAI.
type jobGraft struct {
	Settings jobs.Settings `json:"settings"` // as asked for
	Plan     *jobs.Plan    `json:"plan"`     // null: not made yet
	Name     string        `json:"name"`     // that the result has or will have
	Step     int           `json:"step"`
	Steps    int           `json:"steps"`  // 0: not known yet
	Report   *string       `json:"report"` // id of the file with what the checks of the data found; null: not checked yet
}

// organization is where all jobs belong.
const organization = "graft"

func jobOf(j jobs.Job) jobObject {
	hyper := hyperOf(j.Hyper, false)
	method := j.Spec.Method
	out := jobObject{
		ID: j.ID, Object: "fine_tuning.job", CreatedAt: j.Created.Unix(), FinishedAt: unixOf(j.Ended), Model: j.Spec.Model,
		FineTunedModel: orNull(j.Model), OrganizationID: organization, Status: string(j.Status), Hyperparameters: hyper,
		TrainingFile: j.Spec.TrainingFile, ValidationFile: orNull(j.Spec.ValidationFile), ResultFiles: append([]string{}, j.ResultFiles...),
		Integrations: []struct{}{}, EstimatedFinish: unixOf(j.EstimatedFinish), Metadata: j.Spec.Metadata, UserProvidedSuffix: orNull(j.Spec.Suffix),
		Method: map[string]any{"type": method, method: map[string]any{"hyperparameters": hyperOf(j.Hyper, method == jobs.DPO)}},
		Graft:  jobGraft{j.Spec.Settings, j.Plan, j.Suffixed, j.Step, j.Steps, orNull(j.Report)},
	}
	if j.TrainedTokens > 0 {
		out.TrainedTokens = &j.TrainedTokens
	}
	if j.Spec.Seed != nil {
		out.Seed = *j.Spec.Seed
	}
	if e := j.Error; e != nil {
		out.Error = &jobError{e.Code, e.Message, orNull(e.Param)}
	}
	return out
}

// hyperOf is hyperparameters with "auto" where nothing is resolved yet.
func hyperOf(h jobs.Hyper, beta bool) map[string]any {
	out := map[string]any{"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}
	if h.Epochs > 0 {
		out["n_epochs"] = h.Epochs
	}
	if h.Batch > 0 {
		out["batch_size"] = h.Batch
	}
	if h.RateMultiplier > 0 {
		out["learning_rate_multiplier"] = h.RateMultiplier
	}
	if beta {
		out["beta"] = "auto"
		if h.Beta > 0 {
			out["beta"] = h.Beta
		}
	}
	return out
}

// unixOf is null for never.
func unixOf(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	at := t.Unix()
	return &at
}
