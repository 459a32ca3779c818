package api

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"graft/evalharness/evals"
)

// runObject is OpenAI's eval.run.
type runObject struct {
	Object    string                 `json:"object"`
	ID        string                 `json:"id"`
	EvalID    string                 `json:"eval_id"`
	ReportURL string                 `json:"report_url"`
	Status    string                 `json:"status"`
	Model     string                 `json:"model"` // empty: none is asked
	Name      string                 `json:"name"`
	CreatedAt int64                  `json:"created_at"`
	Counts    evals.Counts           `json:"result_counts"`
	Usage     []evals.ModelUsage     `json:"per_model_usage"`              // null: waits
	Criteria  []evals.CriterionCount `json:"per_testing_criteria_results"` // null: waits
	Source    json.RawMessage        `json:"data_source"`
	Error     *evals.Error           `json:"error"`
	Metadata  map[string]string      `json:"metadata"`
}

func runObjectOf(c *gin.Context) func(r evals.Run) runObject {
	return func(r evals.Run) runObject {
		return runObject{Object: "eval.run", ID: r.ID, EvalID: r.Eval, ReportURL: reportURL(c, r), Status: r.Status, Model: r.Model, Name: r.Name, CreatedAt: r.Created.Unix(),
			Counts: r.Counts, Usage: r.Usage, Criteria: r.Criteria, Source: r.Source, Error: r.Error, Metadata: metadataObject(r.Metadata)}
	}
}

// reportURL is where the report of a run is, at the address by which the client
// reached this server.
func reportURL(c *gin.Context, r evals.Run) string {
	u := url.URL{Scheme: "http", Host: c.Request.Host, Path: "/v1/evals/" + r.Eval + "/runs/" + r.ID + "/report"}
	if c.Request.TLS != nil || c.GetHeader("X-Forwarded-Proto") == "https" {
		u.Scheme = "https"
	}
	return u.String()
}

func (h evalsHandler) createRun(c *gin.Context) {
	r, err := h.createdRun(c)
	if err != nil {
		h.fail(c, evalError(err, ""), "")
		return
	}
	h.writeJSON(c, http.StatusCreated, runObjectOf(c)(r))
}

func (h evalsHandler) createdRun(c *gin.Context) (run evals.Run, err error) {
	ctx, client := c.Request.Context(), h.client(c)
	if _, err := h.Evals.Get(ctx, client, c.Param("id")); err != nil { // before a large body is read
		return run, err
	}
	var r runRequest
	if err := h.read(c, r.bind); err != nil {
		return run, err
	}
	exchangeOf(c).model = r.Model
	if r.file != "" {
		if r.rows, err = h.fileRows(c, r.file); err != nil {
			return run, err
		}
	}
	return h.Evals.CreateRun(ctx, client, c.Param("id"), r.RunSpec, r.rows)
}

func (h evalsHandler) getRun(c *gin.Context) {
	r, err := h.Evals.Run(c.Request.Context(), h.client(c), c.Param("id"), c.Param("run"))
	h.answerRun(c, r, err)
}

func (h evalsHandler) answerRun(c *gin.Context, r evals.Run, err error) {
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, runObjectOf(c)(r))
}

// cancelRun is POST on a run.
func (h evalsHandler) cancelRun(c *gin.Context) {
	r, err := h.Evals.Cancel(c.Request.Context(), h.client(c), c.Param("id"), c.Param("run"))
	h.answerRun(c, r, err)
}

func (h evalsHandler) deleteRun(c *gin.Context) {
	id := c.Param("run")
	if err := h.Evals.DeleteRun(c.Request.Context(), h.client(c), c.Param("id"), id); err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, struct {
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
		ID      string `json:"run_id"`
	}{"eval.run.deleted", true, id})
}

func (h evalsHandler) listRuns(c *gin.Context) {
	q := query{c: c, strict: h.Options.Strict}
	p := paging(&q)
	status := q.enum("status", "", evals.Queued, evals.InProgress, evals.Completed, evals.Canceled, evals.Failed)
	err := q.end()
	var list []evals.Run
	var more bool
	if err == nil {
		list, more, err = h.Evals.Runs(c.Request.Context(), h.client(c), c.Param("id"), status, p)
	}
	if err != nil {
		h.fail(c, afterError(err, evals.ErrNoRun, p.After), "")
		return
	}
	h.writeJSON(c, http.StatusOK, pageOf(list, more, func(r evals.Run) string { return r.ID }, runObjectOf(c)))
}

// itemObject is OpenAI's eval.run.output_item.
type itemObject struct {
	Object    string          `json:"object"`
	ID        string          `json:"id"`
	CreatedAt int64           `json:"created_at"`
	RunID     string          `json:"run_id"`
	EvalID    string          `json:"eval_id"`
	Status    string          `json:"status"`
	N         int             `json:"datasource_item_id"`
	Item      json.RawMessage `json:"datasource_item"`
	Results   []evals.Result  `json:"results"`
	Sample    evals.Sample    `json:"sample"`
}

func itemObjectOf(eval string) func(i evals.Item) itemObject {
	return func(i evals.Item) itemObject {
		return itemObject{"eval.run.output_item", i.ID, i.Created.Unix(), i.Run, eval, i.Status, i.N, i.Row.Item, i.Results, i.Sample}
	}
}

func (h evalsHandler) listItems(c *gin.Context) {
	q := query{c: c, strict: h.Options.Strict}
	p := paging(&q)
	status := q.enum("status", "", evals.Pass, evals.Fail, evals.Errored)
	err := q.end()
	var list []evals.Item
	var more bool
	if err == nil {
		list, more, err = h.Evals.Items(c.Request.Context(), h.client(c), c.Param("id"), c.Param("run"), status, p)
	}
	if err != nil {
		h.fail(c, afterError(err, evals.ErrNoItem, p.After), "")
		return
	}
	h.writeJSON(c, http.StatusOK, pageOf(list, more, func(i evals.Item) string { return i.ID }, itemObjectOf(c.Param("id"))))
}

func (h evalsHandler) getItem(c *gin.Context) {
	i, err := h.Evals.Item(c.Request.Context(), h.client(c), c.Param("id"), c.Param("run"), c.Param("item"))
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, itemObjectOf(c.Param("id"))(i))
}
