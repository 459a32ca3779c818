package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/internal/store"
	"graft/training/lint"
)

// maxReport bounds a report that is read back; those that are written are far smaller.
const maxReport = 64 << 20

// report is GET /v1/fine_tuning/jobs/{id}/report: what the checks of the data found
// before the job started, as JSON, text or a page.
func (h tuningHandler) report(c *gin.Context) {
	q := query{c: c, strict: h.Options.Strict}
	format := q.enum("format", "json", "json", "text", "html")
	err := q.end()
	var r *lint.Report
	if err == nil {
		r, err = h.reported(c)
	}
	var b bytes.Buffer
	switch {
	case err != nil:
	case format == "html":
		err = r.HTML(&b)
	case format == "text":
		err = r.Text(&b, func(_ lint.Severity, word string) string { return word })
	}
	switch {
	case err != nil:
		h.fail(c, err, "")
	case format == "html":
		setProcessing(c)
		c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Data(http.StatusOK, "text/html; charset=utf-8", b.Bytes())
	case format == "text":
		setProcessing(c)
		c.Header("X-Content-Type-Options", "nosniff")
		c.Data(http.StatusOK, "text/plain; charset=utf-8", b.Bytes())
	default:
		h.writeJSON(c, http.StatusOK, r)
	}
}

// reported reads the report of the job of the path.
func (h tuningHandler) reported(c *gin.Context) (*lint.Report, error) {
	j, err := h.job(c)
	if err != nil {
		return nil, err
	}
	none := func(why string) error {
		return &Error{Status: http.StatusNotFound, Type: invalidRequest, Param: "fine_tuning_job_id", Code: "report_not_found", Message: why}
	}
	if j.Report == "" {
		return nil, none("The data of this job has not been checked yet.")
	}
	f, err := h.Files.File(c.Request.Context(), j.Report)
	var in io.ReadCloser
	if err == nil {
		in, err = h.Files.OpenFile(f)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, none("The report of this job, file " + j.Report + ", has been deleted.")
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r := &lint.Report{}
	return r, json.NewDecoder(io.LimitReader(in, maxReport)).Decode(r)
}
