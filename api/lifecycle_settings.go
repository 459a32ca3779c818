package api

import (
	"math"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"

	"graft/adapters"
	"graft/internal/chat"
)

// bindSettings changes s by the fields that are there; null takes a setting away.
func bindSettings(o *object, s *adapters.Settings) {
	setting(o, "chat_template", &s.Template, chatTemplate)
	setting(o, "system", &s.System, value.string)
	setting(o, "stop", &s.Stop, stopStrings)
	setting(o, "temperature", &s.Temperature, float(0, 2))
	setting(o, "top_p", &s.TopP, float(0, 1))
	setting(o, "top_k", &s.TopK, topK)
	setting(o, "min_p", &s.MinP, float(0, 1))
	setting(o, "repetition_penalty", &s.RepetitionPenalty, float(0.01, 10))
	setting(o, "max_tokens", &s.MaxTokens, whole)
	setting(o, "keys", &s.Keys, func(v value) []string { return v.strings(maxKeys) })
	setting(o, "requests_per_minute", &s.RequestsPerMinute, whole)
	setting(o, "tokens_per_minute", &s.TokensPerMinute, whole)
	setting(o, "pinned", &s.Pinned, value.bool)
	setting(o, "require_verdict", &s.RequireVerdict, func(v value) *bool {
		b := v.bool()
		return &b
	})
}

// maxKeys bounds the keys that one adapter names.
const maxKeys = 1024

// setting reads a field into dst; null makes it zero, absence leaves it.
func setting[T any](o *object, name string, dst *T, read func(v value) T) {
	v, ok := o.value(name)
	switch {
	case ok:
		*dst = read(v)
	case v.raw != nil: // null
		var none T
		*dst = none
	}
}

func whole(v value) int { return int(v.integer(0, math.MaxInt32)) }

func topK(v value) *int {
	k := max(int(v.integer(-1, math.MaxInt32)), 0) // -1 is vLLM's word for off
	return &k
}

func float(lo, hi float64) func(v value) *float32 {
	return func(v value) *float32 {
		f := float32(v.number(lo, hi))
		return &f
	}
}

func stopStrings(v value) []string {
	list := v.strings(maxStop)
	for _, stop := range list {
		if stop == "" {
			v.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': a stop string must not be empty.", v.path))
		}
	}
	return list
}

// goTemplate tells the templates of Ollama's Modelfiles, which are Go's.
var goTemplate = regexp.MustCompile(`\{\{-?\s*(\.|\$|(range|if|with|else if|not|and|or|eq|len|json)\s+(\.|\$|\()|end\s*-?\}\}|else\s*-?\}\}|template\s+")`)

// chatTemplate reads a Jinja template that can be compiled.
func chatTemplate(v value) string {
	text := v.string()
	if text == "" || v.d.err != nil {
		return text
	}
	if goTemplate.MatchString(text) {
		v.d.fail(invalid(v.path, "invalid_template", "Invalid '%s': this is one of Go's templates, as in Ollama's Modelfiles; graft reads Jinja, as in tokenizer_config.json. Leave it out to keep the base's own template.", v.path))
		return ""
	}
	if _, err := chat.Compile(text, chat.SpecialTokens{}); err != nil {
		v.d.fail(invalid(v.path, "invalid_template", "Invalid '%s': not a Jinja template: %.300s.", v.path, err))
	}
	return text
}

// change is PATCH: settings and notes of a name.
func (h adaptersHandler) change(c *gin.Context) {
	// One at a time: two that change different settings must both be heard.
	h.changing.Lock()
	defer h.changing.Unlock()
	name, _ := target(c)
	from, err := h.entry(c, name)
	to := from
	if err == nil {
		change := adapters.Change{By: exchangeOf(c).key.ID}
		var s *adapters.Settings
		var notes *string
		if err = h.readStrict(c, func(o *object) {
			o.object("settings", func(o *object) {
				settings := from.Settings
				bindSettings(o, &settings)
				s = &settings
			})
			if v, ok := o.value("notes"); ok {
				text := v.string()
				notes = &text
			}
			bindGeneration(o, "expected_generation", &change.Expected)
		}); err == nil {
			to, err = h.Adapters.Configure(c.Request.Context(), name, s, notes, change)
		}
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.moved(c.Request.Context(), from, to)
	h.writeJSON(c, http.StatusOK, h.wireWhole(c, to))
}
