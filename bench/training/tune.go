package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	"graft/bench/harness"
)

// tuned is what a job of the fine-tuning API did.
type tuned struct {
	Recipe     string             `json:"recipe"`
	Rows       int                `json:"rows"`
	Gold       int                `json:"gold"`
	Choices    []choice           `json:"choices"`
	Parameters int                `json:"parameters"`
	Tokens     int                `json:"tokens"` // of the rows, once
	Steps      int                `json:"steps"`
	Loss       []float64          `json:"loss"`       // of each step
	Validation map[string]float64 `json:"validation"` // step: loss
	Best       float64            `json:"best_validation"`
	Planned    float64            `json:"planned_s"` // what the job announced
	Wall       float64            `json:"wall_s"`
	CPU        float64            `json:"cpu_s"`
	Peak       int64              `json:"peak_bytes"` // of the whole server
	Score      float64            `json:"score"`
	Base       float64            `json:"base"`
	Model      string             `json:"-"`
}

type choice struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Why   string `json:"why"`
}

// upload puts a training file on the server.
func upload(ctx context.Context, s *harness.Server, path string, rows int) (id string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if rows > 0 && rows < len(lines) {
		text = bytes.Join(lines[:rows], nil)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	err = form.WriteField("purpose", "fine-tune")
	if err == nil {
		var part io.Writer
		if part, err = form.CreateFormFile("file", "rows.jsonl"); err == nil {
			_, err = part.Write(text)
		}
	}
	if err != nil {
		return "", err
	}
	if err := form.Close(); err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/files", &body)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var out struct{ ID string }
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("upload: %s", answer)
	}
	err = json.Unmarshal(answer, &out)
	return out.ID, err
}

// job is what is read of one.
type job struct {
	ID     string
	Status string
	Model  string `json:"fine_tuned_model"`
	Error  *struct{ Message string }
	Graft  struct {
		Plan *struct {
			Choices    []choice
			Tokens     int
			Parameters int
			Steps      int
			Seconds    float64
		}
	}
}

// create makes a job with graft's own settings; epochs and rows of a step unless 0.
func create(ctx context.Context, s *harness.Server, train, valid string, seed, epochs, batch int, settings map[string]any) (id string, err error) {
	hyper := map[string]any{"graft": settings}
	if epochs > 0 {
		hyper["n_epochs"] = epochs
	}
	if batch > 0 {
		hyper["batch_size"] = batch
	}
	body := harness.Body{"model": "base", "training_file": train, "seed": seed,
		"method": map[string]any{"type": "supervised", "supervised": map[string]any{"hyperparameters": hyper}}}
	if valid != "" {
		body["validation_file"] = valid
	}
	var j job
	_, err = harness.Call(ctx, http.MethodPost, s.URL+"/v1/fine_tuning/jobs", body, &j)
	return j.ID, err
}

// wait is the job when it has ended well.
func wait(ctx context.Context, s *harness.Server, id string) (*job, error) {
	for {
		var j job
		if _, err := harness.Call(ctx, http.MethodGet, s.URL+"/v1/fine_tuning/jobs/"+id, nil, &j); err != nil {
			return nil, err
		}
		switch j.Status {
		case "succeeded":
			return &j, nil
		case "failed", "cancelled":
			if j.Error != nil {
				return nil, fmt.Errorf("job %s: %s: %s", id, j.Status, j.Error.Message)
			}
			return nil, fmt.Errorf("job %s: %s", id, j.Status)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// tune runs one job and reads what it did.
func tune(ctx context.Context, s *harness.Server, train, valid string, seed, epochs int, settings map[string]any) (*tuned, error) {
	before, err := s.CPU()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	id, err := create(ctx, s, train, valid, seed, epochs, 0, settings)
	if err != nil {
		return nil, err
	}
	j, err := wait(ctx, s, id)
	if err != nil {
		return nil, err
	}
	t := &tuned{Wall: time.Since(start).Seconds(), Validation: map[string]float64{}, Model: j.Model}
	if t.CPU, err = s.CPU(); err != nil {
		return nil, err
	}
	t.CPU -= before
	if t.Peak, err = s.Peak(); err != nil {
		return nil, err
	}
	if p := j.Graft.Plan; p != nil {
		t.Choices, t.Parameters, t.Tokens, t.Steps, t.Planned = p.Choices, p.Parameters, p.Tokens, p.Steps, p.Seconds
	}
	return t, events(ctx, s, id, t)
}

// events reads the losses of a job, which come with the latest first.
func events(ctx context.Context, s *harness.Server, id string, t *tuned) error {
	losses := map[int]float64{}
	for after := ""; ; {
		var page struct {
			Data []struct {
				ID   string
				Data struct {
					Step  int
					Loss  *float64 `json:"train_loss"`
					Valid *float64 `json:"full_valid_loss"`
				}
			}
			More bool `json:"has_more"`
		}
		if _, err := harness.Call(ctx, http.MethodGet, s.URL+"/v1/fine_tuning/jobs/"+id+"/events?limit=100"+after, nil, &page); err != nil {
			return err
		}
		for _, e := range page.Data {
			if d := e.Data; d.Loss != nil {
				losses[d.Step] = *d.Loss
			}
			if d := e.Data; d.Valid != nil {
				t.Validation[fmt.Sprint(d.Step)] = *d.Valid
				if t.Best == 0 || *d.Valid < t.Best {
					t.Best = *d.Valid
				}
			}
			after = "&after=" + e.ID
		}
		if !page.More || len(page.Data) == 0 {
			break
		}
	}
	for step := 1; step <= len(losses); step++ {
		t.Loss = append(t.Loss, losses[step])
	}
	return nil
}
