package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mortal is graft serve with the tiny model, which a test may kill.
type mortal struct {
	t    *testing.T
	url  string
	data string
	cmd  *exec.Cmd
}

func (s *mortal) start() {
	s.t.Helper()
	folder, err := filepath.Abs(tinyFolder)
	if err != nil {
		s.t.Fatal(err)
	}
	address := freeAddress(s.t)
	s.url = "http://" + address
	s.cmd = exec.Command(program, "serve", "--listen", address, "--data-dir", s.data, "--model", folder)
	s.cmd.Dir = s.data
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for range 3000 {
		if resp, err := http.Get(s.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("graft was not ready after 30 s")
}

// kill is SIGKILL: nothing is written any more.
func (s *mortal) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (s *mortal) call(method, path string, in, out any) {
	s.t.Helper()
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			s.t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %v %s", method, path, resp.Status, err, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		s.t.Fatal(err)
	}
}

type evalRun struct {
	ID     string
	Status string
	Counts struct{ Total, Errored, Failed, Passed int } `json:"result_counts"`
	Usage  []struct {
		Calls      int `json:"invocation_count"`
		Completion int `json:"completion_tokens"`
	} `json:"per_model_usage"`
	Criteria []struct{ Passed, Failed int } `json:"per_testing_criteria_results"`
}

// outputs are the answers of a run by the number of their row, each there once.
func (s *mortal) outputs(eval, run string) map[int]string {
	s.t.Helper()
	out := map[int]string{}
	after := ""
	for {
		var page struct {
			Data []struct {
				ID      string
				N       int `json:"datasource_item_id"`
				Status  string
				Sample  struct{ Output []struct{ Content string } }
				Results []struct{ Score float64 }
			}
			More bool `json:"has_more"`
		}
		s.call("GET", "/v1/evals/"+eval+"/runs/"+run+"/output_items?limit=100"+after, nil, &page)
		for _, i := range page.Data {
			if _, ok := out[i.N]; ok {
				s.t.Errorf("row %d is there twice", i.N)
			}
			out[i.N] = fmt.Sprint(i.Status, i.Sample.Output, i.Results)
		}
		if !page.More {
			return out
		}
		after = "&after=" + page.Data[len(page.Data)-1].ID
	}
}

// TestEvalRunKilled: a run of /v1/evals whose server is killed with SIGKILL, again and
// again, goes on when the server is back, counts no row twice, and ends as a run that was
// not killed.
func TestEvalRunKilled(t *testing.T) {
	const rows = 160
	s := &mortal{t: t, data: t.TempDir()}
	s.start()
	defer func() { s.kill() }()
	var eval struct{ ID string }
	s.call("POST", "/v1/evals", map[string]any{
		"name":               "vowels",
		"data_source_config": map[string]any{"type": "custom", "item_schema": map[string]any{"type": "object", "properties": map[string]any{"q": map[string]any{"type": "string"}}}, "include_sample_schema": true},
		"testing_criteria":   []any{map[string]any{"type": "string_check", "name": "has an e", "input": "{{sample.output_text}}", "reference": "e", "operation": "like"}},
	}, &eval)
	var content []any
	for i := range rows {
		content = append(content, map[string]any{"item": map[string]any{"q": fmt.Sprintf("Question %d of many?", i)}})
	}
	source := map[string]any{"name": "run", "data_source": map[string]any{
		"type": "completions", "model": "tiny", "source": map[string]any{"type": "file_content", "content": content},
		"input_messages":  map[string]any{"type": "template", "template": []any{map[string]any{"role": "user", "content": "{{item.q}}"}}},
		"sampling_params": map[string]any{"temperature": 0, "max_completion_tokens": 96},
	}}
	create := func() (r evalRun) {
		t.Helper()
		s.call("POST", "/v1/evals/"+eval.ID+"/runs", source, &r)
		return r
	}
	path := "/v1/evals/" + eval.ID + "/runs/"
	until := func(id string, least int) (r evalRun) {
		t.Helper()
		for range 6000 {
			if s.call("GET", path+id, nil, &r); r.Status == "completed" || r.Status == "failed" || least > 0 && r.Counts.Total >= least {
				return r
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Fatalf("after half a minute: %+v", r)
		return r
	}
	killed := create()
	breaks := 0
	for k := range 4 {
		r := until(killed.ID, (k+1)*rows/6)
		if r.Status == "completed" {
			break
		}
		s.kill()
		s.start()
		breaks++
		var after evalRun
		s.call("GET", path+killed.ID, nil, &after)
		if n := len(s.outputs(eval.ID, killed.ID)); after.Counts.Total < r.Counts.Total || n < after.Counts.Total || after.Counts.Passed+after.Counts.Failed != after.Counts.Total {
			t.Errorf("after kill %d: %+v, before it %+v, %d rows", k+1, after.Counts, r.Counts, n)
		}
	}
	if breaks < 2 {
		t.Errorf("the run was broken off %d times only", breaks)
	}
	r, want := until(killed.ID, 0), until(create().ID, 0)
	if r.Status != "completed" || r.Counts.Total != rows || r.Counts.Errored != 0 || len(r.Usage) != 1 || r.Usage[0].Calls != rows {
		t.Fatalf("%+v", r)
	}
	if fmt.Sprint(r.Counts, r.Usage, r.Criteria) != fmt.Sprint(want.Counts, want.Usage, want.Criteria) {
		t.Errorf("killed: %+v\nnot killed: %+v", r, want)
	}
	got, whole := s.outputs(eval.ID, killed.ID), s.outputs(eval.ID, want.ID)
	if len(got) != rows || len(whole) != rows {
		t.Errorf("%d and %d rows", len(got), len(whole))
	}
	for n, text := range whole {
		if got[n] != text {
			t.Errorf("row %d: %q, not killed: %q", n, got[n], text)
		}
	}
	if strings.Count(fmt.Sprint(whole), "pass") == 0 || strings.Count(fmt.Sprint(whole), "fail") == 0 {
		t.Error("all rows passed, or all failed: the grader tells nothing apart")
	}
}
