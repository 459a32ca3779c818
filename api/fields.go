package api

import "graft/serving"

// OpenAI's requests have fields that mean nothing to a server of one's own
// models. The rule: a field that cannot change the answer is accepted, one that
// would change it and that graft does not honour is refused by name.

// acceptedFields change nothing here, whatever they say.
var acceptedFields = []string{
	"user", "safety_identifier", // labels for abuse reports
	"metadata", "store", // chat and completions are never kept
	"service_tier",                                                       // there is one
	"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", // every prefix is cached, for everybody
}

// refusedFields would change the answer. neutral is the value that asks for nothing.
var refusedFields = []struct{ name, why, neutral string }{
	{"modalities", "graft writes text only", `["text"]`},
	{"audio", "graft writes text only", ""},
	{"web_search_options", "graft does not search", ""},
	{"moderation", "graft does not moderate", ""},
	{"verbosity", "ask for it in the prompt", `"medium"`},
	{"reasoning_effort", "set what the model's chat template knows (such as enable_thinking) in chat_template_kwargs", ""},
	{"reasoning", "set what the model's chat template knows (such as enable_thinking) in chat_template_kwargs", ""},
	{"suffix", "no model here fills in the middle", ""},
}

// prediction reads what the client expects the answer to be like, a hint for speed.
func prediction(o *object, r *serving.Request) {
	o.object("prediction", func(o *object) {
		kind := "content"
		o.require("type")
		o.require("content")
		o.enum("type", &kind, "content")
		if v, ok := o.value("content"); ok {
			list, _ := parts(v)
			for _, p := range list {
				r.Prediction += p.Text
			}
		}
	})
}

// commonFields reads the fields of both tables.
func commonFields(o *object) {
	o.accept(acceptedFields...)
	for _, f := range refusedFields {
		o.refuse(f.name, f.why, f.neutral)
	}
}
