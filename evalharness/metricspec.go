package evalharness

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"graft/evalharness/metrics"
)

// MetricSpec is a metric of a task: its name alone, or a mapping with options. Which of
// them a metric has, `graft eval metrics` lists.
type MetricSpec struct {
	Name      string   `yaml:"name" json:"name"`
	FoldCase  bool     `yaml:"fold_case,omitempty" json:"fold_case,omitempty"`   // labels: without regard to case
	RawLabels bool     `yaml:"raw_labels,omitempty" json:"raw_labels,omitempty"` // labels: all strings that occur, not the declared ones
	Stem      bool     `yaml:"stem,omitempty" json:"stem,omitempty"`             // ROUGE: on stems
	Unicode   bool     `yaml:"unicode,omitempty" json:"unicode,omitempty"`       // ROUGE: words of all scripts
	Fields    []string `yaml:"fields,omitempty" json:"fields,omitempty"`         // json_fields: that count
	Model     string   `yaml:"model,omitempty" json:"model,omitempty"`           // encoder, or judge; NAME=FOLDER of one to load under a name
	Layer     int      `yaml:"layer,omitempty" json:"layer,omitempty"`           // bertscore: of the encoder, from 1
	IDF       bool     `yaml:"idf,omitempty" json:"idf,omitempty"`               // bertscore: rare tokens weigh more
	Baseline  string   `yaml:"baseline,omitempty" json:"baseline,omitempty"`     // bertscore: file of baselines
	Rubric    string   `yaml:"rubric,omitempty" json:"rubric,omitempty"`         // judges: what they go by
	URL       string   `yaml:"url,omitempty" json:"url,omitempty"`               // judges: of another server, up to /v1
	KeyEnv    string   `yaml:"key_env,omitempty" json:"key_env,omitempty"`       // judges: environment variable with its key
	Price     Price    `yaml:"price,omitempty" json:"price,omitzero"`            // judges: per million tokens
}

// UnmarshalYAML reads a name or a mapping. Keys that no metric has are errors.
func (m *MetricSpec) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&m.Name)
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want a metric's name, or a mapping with its name and options", n.Line)
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Value != "name" && !slices.Contains(metricKeys, key.Value) {
			return fmt.Errorf("line %d: %q is no option of a metric; there are %s", key.Line, key.Value, strings.Join(metricKeys, ", "))
		}
	}
	type plain MetricSpec
	return n.Decode((*plain)(m))
}

// metricKeys are the options of all metrics.
var metricKeys = []string{"fold_case", "raw_labels", "stem", "unicode", "fields", "model", "layer", "idf", "baseline", "rubric", "url", "key_env", "price"}

// used are the options that are set.
func (m *MetricSpec) used() (keys []string) {
	for key, set := range map[string]bool{
		"fold_case": m.FoldCase, "raw_labels": m.RawLabels, "stem": m.Stem, "unicode": m.Unicode, "fields": m.Fields != nil, "model": m.Model != "",
		"layer": m.Layer != 0, "idf": m.IDF, "baseline": m.Baseline != "", "rubric": m.Rubric != "", "url": m.URL != "", "key_env": m.KeyEnv != "", "price": m.Price != Price{},
	} {
		if set {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// ModelID is the name that the model is asked for by.
func (m *MetricSpec) ModelID() string {
	if name, _, ok := strings.Cut(m.Model, "="); ok {
		return name
	}
	return m.Model
}

// Judges tells whether a model is asked for its opinion.
func (m *MetricSpec) Judges() bool {
	info, _ := metrics.Lookup(m.Name)
	return info.Needs == "judge"
}

// Encodes tells whether an encoder's or embedder's model is needed.
func (m *MetricSpec) Encodes() bool {
	info, _ := metrics.Lookup(m.Name)
	return info.Needs == "encoder" || info.Needs == "embeddings"
}

func (m *MetricSpec) rename() {
	if info, ok := metrics.Lookup(m.Name); ok {
		m.Name = info.Name
	}
}

// check refuses options that a metric does not have or cannot do without.
func (m *MetricSpec) check() error {
	info, ok := metrics.Lookup(m.Name)
	if !ok {
		_, err := metrics.New(m.Name, metrics.Options{})
		return err
	}
	for _, key := range m.used() {
		if !slices.Contains(info.Options, key) {
			return fmt.Errorf("%s has no option %q; it has %v", m.Name, key, info.Options)
		}
	}
	switch {
	case info.Needs == "judge" && m.Model == "":
		return fmt.Errorf("%s.model: name the model that judges", m.Name)
	case m.KeyEnv != "" && m.URL == "":
		return fmt.Errorf("%s.key_env: a key goes with the url of another server", m.Name)
	case m.Layer < 0:
		return fmt.Errorf("%s.layer: %d: want 1 to the number of the encoder's layers", m.Name, m.Layer)
	case m.Baseline != "" && m.Layer == 0:
		return fmt.Errorf("%s.baseline: give the layer that it is for, too", m.Name)
	}
	return nil
}

// Specs are the metrics that the task names, each once, the one that decides first.
func (t *Task) Specs() []MetricSpec {
	var out []MetricSpec
	for _, m := range append([]MetricSpec{t.Metric}, t.Metrics...) {
		if m.Name != "" && !slices.ContainsFunc(out, func(o MetricSpec) bool { return o.Name == m.Name }) {
			out = append(out, m)
		}
	}
	return out
}

// checkMetrics checks the metrics, and gives those with several names the first one; two
// of one name would be one column.
func (t *Task) checkMetrics() error {
	var errs []error
	for i := range t.Metrics {
		t.Metrics[i].rename()
	}
	t.Metric.rename()
	seen := map[string]MetricSpec{}
	for i, m := range append([]MetricSpec{t.Metric}, t.Metrics...) {
		at := "metric"
		if i > 0 {
			at = fmt.Sprintf("metrics[%d]", i-1)
		}
		if m.Name == "" && i == 0 && len(m.used()) == 0 {
			continue
		}
		if err := m.check(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
		if old, ok := seen[m.Name]; ok && len(m.used()) > 0 && hashOf(old) != hashOf(m) {
			errs = append(errs, fmt.Errorf("%s: %s is there already, with other options", at, m.Name))
		}
		seen[m.Name] = m
	}
	return errors.Join(errs...)
}
