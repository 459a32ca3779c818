package api

import (
	"errors"
	"math"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"graft/serving"
	"graft/training/jobs"
)

// create is POST /v1/fine_tuning/jobs.
func (h tuningHandler) create(c *gin.Context) {
	j, err := h.created(c)
	h.answer(c, j, err)
}

func (h tuningHandler) created(c *gin.Context) (jobs.Job, error) {
	var r tuningRequest
	if err := h.read(c, r.bind); err != nil {
		return jobs.Job{}, err
	}
	exchangeOf(c).model = r.Model
	r.Owner = exchangeOf(c).key.ID
	if err := h.usable(c, r.Model); err != nil {
		return jobs.Job{}, err
	}
	for _, f := range []struct{ param, id string }{{"training_file", r.TrainingFile}, {"validation_file", r.ValidationFile}} {
		if f.id == "" {
			continue
		}
		if err := h.mayTrainOn(c, f.id, f.param); err != nil {
			return jobs.Job{}, err
		}
	}
	j, err := h.Jobs.Create(c.Request.Context(), r.Spec)
	return j, r.explain(err)
}

// mayTrainOn says why a file is none that the client can train on.
func (h tuningHandler) mayTrainOn(c *gin.Context, id, param string) error {
	_, err := h.file(c, id, param)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return invalid(param, "file_not_found", "Invalid '%s': there is no file '%.100s'. Upload it to /v1/files first, with the purpose fine-tune.", param, id)
	}
	return err
}

// usable says why a model is none to train.
func (h tuningHandler) usable(c *gin.Context, name string) error {
	ctx, key := c.Request.Context(), exchangeOf(c).key
	lease, err := h.named(ctx, key, name, false)
	if lease != nil {
		lease.Release()
		return invalid("model", "model_not_available", "Invalid 'model': '%.100s' is an adapter, and base models are trained. Its base is '%s'.", name, lease.Base)
	}
	if err == nil {
		_, err = findModel(ctx, h.models, name)
	}
	if errors.Is(err, serving.ErrModelNotFound) {
		return invalid("model", "model_not_available", "Model %.100s is not available for fine-tuning or does not exist.%s", name, h.available(ctx, key, name))
	}
	return err
}

// tuningRequest is a request for a job. hyper and own are where the client wrote the
// hyperparameters and graft's settings.
type tuningRequest struct {
	jobs.Spec
	hyper, own string
}

// bind reads the body of OpenAI's request.
func (r *tuningRequest) bind(o *object) {
	o.model(&r.Model)
	o.require("training_file")
	if o.string("training_file", &r.TrainingFile) && r.TrainingFile == "" {
		o.d.fail(invalid("training_file", "invalid_value", "Invalid 'training_file': it is empty."))
	}
	o.string("validation_file", &r.ValidationFile)
	if o.string("suffix", &r.Suffix) && r.Suffix == "" {
		o.d.fail(invalid("suffix", "string_below_min_length", "Invalid 'suffix': string too short. Expected a string with minimum length 1."))
	}
	if v, ok := o.value("seed"); ok {
		seed := v.integer(0, math.MaxInt32)
		r.Seed = &seed
	}
	if v, ok := o.value("metadata"); ok {
		r.Metadata = metadataOf(v)
	}
	o.refuse("integrations", "graft reports to no other service; the numbers are at the job's /events and in its result file")
	r.hyper, r.own = "hyperparameters", "graft"
	_, old := o.value("hyperparameters")
	_, own := o.value("graft")
	o.object("method", func(o *object) { r.bindMethod(o, old, own) })
	o.object("hyperparameters", func(o *object) { bindHyper(o, &r.Hyper, r.Method == jobs.DPO) })
	o.object("graft", func(o *object) { bindTuning(o, &r.Settings) })
}

// bindMethod reads method; old and own say that its parts stand beside it too.
func (r *tuningRequest) bindMethod(o *object, old, own bool) {
	o.require("type")
	var kind string
	o.enum("type", &kind, jobs.Supervised, jobs.DPO, "reinforcement")
	if kind == "reinforcement" {
		o.d.fail(invalid("method.type", "unsupported_value", "Unsupported value: 'method.type' does not support 'reinforcement': graft trains with the methods supervised and dpo."))
	}
	r.Method = kind
	for _, other := range []string{jobs.Supervised, jobs.DPO, "reinforcement"} {
		if v, ok := o.value(other); ok && other != kind && string(v.raw) != "{}" {
			o.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': the method is '%s'.", v.path, kind))
		}
	}
	o.object(kind, func(o *object) {
		o.object("hyperparameters", func(o *object) {
			if old {
				o.d.fail(invalid("hyperparameters", "invalid_value", "Invalid 'hyperparameters': they are in '%s' already.", o.path))
			}
			r.hyper = o.path
			bindHyper(o, &r.Hyper, kind == jobs.DPO)
			o.object("graft", func(o *object) {
				if own {
					o.d.fail(invalid("graft", "invalid_value", "Invalid 'graft': the settings are in '%s' already.", o.path))
				}
				r.own = o.path
				bindTuning(o, &r.Settings)
			})
		})
	})
}

