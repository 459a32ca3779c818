package jobs

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"graft/internal/kernel"
)

var suffixPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// check tells what is wrong with a Spec without looking at files or the model.
func (s *Spec) check() error {
	bad := func(param, format string, args ...any) error {
		return &InvalidError{param, fmt.Sprintf(format, args...)}
	}
	method := cmp.Or(s.Method, Supervised)
	if method != Supervised && method != DPO {
		return bad("method.type", "%q is not one of supervised, dpo", s.Method)
	}
	at := "method." + method + ".hyperparameters."
	h := s.Hyper
	switch {
	case s.TrainingFile == "":
		return bad("training_file", "is missing: give the id of an uploaded file")
	case len(s.Suffix) > 64 || s.Suffix != "" && !suffixPattern.MatchString(s.Suffix):
		return bad("suffix", "%q: want up to 64 letters, digits and . _ -, beginning with a letter or digit", s.Suffix)
	case s.Seed != nil && (*s.Seed < 0 || *s.Seed > math.MaxInt32):
		return bad("seed", "%d is not between 0 and %d", *s.Seed, math.MaxInt32)
	case h.Epochs < 0 || h.Epochs > 50:
		return bad(at+"n_epochs", "%d is not between 1 and 50, nor \"auto\"", h.Epochs)
	case h.Batch < 0 || h.Batch > 256:
		return bad(at+"batch_size", "%d is not between 1 and 256, nor \"auto\"", h.Batch)
	case !(h.RateMultiplier >= 0) || math.IsInf(h.RateMultiplier, 0):
		return bad(at+"learning_rate_multiplier", "%v is not a number above 0, nor \"auto\"", h.RateMultiplier)
	case !(h.Beta >= 0 && h.Beta <= 2):
		return bad(at+"beta", "%v is not above 0 and at most 2, nor \"auto\"", h.Beta)
	case h.Beta > 0 && method != DPO:
		return bad(at+"beta", "is of method dpo alone")
	case len(s.Metadata) > 16:
		return bad("metadata", "has %d pairs, at most 16 are allowed", len(s.Metadata))
	}
	for k, v := range s.Metadata {
		if utf8.RuneCountInString(k) > 64 || utf8.RuneCountInString(v) > 512 {
			return bad("metadata", "key %.64q: keys have up to 64 characters, values up to 512", k)
		}
	}
	return s.Settings.check(at + "graft.")
}

// check holds graft's own settings to their bounds.
func (s *Settings) check(at string) error {
	var err error
	bad := func(key, format string, args ...any) {
		err = cmp.Or(err, error(&InvalidError{at + key, fmt.Sprintf(format, args...)}))
	}
	count := func(key string, v *int, least, most int) {
		if v != nil && (*v < least || *v > most) {
			bad(key, "%d is not between %d and %d", *v, least, most)
		}
	}
	number := func(key string, v *float64, ok func(float64) bool, want string) {
		if v != nil && (!ok(*v) || math.IsInf(*v, 0)) {
			bad(key, "%v is not %s", *v, want)
		}
	}
	positive := func(v float64) bool { return v > 0 }
	fromZero := func(v float64) bool { return v >= 0 }
	share := func(v float64) bool { return v >= 0 && v < 1 }
	switch s.Recipe {
	case "", Classic, Auto:
	default:
		bad("recipe", "%q is not one of %s, %s", s.Recipe, Classic, Auto)
	}
	switch s.Schedule {
	case "", "constant", "cosine", "linear":
	default:
		bad("schedule", "%q is not one of constant, cosine, linear", s.Schedule)
	}
	if _, e := kernel.PrecisionOf(s.Precision); s.Precision != "" && e != nil {
		bad("precision", "%q is not one of %s", s.Precision, strings.Join(kernel.Precisions(), ", "))
	}
	if len(s.Targets) > 64 {
		bad("targets", "names %d modules, at most 64 are allowed", len(s.Targets))
	}
	count("rank", s.Rank, 1, 512)
	number("alpha", s.Alpha, positive, "a number above 0")
	number("dropout", s.Dropout, share, "a number from 0 to below 1")
	number("learning_rate", s.LearningRate, func(v float64) bool { return v > 0 && v <= 1 }, "a number above 0, up to 1")
	count("warmup_steps", s.Warmup, 0, 1<<20)
	number("weight_decay", s.WeightDecay, func(v float64) bool { return v >= 0 && v <= 1 }, "a number from 0 to 1")
	number("max_grad_norm", s.Clip, fromZero, "a number from 0 on")
	count("gradient_accumulation_steps", s.Accumulation, 1, 1024)
	count("max_length", s.MaxLength, 2, 1<<20)
	count("patience", s.Patience, 0, 1000)
	number("min_delta", s.MinDelta, fromZero, "a number from 0 on")
	count("eval_steps", s.EvalSteps, 0, 1<<20)
	number("max_forgetting", s.MaxForgetting, fromZero, "a number from 0 on")
	number("validation_share", s.ValidShare, func(v float64) bool { return v >= 0 && v <= 0.5 }, "a number from 0 to 0.5")
	return err
}
