package jobs

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"strings"
)

// columns of the result file: OpenAI's, then those of Azure that have other names, then
// graft's own.
// train_accuracy is train_mean_token_accuracy.
var columns = []struct{ name, key string }{
	{"step", "step"}, {"train_loss", "train_loss"}, {"train_accuracy", "train_mean_token_accuracy"},
	{"valid_loss", "valid_loss"}, {"valid_mean_token_accuracy", "valid_mean_token_accuracy"},
	{"train_mean_token_accuracy", "train_mean_token_accuracy"},
	{"full_valid_loss", "full_valid_loss"}, {"full_valid_mean_token_accuracy", "full_valid_mean_token_accuracy"},
	{"neutral_bits_per_byte", "neutral_bits_per_byte"},
}

// resultPurpose is that of the files that a job makes.
const resultPurpose = "fine-tune-results"

// fileOf is the id of a job's result file: a second time, it is the same file.
func fileOf(job string) string { return "file-" + strings.TrimPrefix(job, "ftjob-") }

// putResult writes the numbers of all steps into a file and returns its id.
func (s *Service) putResult(ctx context.Context, j *Job) (string, error) {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = c.name
	}
	err := w.Write(line)
	for seq := int64(0); err == nil; {
		rows, e := s.o.Store.Jobs().EventsAfter(ctx, j.ID, seq, page)
		if err = e; err != nil || len(rows) == 0 {
			break
		}
		for _, row := range rows {
			seq = row.Seq
			event, e := readEvent(row)
			if e != nil {
				return "", e
			}
			if event.Type != "metrics" {
				continue
			}
			for i, c := range columns {
				line[i] = ""
				if v, ok := event.Data[c.key].(float64); ok {
					line[i] = strconv.FormatFloat(v, 'g', -1, 64)
				}
			}
			if err = w.Write(line); err != nil {
				return "", err
			}
		}
	}
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	if err != nil {
		return "", err
	}
	f := File{ID: fileOf(j.ID), Name: "step_metrics.csv", Purpose: resultPurpose, Owner: j.Spec.Owner, Bytes: int64(text.Len())}
	return f.ID, s.o.Files.Put(ctx, f, &text)
}