// explain names what the service refuses as the client has called it.
func (r *tuningRequest) explain(err error) error {
	var e *jobs.InvalidError
	if !errors.As(err, &e) {
		return err
	}
	param, method := e.Param, r.Method
	if method == "" {
		method = jobs.Supervised
	}
	inner := "method." + method + ".hyperparameters"
	if rest, ok := strings.CutPrefix(param, inner+".graft."); ok {
		param = r.own + "." + rest
	} else if rest, ok := strings.CutPrefix(param, inner+"."); ok {
		param = r.hyper + "." + rest
	}
	return invalid(param, "invalid_value", "Invalid '%s': %s.", param, strings.TrimSuffix(e.Message, "."))
}

// bindHyper reads OpenAI's hyperparameters, of which each may be "auto".
func bindHyper(o *object, h *jobs.Hyper, dpo bool) {
	count := func(name string, dst *int, most int64) {
		if v, ok := o.value(name); ok && !isAuto(v) {
			*dst = int(v.integer(1, most))
		}
	}
	above := func(name string, dst *float64, most float64) {
		v, ok := o.value(name)
		if !ok || isAuto(v) {
			return
		}
		if *dst = v.number(0, most); *dst == 0 {
			o.d.fail(invalid(v.path, "decimal_below_min_value", "Invalid '%s': decimal below minimum value. Expected a value > 0, but got %.40s instead.", v.path, v.raw))
		}
	}
	count("n_epochs", &h.Epochs, 50)
	count("batch_size", &h.Batch, 256)
	above("learning_rate_multiplier", &h.RateMultiplier, 1e6)
	if dpo {
		above("beta", &h.Beta, 2)
	}
}

func isAuto(v value) bool { return string(v.raw) == `"auto"` }

// bindTuning reads graft's own settings. Their bounds are the service's.
func bindTuning(o *object, s *jobs.Settings) {
	count := func(v value) int { return int(v.integer(math.MinInt32, math.MaxInt32)) }
	number := func(v value) float64 { return v.number(-math.MaxFloat64, math.MaxFloat64) }
	o.string("recipe", &s.Recipe)
	o.string("schedule", &s.Schedule)
	o.string("precision", &s.Precision)
	if v, ok := o.value("targets"); ok {
		s.Targets = v.strings(64)
	}
	optional(o, "rank", &s.Rank, count)
	optional(o, "alpha", &s.Alpha, number)
	optional(o, "dropout", &s.Dropout, number)
	optional(o, "rslora", &s.RSLoRA, value.bool)
	optional(o, "dora", &s.DoRA, value.bool)
	optional(o, "learning_rate", &s.LearningRate, number)
	optional(o, "warmup_steps", &s.Warmup, count)
	optional(o, "weight_decay", &s.WeightDecay, number)
	optional(o, "max_grad_norm", &s.Clip, number)
	optional(o, "gradient_accumulation_steps", &s.Accumulation, count)
	optional(o, "max_length", &s.MaxLength, count)
	optional(o, "packing", &s.Packing, value.bool)
	optional(o, "patience", &s.Patience, count)
	optional(o, "min_delta", &s.MinDelta, number)
	optional(o, "eval_steps", &s.EvalSteps, count)
	optional(o, "validation_share", &s.ValidShare, number)
	optional(o, "max_forgetting", &s.MaxForgetting, number)
}

// optional reads a field into *dst, which stays nil where it is absent.
func optional[T any](o *object, name string, dst **T, read func(v value) T) {
	if v, ok := o.value(name); ok {
		x := read(v)
		*dst = &x
	}
}

// Bounds of metadata, in characters.
const (
	maxPairs     = 16
	maxPairKey   = 64
	maxPairValue = 512
)

func metadataOf(v value) map[string]string {
	m := map[string]string{}
	v.entries(maxPairs, func(key string, item value) {
		text := item.string()
		switch {
		case utf8.RuneCountInString(key) > maxPairKey:
			v.d.fail(invalid(v.path, "string_above_max_length", "Invalid '%s': a key is too long. Expected at most %d characters.", v.path, maxPairKey))
		case utf8.RuneCountInString(text) > maxPairValue:
			v.d.fail(invalid(item.path, "string_above_max_length", "Invalid '%s': string too long. Expected a string with maximum length %d.", item.path, maxPairValue))
		}
		m[key] = text
	})
	if len(m) == 0 {
		return nil
	}
	return m
}
