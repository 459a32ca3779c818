package evalharness

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"graft/training/dataset"
)

// read takes in the files, and refuses cases that have leaked.
func (r *run) read() (err error) {
	t := r.task
	if r.gold, err = ReadGold(t.Path(t.Gold)); err != nil {
		return fmt.Errorf("gold: %w", err)
	}
	r.gold.File = t.Gold
	var devRows []dataset.Row
	if t.Dev != "" {
		if devRows, _, err = ReadRows(t.Path(t.Dev)); err != nil {
			return fmt.Errorf("dev: %w", err)
		}
	}
	var trainRows []dataset.Row
	if t.Train != "" {
		if trainRows, _, err = ReadRows(t.Path(t.Train)); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	if r.crossfit = len(trainRows)+len(devRows) == 0; r.crossfit && (t.Train != "" || t.Dev != "") {
		return errors.New("train and dev have no rows: the base's best prompt is chosen on them")
	}
	found := CheckLeaks(r.gold, t.Train, trainRows)
	found = append(found, CheckLeaks(r.gold, t.Dev, devRows)...)
	for _, f := range r.TrainedOn {
		found = append(found, CheckLeaks(r.gold, f.Name, f.Rows)...)
	}
	r.rows, r.trained = append(slices.Clip(trainRows), devRows...), len(trainRows)
	poolRows := trainRows
	if t.Dev == "" && !r.crossfit {
		train, dev, err := dataset.Split(trainRows, t.DevShare, uint64(t.Seed))
		if err != nil {
			return fmt.Errorf("train: %w", err)
		}
		poolRows = nil
		for _, i := range train {
			poolRows = append(poolRows, trainRows[i])
		}
		for _, i := range dev {
			devRows = append(devRows, trainRows[i])
		}
	}
	if len(poolRows) > 0 {
		r.pool = newPool(poolRows)
	}
	if t.Retrieval.Documents != "" {
		docs, err := readDocuments(t.Path(t.Retrieval.Documents))
		if err != nil {
			return fmt.Errorf("retrieval.documents: %w", err)
		}
		found = append(found, r.leaksInDocuments(docs)...)
		if r.pool == nil {
			r.pool = &pool{}
		}
		r.pool.texts, r.pool.own = docs, true
	}
	if len(found) > 0 {
		return &LeakError{found}
	}
	r.chooseDev(devRows)
	r.chooseLabels()
	r.variants = t.variants(r.labels)
	if t.Metric.Name == "" {
		if t.Metric.Name = "rougeL"; len(r.labels) > 0 {
			t.Metric.Name = "accuracy"
		}
	}
	if dup := duplicated(r.gold); len(dup) > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%d cases of the gold set nearly repeat an earlier one (line %d …): they count as if they were independent, so intervals are too narrow", len(dup), dup[0]))
	}
	return r.openMetrics(append([]MetricSpec{t.Metric}, r.secondary()...))
}

// secondary are the metrics that are shown beside the one that decides.
func (r *run) secondary() (specs []MetricSpec) {
	if r.task.Metrics != nil {
		return r.task.Metrics
	}
	names := []string{"rougeL", "f1_squad", "exact_match", "chrf"}
	if len(r.labels) > 0 {
		names = []string{"accuracy", "f1_macro", "balanced_accuracy", "mcc"}
	}
	for _, name := range names {
		specs = append(specs, MetricSpec{Name: name})
	}
	return specs
}

// chooseDev keeps as many rows as the search may ask, evenly over the file.
func (r *run) chooseDev(rows []dataset.Row) {
	var list []Case
	for i := range rows {
		if c, ok := caseOf(&rows[i]); ok {
			list = append(list, c)
		}
	}
	n := min(len(list), r.task.Search.DevRows)
	for i := range n {
		r.dev = append(r.dev, list[i*len(list)/n])
	}
	// The rounds of the search ask prefixes, so that the order must not be that of labels.
	shuffle(r.dev, uint64(r.task.Seed))
}

// chooseLabels takes the labels of the task, or of the rows, if their answers are some.
func (r *run) chooseLabels() {
	if r.task.Labels != nil {
		r.labels = r.task.Labels
		return
	}
	all := slices.Clone(r.rows)
	for i := range r.gold.Cases {
		all = append(all, r.gold.Cases[i].row())
	}
	labels, ok := dataset.Labels(all)
	if !ok {
		return
	}
	counts := map[string]int{}
	for _, l := range labels {
		counts[l]++
	}
	for l, n := range counts {
		// What is there once is a slip, not a label.
		if l != "" && n > 1 {
			r.labels = append(r.labels, l)
		}
	}
	slices.Sort(r.labels)
}

// maxDocuments bounds the texts that are retrieved from.
const maxDocuments = 1 << 17

// readDocuments reads texts: JSON objects with "text", one a line, or plain paragraphs.
func readDocuments(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	var paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			out = append(out, strings.Join(paragraph, "\n"))
		}
		paragraph = nil
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, dataset.MaxLine)
	for n := 1; lines.Scan(); n++ {
		s := strings.TrimSpace(lines.Text())
		switch {
		case s == "":
			flush()
		case strings.HasPrefix(s, "{"):
			flush()
			var d struct {
				Text string `json:"text"`
			}
			if err := json.Unmarshal([]byte(s), &d); err != nil || d.Text == "" {
				return nil, fmt.Errorf("%s: line %d: want an object with \"text\"", path, n)
			}
			out = append(out, d.Text)
		default:
			paragraph = append(paragraph, s)
		}
		if len(out) > maxDocuments {
			return nil, fmt.Errorf("%s has more than %d texts", path, maxDocuments)
		}
	}
	flush()
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no text", path)
	}
	return out, nil
}

// leaksInDocuments looks for cases among texts.
func (r *run) leaksInDocuments(docs []string) []Leak {
	gold := make([]string, len(r.gold.Cases))
	for i := range r.gold.Cases {
		gold[i] = r.gold.Cases[i].question()
	}
	return leaks(r.gold, r.task.Retrieval.Documents, gold, docs, func(i int) int { return i + 1 })
}
