package jobs

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"graft/internal/tokenizer"
)

// configOf is the digest of all that decides what a training does beside base, data and
// template: two jobs that have it and those in common come to the same numbers.
func (s *settings) configOf(j *Job) string {
	o := s.options
	c := map[string]any{
		"method": j.Spec.Method, "seed": *j.Spec.Seed, "beta": s.hyper.Beta, "epochs": s.hyper.Epochs, "batch_size": o.Batch,
		"targets": s.targets, "rank": s.rank, "alpha": s.alpha, "dropout": s.dropout, "rslora": s.rslora, "dora": s.dora,
		"learning_rate": o.LearningRate, "schedule": o.Schedule, "warmup_steps": o.Warmup, "weight_decay": o.AdamW.Decay,
		"betas": [2]float64{o.AdamW.Beta1, o.AdamW.Beta2}, "eps": o.AdamW.Eps, "max_grad_norm": o.Clip, "micro_tokens": o.MicroTokens,
		"patience": o.Patience, "min_delta": o.MinDelta, "eval_steps": o.ValidateEvery,
	}
	data, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("jobs: settings %+v: %v", c, err)) // finite numbers and texts
	}
	return digestOf(string(data))
}

// templateOf is the digest of the chat template that rows were written with; "": the
// model has none.
func templateOf(tok *tokenizer.Tokenizer) string {
	switch all := tok.Templates(); {
	case len(all) == 0:
		return ""
	case len(all) == 1 && tok.ChatTemplate() != "":
		return digestOf(tok.ChatTemplate()) // that of the file
	default:
		data, err := json.Marshal(all)
		if err != nil {
			panic(err) // texts
		}
		return digestOf(string(data))
	}
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// card is the README.md of a published adapter: what it is, where it comes from, what
// was measured and what was not.
func card(q *Publication, j *Job, p *Plan, base Metrics) string {
	var b strings.Builder
	quoted := func(s string) string { // YAML reads JSON's texts
		data, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(data)
	}
	fmt.Fprintf(&b, "---\nbase_model: %s\nlibrary_name: peft\npipeline_tag: text-generation\ntags: [graft, lora]\n---\n\n", quoted(q.Base))
	fmt.Fprintf(&b, "# %s\n\nA LoRA adapter for %s, trained by graft (method %s) up to step %d of %d.\n", q.Name, q.Base, j.Spec.Method, q.Metrics.Step, p.Steps)

	b.WriteString("\n## Results\n\n| | base | this adapter |\n|---|---|---|\n")
	row := func(name string, base, here *float64) {
		if here != nil {
			fmt.Fprintf(&b, "| %s | %s | %.4f |\n", name, numberText(base), *here)
		}
	}
	m := q.Metrics
	row("training loss of the last step", nil, m.TrainLoss)
	row("validation loss", base.FullValidLoss, m.FullValidLoss)
	row("share of validation tokens that come first", base.FullValidAccuracy, m.FullValidAccuracy)
	row("bits per byte of neutral text", base.NeutralBits, m.NeutralBits)
	b.WriteString("\nLosses are in nats per trained token. The neutral text is a fixed one that no task is\nabout: more bits than the base's mean that something was forgotten. ")
	b.WriteString("These numbers do not\nsay how well the adapter does its task: evaluate it (`graft eval`) before relying on it.\n")

	fmt.Fprintf(&b, "\n## Data\n\n%d examples of %d tokens, %d of them trained, for %d epochs; %d examples to validate with.\n", p.Examples, p.Tokens, p.Targets, j.Hyper.Epochs, p.ValidExamples)

	fmt.Fprintf(&b, "\n## Training\n\nRecipe %s, seed %d, %d parameters (%.3f %% of the model's).\n\n| Setting | Value | Why |\n|---|---|---|\n", p.Recipe, *j.Spec.Seed, p.Parameters, 100*p.Share)
	for _, c := range p.Choices {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Name, cell(fmt.Sprint(c.Value)), cell(c.Why))
	}

	b.WriteString("\n## Lineage\n\n| | |\n|---|---|\n")
	for _, l := range [][2]string{
		{"job", q.Job}, {"base", q.BaseDigest}, {"training data", q.Dataset}, {"validation data", q.ValidDataset}, {"chat template", q.Template}, {"configuration", q.Config},
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", l[0], cmp.Or(l[1], "none"))
	}
	b.WriteString("\nAn adapter of the same numbers that another job publishes shares this folder, and this\ncard with it.\n")
	return b.String()
}

func numberText(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.4f", *v)
}

// cell is a text in a table of Markdown.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(s)
}
