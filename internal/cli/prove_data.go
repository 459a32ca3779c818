package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"graft/evalharness"
	"graft/training/dataset"
	"graft/training/lint"
)

// How rows are divided when there is no gold set.
const (
	goldShare    = 0.2
	maxGold      = 100 // cases
	validShare   = 0.15
	maxValid     = 60
	leastForGold = 60 // rows: with fewer, 20 cases and enough to train on cannot both be had
)

// division is data divided: files, and what is in them.
type division struct {
	TrainFile, ValidationFile, GoldFile string
	Train, Validation, Gold             int
	MaxTokens                           int // that answers may need
}

// lintForProof checks the rows as graft data check does. Errors in them are an error.
func (e *env) lintForProof(ctx context.Context, f *proveFlags, path string) ([]evalharness.LintFinding, error) {
	d := dataFlags{model: f.model}
	format, err := e.format(ctx, &d)
	if err != nil {
		return nil, err
	}
	o, err := d.options(path, format)
	if err != nil {
		return nil, err
	}
	set, err := loadData(ctx, path, o)
	if err != nil {
		return nil, err
	}
	r, err := lint.Run(ctx, lint.Input{Set: set})
	if err != nil {
		return nil, err
	}
	var out []evalharness.LintFinding
	for _, x := range r.Findings {
		out = append(out, evalharness.LintFinding{Check: x.Check, Severity: string(x.Severity), Message: x.Message, Fix: x.Fix, Lines: x.Lines, Count: x.Count})
	}
	if r.Errors > 0 {
		return nil, fmt.Errorf("%s cannot be trained on: %s (%s); graft data check %s shows all", path, r.Findings[0].Message, r.Findings[0].Fix, path)
	}
	return out, nil
}

// divide writes the rows to train on, to choose with and, unless there is a gold set, to
// prove with. The same rows and seed give the same files.
func divide(path, gold, dir string, seed uint64) (*division, error) {
	list, text, err := readRows(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	rest := make([]int, len(list))
	for i := range rest {
		rest[i] = i
	}
	d := &division{MaxTokens: answerTokens(list)}
	if gold != "" {
		if d.GoldFile, err = filepath.Abs(gold); err != nil {
			return nil, err
		}
		g, err := evalharness.ReadGold(gold)
		if err != nil {
			return nil, err
		}
		if leaks := evalharness.CheckLeaks(g, path, list); len(leaks) > 0 {
			return nil, &evalharness.LeakError{Leaks: leaks}
		}
		d.Gold = len(g.Cases)
	} else {
		if len(list) < leastForGold {
			return nil, fmt.Errorf("%s has %d rows: at least %d are needed to keep a gold set of them, or give one with --gold", path, len(list), leastForGold)
		}
		left, cases, err := dataset.Split(list, min(goldShare, maxGold/float64(len(list))), seed)
		if err != nil {
			return nil, err
		}
		d.GoldFile, d.Gold, rest = filepath.Join(dir, "gold.jsonl"), len(cases), left
		if err := putLines(d.GoldFile, text, list, cases); err != nil {
			return nil, err
		}
	}
	kept := make([]dataset.Row, len(rest))
	for i, k := range rest {
		kept[i] = list[k]
	}
	train, valid, err := dataset.Split(kept, min(validShare, maxValid/float64(len(kept))), seed)
	if err != nil {
		return nil, err
	}
	d.Train, d.Validation = len(train), len(valid)
	d.TrainFile, d.ValidationFile = filepath.Join(dir, "train.jsonl"), filepath.Join(dir, "validation.jsonl")
	if err := putLines(d.TrainFile, text, kept, train); err != nil {
		return nil, err
	}
	return d, putLines(d.ValidationFile, text, kept, valid)
}

// putLines writes rows' lines, unless the file has them.
func putLines(path string, text [][]byte, list []dataset.Row, of []int) error {
	var b bytes.Buffer
	for _, i := range of {
		b.Write(bytes.TrimSuffix(text[list[i].Line-1], []byte("\r")))
		b.WriteByte('\n')
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b.Bytes()) {
		return nil
	}
	tmp := path + ".new"
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", tmp, err)
	}
	return os.Rename(tmp, path)
}

// answerTokens is how many tokens the answers may need: what nearly all of the rows'
// have, by their bytes (three are seldom less than a token), and some room.
func answerTokens(list []dataset.Row) int {
	sizes := make([]int, len(list))
	for i := range list {
		sizes[i] = len(list[i].Answer())
	}
	slices.Sort(sizes)
	return min(max(sizes[len(sizes)*98/100]/2+8, 16), 512)
}

// trainingOf is the story of the job, for the report.
func (e *env) trainingOf(ctx context.Context, cl *client, j *jobInfo, parts *division) (*evalharness.Training, error) {
	t := &evalharness.Training{Job: j.ID, Rows: parts.Train, Validation: parts.Validation, Tokens: j.TrainedTokens, Seconds: float64(max(j.Finished-j.Created, 0))}
	if len(j.Hyper) > 0 {
		if err := json.Unmarshal(j.Hyper, &t.Hyper); err != nil {
			return nil, fmt.Errorf("job %s: %w", j.ID, err)
		}
	}
	after := ""
	for {
		var page struct {
			Data []jobEvent `json:"data"`
			More bool       `json:"has_more"`
		}
		query := url.Values{"limit": {"100"}}
		if after != "" {
			query.Set("after", after)
		}
		if err := cl.call(ctx, http.MethodGet, jobPath(j.ID, "events")+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		for _, ev := range page.Data {
			step, _ := ev.Data["step"].(float64)
			loss, ok := ev.Data["train_loss"].(float64)
			if !ok {
				continue
			}
			p := evalharness.TrainingPoint{Step: int(step), Train: loss}
			if v, ok := ev.Data["full_valid_loss"].(float64); ok {
				p.Valid = &v
			}
			t.Loss = append(t.Loss, p)
		}
		if !page.More || len(page.Data) == 0 {
			break
		}
		after = page.Data[len(page.Data)-1].ID
	}
	slices.SortStableFunc(t.Loss, func(a, b evalharness.TrainingPoint) int { return a.Step - b.Step })
	return t, nil
}
