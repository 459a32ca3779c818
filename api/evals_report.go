package api

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/evalharness/evals"
	"graft/evalharness/report"
	"graft/internal/store"
)

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
	res := evals.Graded(e, r, items)
	res.Version = h.Version
	show := report.Single{Headline: r.Status, Tone: map[string]string{evals.Completed: "good", evals.Failed: "bad", evals.Canceled: "warn"}[r.Status]}
	show.Lead = fmt.Sprintf("%d of %d rows have ended: %d passed, %d failed, %d without a result", r.Counts.Total, r.Rows, r.Counts.Passed, r.Counts.Failed, r.Counts.Errored)
	if r.Error != nil {
		show.Lead += "; " + r.Error.Code + ": " + r.Error.Message
	}
	if more {
		show.Next = "?after=" + items[len(items)-1].ID
	}
	setProcessing(c)
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Status(http.StatusOK)
	if err := report.Alone(c.Writer, res, show); err != nil {
		h.Logger.DebugContext(ctx, "report", "error", err) // the client has left
	}
}
