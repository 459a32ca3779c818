package evalharness

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"graft/evalharness/metrics"
	"graft/serving"
)

// openMetrics makes the metrics of the task, the primary one first, and the one that
// chooses among prompts on dev.
func (r *run) openMetrics(specs []MetricSpec) error {
	gold, dev := allReferences(r, r.gold.Cases), allReferences(r, r.dev)
	if len(r.dev) == 0 { // cross-fitted
		dev = gold
	}
	for _, s := range specs {
		if slices.ContainsFunc(r.metrics, func(m *metrics.Metric) bool { return m.Name == s.Name }) {
			continue
		}
		m, err := r.openMetric(s, gold)
		if err != nil {
			return fmt.Errorf("metric: %w", err)
		}
		r.metrics, r.specs = append(r.metrics, m), append(r.specs, s)
	}
	r.chooser = r.metrics[0]
	switch s := specs[0]; {
	case s.IDF: // the words of dev weigh what they weigh in dev: gold is not looked into before
		m, err := r.openMetric(s, dev)
		if err != nil {
			return fmt.Errorf("metric, on the rows that choose the prompt: %w", err)
		}
		r.chooser = m
	case s.Name == "judge_pairwise": // a single prompt has no opponent
		s.Name = "judge"
		m, err := r.openMetric(s, dev)
		if err != nil {
			return err
		}
		r.chooser = m
		r.notes = append(r.notes, "the base's prompt was chosen by the same judge's grades of single answers ("+m.Signature+")")
	}
	return nil
}

// allReferences are those of all cases, as they are scored.
func allReferences(r *run, cases []Case) (out []string) {
	for i := range cases {
		out = append(out, r.references(&cases[i])...)
	}
	return out
}

// openMetric makes one metric; references are those of the set that it is for.
func (r *run) openMetric(s MetricSpec, references []string) (*metrics.Metric, error) {
	o := metrics.Options{
		Labels: r.labels, FoldCase: s.FoldCase, RawLabels: s.RawLabels, Stem: s.Stem, Unicode: s.Unicode, Fields: s.Fields,
		Layer: s.Layer, IDF: s.IDF, IDFTexts: references, Rubric: s.Rubric, Parallel: r.task.Parallel,
	}
	if s.Baseline != "" {
		f, err := os.Open(r.task.Path(s.Baseline))
		if err != nil {
			return nil, fmt.Errorf("%s.baseline: %w", s.Name, err)
		}
		defer f.Close()
		if o.Baseline, err = metrics.ReadBaseline(f, s.Layer); err != nil {
			return nil, fmt.Errorf("%s.baseline: %s: %w", s.Name, s.Baseline, err)
		}
	}
	switch {
	case s.Encodes():
		o.EmbedModel = r.encoderModel(s)
		o.EncodeModel = o.EmbedModel
		if o.EmbedModel == "none" {
			return nil, fmt.Errorf("%s: it needs a model: name it, or retrieval.embedder", s.Name)
		}
		o.Embed, o.Encode = r.embedTexts(o.EmbedModel), r.encodeTexts(s, o.EncodeModel)
	case s.Judges():
		ep := r.Judges[s.Name]
		if ep == nil && s.Name == "judge" { // the chooser of judge_pairwise
			ep = r.Judges["judge_pairwise"]
		}
		if ep == nil {
			return nil, fmt.Errorf("%s: there is no endpoint for the judge %s", s.Name, s.Model)
		}
		o.JudgeModel = s.ModelID() + "@" + ep.Identity
		o.Judge = r.judge(s, ep)
	}
	return metrics.New(s.Name, o)
}

// encoderModel is the model that a metric encodes with.
func (r *run) encoderModel(s MetricSpec) string {
	if s.Model != "" {
		return s.ModelID()
	}
	return r.task.Retrieval.Embedder
}

// encodeTexts asks the base's server for the hidden states of tokens.
func (r *run) encodeTexts(s MetricSpec, model string) metrics.EncodeFunc {
	return func(ctx context.Context, texts []string) ([]metrics.Tokenwise, error) {
		e, ok := r.base.Backend.(serving.TokenEncoder)
		if !ok {
			return nil, fmt.Errorf("%s gives no hidden states of tokens: %w", r.base.Name, serving.ErrUnsupported)
		}
		got, err := e.EncodeTokens(ctx, &serving.TokenStatesRequest{Model: model, Texts: texts, Layer: s.Layer, Truncate: true})
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", model, err)
		}
		out := make([]metrics.Tokenwise, len(got.Texts))
		for i, t := range got.Texts {
			out[i] = metrics.Tokenwise{Vectors: t.Vectors, IDs: t.IDs, Special: t.Special}
		}
		return out, nil
	}
}

// embedTexts embeds with a model of the server that has the embedder, in batches that
// are kept.
func (r *run) embedTexts(model string) metrics.EmbedFunc {
	var own *embedder
	return func(ctx context.Context, texts []string) ([][]float32, error) {
		if own == nil {
			ep := r.base
			if r.Embedder != nil {
				ep = r.Embedder
			}
			if own = r.embedder; own == nil || own.model != model {
				own = newEmbedder(ep.Backend, model)
			}
		}
		return own.embed(ctx, texts)
	}
}

// judgeTokens bounds a judge's reply: a reason in a sentence, and its judgement.
const judgeTokens = 256

// judge asks a judge through the journal, as arms are asked: what it has said once is
// not asked again, whatever ended the run meanwhile.
func (r *run) judge(s MetricSpec, ep *Endpoint) metrics.Judge {
	return func(ctx context.Context, messages []metrics.JudgeMessage, schema json.RawMessage) (string, error) {
		q := &question{Identity: ep.Identity, Model: s.ModelID(), MaxTokens: judgeTokens, Seed: r.task.Seed}
		for _, m := range messages {
			q.Messages = append(q.Messages, Message{m.Role, m.Content})
		}
		if !ep.Plain {
			q.Schema = schema
		}
		e, err := r.asker.ask(ctx, ep, q)
		if err != nil {
			return "", err
		}
		r.judging.Lock()
		r.judged = r.judged.plus(e.usage(s.Price))
		r.judging.Unlock()
		if e.Error != "" { // as a question beyond its context
			return "", fmt.Errorf("%w: %s: %s", metrics.ErrUnread, s.Model, e.Error)
		}
		return e.Output, nil
	}
}
