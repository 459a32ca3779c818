package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"github.com/gin-gonic/gin"

	"graft/training/dataset"
	"graft/training/jobs"
	"graft/training/lint"
)

// errFound ends the reading of a file.
var errFound = errors.New("found")

// preview is POST /v1/fine_tuning/graft/preview: a row as it would be trained, token
// by token.
func (h tuningHandler) preview(c *gin.Context) {
	out, err := h.previewed(c)
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, out)
}

type tuningPreview struct {
	Object string            `json:"object"`
	Model  string            `json:"model"`
	Data   []dataset.Preview `json:"data"`
}

func (h tuningHandler) previewed(c *gin.Context) (*tuningPreview, error) {
	var model, file string
	var row []byte
	line := 1
	if err := h.read(c, func(o *object) {
		o.model(&model)
		o.string("training_file", &file)
		o.integer("line", &line, 1, dataset.MaxRows)
		if v, ok := o.value("row"); ok {
			if v.kind() != "object" {
				v.wrongType("an object")
			}
			row = v.raw
		}
		if o.d.err == nil && (file == "") == (row == nil) {
			o.d.fail(invalid("training_file", "missing_required_parameter", "Say what is to be shown: either 'training_file', and a 'line' of it, or 'row', the row itself."))
		}
	}); err != nil {
		return nil, err
	}
	base, err := h.base(c, model)
	if err != nil {
		return nil, err
	}
	defer base.Release()
	param, what := "row", "The row"
	var in io.ReadCloser
	if row != nil {
		var one bytes.Buffer
		if err := json.Compact(&one, row); err != nil { // of a line of a file there is one
			return nil, err
		}
		in, line = io.NopCloser(&one), 1
	} else {
		param, what = "line", fmt.Sprintf("Line %d", line)
		f, err := h.trainingFile(c, file)
		if err != nil {
			return nil, err
		}
		in = f
	}
	defer in.Close()
	problems := dataset.Problems{Most: 1000}
	var found *dataset.Row
	if err := dataset.Read(in, &problems, func(r dataset.Row) error {
		if r.Line < line {
			return nil
		}
		found = &r
		return errFound
	}); err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	if found == nil || found.Line != line {
		for _, p := range problems.List {
			if p.Line == line {
				p.Line = 0
				return nil, invalid(param, p.Code, "%s cannot be trained on: %s.", what, p)
			}
		}
		return nil, invalid(param, "invalid_value", "Invalid '%s': the file has no line %d.", param, line)
	}
	format := dataset.NewFormat(base.Tokenizer, dataset.FormatOptions{Now: h.Now()})
	list, err := format.Show(found, dataset.RenderOptions{})
	if err != nil {
		p := dataset.AsProblem("", 0, err)
		return nil, invalid(param, p.Code, "%s cannot be trained on: %s.", what, p)
	}
	return &tuningPreview{"fine_tuning.graft.preview", base.ID, list}, nil
}

// base lends a model that can be trained.
func (h tuningHandler) base(c *gin.Context, name string) (*jobs.Base, error) {
	exchangeOf(c).model = name
	if err := h.usable(c, name); err != nil {
		return nil, err
	}
	return h.Bases.Base(c.Request.Context(), name)
}

// trainingFile opens a file that the client may train on.
func (h tuningHandler) trainingFile(c *gin.Context, id string) (io.ReadCloser, error) {
	if err := h.mayTrainOn(c, id, "training_file"); err != nil {
		return nil, err
	}
	f, err := h.file(c, id, "training_file")
	if err != nil {
		return nil, err
	}
	return h.Files.OpenFile(f)
}

// check is POST /v1/fine_tuning/graft/check: what a job would say of its files, and
// what is odd about them, without a job.
func (h tuningHandler) check(c *gin.Context) {
	report, err := h.checked(c)
	if err != nil {
		h.fail(c, err, "")
		return
	}
	h.writeJSON(c, http.StatusOK, report)
}

// checkTime bounds a check.
const checkTime = 5 * time.Minute

func (h tuningHandler) checked(c *gin.Context) (*lint.Report, error) {
	var model, training, validation string
	method, difficulty := jobs.Supervised, false
	if err := h.read(c, func(o *object) {
		o.model(&model)
		o.require("training_file")
		o.string("training_file", &training)
		o.string("validation_file", &validation)
		o.enum("method", &method, jobs.Supervised, jobs.DPO)
		o.bool("difficulty", &difficulty)
	}); err != nil {
		return nil, err
	}
	select {
	case h.checking <- struct{}{}:
		defer func() { <-h.checking }()
	default:
		return nil, &Error{Status: http.StatusTooManyRequests, Type: rateLimit, Code: "check_busy", RetryAfter: overloadedRetry,
			Message: "A file is being checked already; try again in a moment."}
	}
	base, err := h.base(c, model)
	if err != nil {
		return nil, err
	}
	defer base.Release()
	ctx, cancel := context.WithTimeout(c.Request.Context(), checkTime)
	defer cancel()
	f, err := h.trainingFile(c, training)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	set, err := dataset.Load(ctx, f, dataset.Options{
		File: training, Format: dataset.NewFormat(base.Tokenizer, dataset.FormatOptions{Now: h.Now()}),
		Pairs: method == jobs.DPO, MaxTokens: base.Model.Config.Context,
	})
	if err != nil {
		return nil, err
	}
	in := lint.Input{Set: set}
	if difficulty {
		in.Scorer = lint.Base{Model: base.Model, Cores: max(1, runtime.NumCPU()/2)} // requests go on
	}
	if validation != "" {
		other, err := h.trainingFile(c, validation)
		if err != nil {
			return nil, err
		}
		defer other.Close()
		rows := lint.File{Name: validation, Validation: true}
		problems := dataset.Problems{File: validation}
		if err := dataset.Read(other, &problems, func(r dataset.Row) error { rows.Rows = append(rows.Rows, r); return ctx.Err() }); err != nil {
			return nil, err
		}
		in.Others = append(in.Others, rows)
		if in.Embedder, err = LoadedEmbedder(ctx, h.Backend); err != nil {
			return nil, err
		}
	}
	return lint.Run(ctx, in)
}
