package api

import (
	"encoding/json"
	"strings"
	"testing"

	"graft/internal/store"
	"graft/training/jobs"
	"graft/training/lint"
)

// TestTuningReport: what a job's checks have found comes as JSON, text or a page.
func TestTuningReport(t *testing.T) {
	s, q, _ := newTuning(t)
	want := lint.Report{File: "file-x", Kind: "chat", Rows: 12, Warnings: 1, Findings: []lint.Finding{
		{Check: "duplicate", Severity: lint.Warning, File: "file-x", Lines: []int{4}, Count: 1, Message: "1 row is <b>twice</b>", Fix: "remove it"}}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.store.StageFile(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Discard()
	if _, err := s.store.PutResult(t.Context(), store.File{ID: "file-r", Name: "data_report.json", Purpose: "fine-tune-results"}, c); err != nil {
		t.Fatal(err)
	}
	q.list = []jobs.Job{{ID: "ftjob-1", Report: "file-r", Spec: jobs.Spec{Method: jobs.Supervised}}, {ID: "ftjob-2"}}
	const path = "/v1/fine_tuning/jobs/ftjob-1/report"
	for query, kind := range map[string]string{"": "application/json", "?format=text": "text/plain; charset=utf-8", "?format=html": "text/html; charset=utf-8"} {
		w := do(s, "GET", path+query, "")
		body := w.Body.String()
		if got := w.Header().Get("Content-Type"); w.Code != 200 || got != kind {
			t.Errorf("%q: %d %s", query, w.Code, got)
		}
		switch query {
		case "":
			sameJSON(t, body, string(text))
		case "?format=text":
			if !strings.Contains(body, "warning duplicate: 1 row is <b>twice</b>\n  at  file-x, line 4\n  do  remove it\n") {
				t.Error(body)
			}
		case "?format=html":
			if !strings.Contains(body, "1 row is &lt;b&gt;twice&lt;/b&gt;") || w.Header().Get("Content-Security-Policy") == "" {
				t.Error(body)
			}
		}
	}
	if got := fieldsOf(t, do(s, "GET", "/v1/fine_tuning/jobs/ftjob-1", ""), 200)["graft"].(map[string]any)["report"]; got != "file-r" {
		t.Errorf("the job says %v", got)
	}
	wantError(t, do(s, "GET", path+"?format=pdf", ""), 400, invalidRequest, "format", "invalid_value")
	wantError(t, do(s, "GET", "/v1/fine_tuning/jobs/ftjob-2/report", ""), 404, invalidRequest, "fine_tuning_job_id", "report_not_found")
	wantError(t, do(s, "GET", "/v1/fine_tuning/jobs/none/report", ""), 404, invalidRequest, "fine_tuning_job_id", "fine_tune_not_found")
	fieldsOf(t, do(s, "DELETE", "/v1/files/file-r", ""), 200)
	wantError(t, do(s, "GET", path, ""), 404, invalidRequest, "fine_tuning_job_id", "report_not_found")
}
