package api

import (
	_ "embed"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/evalharness/evals"
	"graft/internal/store"
)

//go:embed evals_report.html
var reportText string

// reportPage shows a run; html/template escapes what it fills in.
var reportPage = template.Must(template.New("report").Parse(reportText))

// reportRows is how many rows a page shows.
const reportRows = 200

// report is the page that report_url leads to. It loads nothing and runs nothing.
func (h evalsHandler) report(c *gin.Context) {
	ctx, client := c.Request.Context(), h.client(c)
	e, err := h.Evals.Get(ctx, client, c.Param("id"))
	var r evals.Run
	var items []evals.Item
	var more bool
	if err == nil {
		r, err = h.Evals.Run(ctx, client, e.ID, c.Param("run"))
	}
	q := query{c: c, strict: h.Options.Strict}
	page := store.Page{After: q.text("after"), Limit: reportRows}
	if err == nil {
		err = q.end()
	}
	if err == nil {
		items, more, err = h.Evals.Items(ctx, client, e.ID, r.ID, "", page)
	}
	if err != nil {
		h.fail(c, afterError(err, evals.ErrNoItem, page.After), "")
		return
	}
	next := ""
	if more {
		next = items[len(items)-1].ID
	}
	setProcessing(c)
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Status(http.StatusOK)
	err = reportPage.Execute(c.Writer, struct {
		Eval  evals.Eval
		Run   evals.Run
		Items []evals.Item
		Next  string
	}{e, r, items, next})
	if err != nil {
		h.Logger.DebugContext(ctx, "report", "error", err) // the client has left
	}
}
