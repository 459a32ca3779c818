package jobs

import (
	"fmt"
	"math"

	"graft/training"
)

// note is the event of a step or a validation, with the numbers of both where they
// belong together.
func (r *run) note(rec *record, p training.Report, f *forgotten) []note {
	text := fmt.Sprintf("Step %d/%d:", p.Step, p.Total)
	data := map[string]any{"step": p.Step, "total_steps": p.Total}
	m := Metrics{Step: p.Step}
	put := func(key string, v *float64) *float64 {
		if v != nil {
			data[key] = *v
		}
		return v
	}
	step := rec.Held
	if !p.Validation {
		step = numbersOf(p)
	}
	if step != nil && step.Step == p.Step {
		text += " training loss="
		if step.Loss != nil {
			text += fmt.Sprintf("%.4f", *step.Loss)
		} else {
			text += "not finite"
		}
		m.TrainLoss, m.TrainAccuracy = put("train_loss", step.Loss), put("train_mean_token_accuracy", step.Accuracy)
		put("learning_rate", &step.Rate)
		put("grad_norm", step.Norm)
		put("epoch", &step.Epoch)
		if seconds := r.s.o.Now().Sub(r.began).Seconds(); step.Step > r.from && seconds > 0 {
			epochs := float64(step.Step-r.from) / float64(p.Total) * float64(r.p.settings.options.Epochs)
			data["tokens_per_second"] = math.Round(epochs * float64(r.p.plan.Tokens) / seconds)
		}
		if p.Validation {
			text += ","
		}
	}
	if p.Validation {
		text += fmt.Sprintf(" validation loss=%.4f, full validation loss=%.4f", p.Loss, p.Loss)
		m.ValidLoss, m.ValidAccuracy = put("valid_loss", number(p.Loss)), put("valid_mean_token_accuracy", number(p.Accuracy))
		m.FullValidLoss, m.FullValidAccuracy = put("full_valid_loss", number(p.Loss)), put("full_valid_mean_token_accuracy", number(p.Accuracy))
	}
	if p.Step == 0 {
		f = &forgotten{bits: r.base}
	}
	if f != nil {
		text += fmt.Sprintf(", neutral text=%.4f bits per byte", f.bits)
		m.NeutralBits = put("neutral_bits_per_byte", number(f.bits))
		if p.Step > 0 {
			m.Forgetting = put("forgetting", number(f.share))
		}
	}
	if rec.Last = m; p.Step == 0 {
		rec.Base = m
	}
	n := note{key: fmt.Sprintf("step:%d", p.Step), text: text, data: data}
	if step != nil && step.Step == p.Step && step.Skipped {
		n.level = "warn"
		n.text += " (skipped: the gradient is not finite)"
	}
	return []note{n}
}

// String is the plan in one line.
func (p *Plan) String() string {
	return fmt.Sprintf("Plan: %d examples of %d tokens (%d to learn), %d to validate with, %d steps; %d parameters (%.2f %% of the model's); about %s, %d MiB beside the model",
		p.Examples, p.Tokens, p.Targets, p.ValidExamples, p.Steps, p.Parameters, 100*p.Share, span(p.Seconds), p.Bytes>>20)
}

// span is a time as people say it.
func span(seconds float64) string {
	switch s := int(math.Ceil(seconds)); {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 7200:
		return fmt.Sprintf("%d min", (s+59)/60)
	default:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	}
}
