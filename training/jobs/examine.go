package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"graft/training/dataset"
	"graft/training/lint"
)

// Bounds of what the checks before a job cost and say.
const (
	maxWarnings = 10 // that are events; all are in the report
	// scoredWork bounds how much of the rows the base reads to say which are hard for
	// it, in tokens × parameters: half a minute on two cores. The sample of a large
	// model has a thousand tokens still, or it would say nothing.
	scoredWork  = 1 << 40
	leastScored = 1 << 10 // tokens
	mostScored  = 1 << 13 // tokens
	// scoredYield is how long that reading lets requests go first. It takes examples one
	// by one, so that it would otherwise wait longer than the training itself does.
	scoredYield = 30 * time.Second
)

// inspection is what the checks look at once the files of a job have been read.
func (s *Service) inspection(ctx context.Context, j *Job, p *prepared) (in lint.Input, err error) {
	end := time.Now().Add(scoredYield)
	between := func(ctx context.Context) error {
		if time.Now().After(end) {
			return nil
		}
		return s.between(ctx)
	}
	in = lint.Input{
		Set:    p.train.set,
		Scorer: lint.Base{Model: p.base.Model, Cores: s.o.Cores, Between: between},
		Scored: min(mostScored, max(leastScored, scoredWork/int(max(1, p.base.Model.Config.Params)))),
	}
	if j.Spec.ValidationFile == "" {
		return in, nil // rows that are held out have no near copies among the others
	}
	in.Others = []lint.File{{Name: j.Spec.ValidationFile, Rows: p.valid.set.Rows, Validation: true}}
	if s.o.Embedder != nil {
		in.Embedder, err = s.o.Embedder(ctx)
	}
	return in, err
}

// examine makes all checks of a job's rows. Warnings become events, everything is in a
// report that is kept as a file, and errors are a *failure.
func (s *Service) examine(ctx context.Context, j *Job, in lint.Input) error {
	report, err := lint.Run(ctx, in)
	if err != nil {
		return err
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	f := File{ID: fileOf(j.ID) + "-data", Name: "data_report.json", Purpose: resultPurpose, Owner: j.Spec.Owner, Bytes: int64(len(text))}
	if err := s.o.Files.Put(ctx, f, bytes.NewReader(text)); err != nil {
		return err
	}
	_, err = s.change(ctx, j.ID, func(r *record) ([]note, error) {
		if r.Status != Validating {
			return nil, errState{r.Status}
		}
		r.Report = f.ID
		return warnings(report, f.ID), nil
	})
	if err != nil {
		return err
	}
	return refusal(&j.Spec, report)
}

// warnings are the events that a report brings about.
func warnings(r *lint.Report, file string) []note {
	notes := []note{{key: "checked", text: fmt.Sprintf("Data checked: %s; the report is %s", r.Summary(), file)}}
	told := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity != lint.Warning {
			continue
		}
		if told++; told > maxWarnings {
			continue
		}
		notes = append(notes, note{key: fmt.Sprintf("warning:%d", told), level: "warn", text: fmt.Sprintf("Data warning: %s (%s): %s; %s", f.Check, f.Where(), f.Message, f.Fix)})
	}
	if more := told - maxWarnings; more > 0 {
		notes = append(notes, note{key: "warnings", level: "warn", text: fmt.Sprintf("%d more warnings are in the report %s", more, file)})
	}
	return notes
}

// refusal is why a job does not start whose report has errors; nil: it has none. Those
// of reading a file are told before.
func refusal(spec *Spec, r *lint.Report) error {
	if r.Errors == 0 {
		return nil
	}
	param := "training_file"
	var lines []string
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity != lint.Error {
			continue
		}
		if len(lines) == 0 && f.File == spec.ValidationFile && f.File != spec.TrainingFile {
			param = "validation_file"
		}
		lines = append(lines, fmt.Sprintf("%s: %s; %s", f.Where(), f.Message, f.Fix))
	}
	lines = lines[:min(len(lines), shownErrors)]
	if more := r.Errors - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return invalidFile(param, errors.New(strings.Join(lines, "\n")), nil)
}

// shownErrors is how many errors of a report a job's error names.
const shownErrors = 5

// invalidFile is a job whose file cannot be trained on. set is what could be read of it;
// nil: all of it.
func invalidFile(param string, cause error, set *dataset.Set) *failure {
	text := fmt.Sprintf("The job failed due to an invalid %s file. %v", strings.TrimSuffix(param, "_file"), cause)
	return &failure{Error{"invalid_" + param, text, param}, cause, set}
}
