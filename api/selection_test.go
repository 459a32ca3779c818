package api

import (
	"strings"
	"testing"

	"graft/adapters"
)

// Every way of choosing, in the words of graft and of other servers' clients.
func TestChoose(t *testing.T) {
	h, fake, registry := newChoosing(t)
	registry.put("poet", "fake", "d", adapters.Settings{}) // once a
	registry.put("ft:fake:org:x:1", "fake", "e", adapters.Settings{})
	registry.put("org/name", "fake", "f", adapters.Settings{})
	a, d := strings.Repeat("a", 8), strings.Repeat("d", 8)
	for _, c := range []struct{ body, want, model, header string }{
		{`"model":"fake"`, "fake", "fake", ""},
		{`"model":"poet"`, "fake dd*1", "poet", "poet@" + gen("d")},
		{`"model":"org/name"`, "fake ff*1", "org/name", "org/name@" + gen("f")},
		{`"model":"ft:fake:org:x:1"`, "fake ee*1", "ft:fake:org:x:1", "ft:fake:org:x:1@" + gen("e")},
		{`"model":"poet@` + d + `"`, "fake dd*1", "poet@" + d, "poet@" + gen("d")},
		{`"model":"poet@` + a + `"`, "fake aa*1", "poet@" + a, "poet@" + gen("a")},
		{`"model":"poet@` + strings.ToUpper(a) + `"`, "fake aa*1", "poet@AAAAAAAA", "poet@" + gen("a")},
		{`"model":"poet@` + gen("a") + `"`, "fake aa*1", "poet@" + gen("a"), "poet@" + gen("a")},
		{`"model":"fake:poet"`, "fake dd*1", "fake:poet", "poet@" + gen("d")},
		{`"model":"fake::poet"`, "fake dd*1", "fake::poet", "poet@" + gen("d")},
		{`"model":"fake:poet@` + a + `"`, "fake aa*1", "fake:poet@" + a, "poet@" + gen("a")},
		{`"model":"fake::ft:fake:org:x:1"`, "fake ee*1", "fake::ft:fake:org:x:1", "ft:fake:org:x:1@" + gen("e")},

		{`"model":"fake","adapters":[]`, "fake", "fake", ""},
		{`"model":"fake","adapters":[{"name":"poet"}]`, "fake dd*1", "fake", "poet@" + gen("d")},
		{`"model":"fake","adapters":[{"name":"poet","weight":0.5},{"name":"coder","weight":-2}]`, "fake dd*0.5 bb*-2", "fake", "poet@" + gen("d") + ";weight=0.5, coder@" + gen("b") + ";weight=-2"},
		{`"adapters":[{"name":"coder"},{"name":"fake:poet@` + a + `"}]`, "fake bb*1 aa*1", "fake", "coder@" + gen("b") + ", poet@" + gen("a")},
		{`"adapters":[{"generation":"` + gen("b") + `"}]`, "fake bb*1", "coder", "coder@" + gen("b")},
		{`"adapters":[{"name":"poet","generation":"` + a + `"}]`, "fake aa*1", "poet", "poet@" + gen("a")},
		{`"adapters":[{"generation":"` + a + `"}]`, "fake aa*1", "fake", gen("a")}, // poet stood for it once
		{`"adapters":[{"name":"poet","weight":0}]`, "fake dd*0", "poet", "poet@" + gen("d") + ";weight=0"},

		{`"model":"fake","adapter":"poet"`, "fake dd*1", "fake", "poet@" + gen("d")},
		{`"model":"fake","adapter":{"generation":"` + gen("b") + `"}`, "fake bb*1", "fake", "coder@" + gen("b")},
		{`"model":"fake","adapter":null`, "fake", "fake", ""},
		{`"model":"poet","adapter":null`, "fake dd*1", "poet", "poet@" + gen("d")},

		{`"model":"fake","adapter_id":"org/name","adapter_source":"hub","api_token":"x"`, "fake ff*1", "fake", "org/name@" + gen("f")},
		{`"adapter_id":"poet","adapter_source":"local"`, "fake dd*1", "poet", "poet@" + gen("d")},
		{`"model":"","adapter_id":"poet"`, "fake dd*1", "poet", "poet@" + gen("d")},
		{`"model":"fake","adapter_id":""`, "fake", "fake", ""},
		{`"model":"fake","merged_adapters":{"ids":["poet","coder"],"weights":[2,0.25],"merge_strategy":"linear"}`, "fake dd*2 bb*0.25", "fake", "poet@" + gen("d") + ";weight=2, coder@" + gen("b") + ";weight=0.25"},
		{`"model":"fake","merged_adapters":{"ids":["poet","coder"]}`, "fake dd*1 bb*1", "fake", "poet@" + gen("d") + ", coder@" + gen("b")},
		{`"model":"fake","merged_adapters":{"ids":["poet"],"weights":[]}`, "fake dd*1", "fake", "poet@" + gen("d")},

		{`"model":"fake","lora_path":"poet"`, "fake dd*1", "fake", "poet@" + gen("d")},
		{`"model":"fake","lora_path":null`, "fake", "fake", ""},
		{`"model":"fake","lora":[]`, "fake", "fake", ""},
		{`"model":"fake","lora":[{"id":1,"scale":0.5}]`, "fake bb*0.5", "fake", "coder@" + gen("b") + ";weight=0.5"},
		{`"model":"fake","lora":[{"id":0,"scale":1},{"id":1,"scale":0}]`, "fake dd*1", "fake", "poet@" + gen("d")},
	} {
		t.Run(c.body, func(t *testing.T) {
			w := do(h, "POST", "/v1/chat/completions", ask(c.body))
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if got := uses(latest(t, fake)); got != c.want {
				t.Errorf("the backend was asked for %q, want %q", got, c.want)
			}
			if got := w.Header().Get("X-Graft-Adapter"); got != c.header {
				t.Errorf("x-graft-adapter %q, want %q", got, c.header)
			}
			if got := parse(t, w.Body.String()).(map[string]any)["model"]; got != c.model {
				t.Errorf("the reply calls the model %q, want %q", got, c.model)
			}
		})
	}
}

// What cannot be chosen, and what the client is told.
func TestChooseErrors(t *testing.T) {
	h, fake, registry := newChoosing(t)
	registry.put("new", "fake", "d", adapters.Settings{})
	registry.change("new", func(e *adapters.Entry) { e.State = staged })
	for _, c := range []struct {
		body        string
		status      int
		param, code string
		says        string
	}{
		{`"model":"poett"`, 404, "model", "model_not_found", "The model 'poett' does not exist. Did you mean: poet? Available: fake, fake-base, fake-embed, coder, other, poet."},
		{`"model":"fake:poett"`, 404, "model", "model_not_found", "Did you mean: poet"},
		{`"model":"new"`, 404, "model", "model_not_found", "does not exist"},
		{`"model":"poet@1234567"`, 400, "model", "invalid_value", "at least the first 8"},
		{`"model":"poet@12345678"`, 404, "model", "model_not_found", "The adapter 'poet@12345678' does not exist. Did you mean: poet?"},
		{`"model":"nobody@12345678"`, 404, "model", "model_not_found", "'nobody@12345678' does not exist"},
		{`"model":"fake-base:poet"`, 400, "model", "adapter_base_mismatch", "the adapter 'poet' belongs to the model 'fake', not to 'fake-base'"},
		{`"model":"fake-base::poet@aaaaaaaa"`, 400, "model", "adapter_base_mismatch", "belongs to the model 'fake'"},
		{`"model":"fake-base","adapters":[{"name":"poet"}]`, 400, "adapters", "adapter_base_mismatch", "'poet' belongs to the model 'fake', not to 'fake-base'"},
		{`"model":"gone","adapters":[{"name":"poet"}]`, 404, "model", "model_not_found", "'gone' does not exist"},
		{`"model":"fake","adapters":[{"name":"poet"},{"name":"other"}]`, 400, "adapters[1]", "adapter_base_mismatch", "'other' belongs to the model 'fake-base', but one before it to 'fake'"},
		{`"model":"fake","adapters":[{"name":"poet"},{"name":"poet@aaaaaaaa"}]`, 400, "adapters[1]", "duplicate_adapter", "the same adapter"},
		{`"model":"fake","adapters":[{"name":"poem"}]`, 404, "adapters[0]", "model_not_found", "The adapter 'poem' does not exist. Did you mean: poet? Adapters are served by the name they were registered with: POST /v1/load_lora_adapter registers one."},
		{`"model":"fake","adapters":[{"name":"fake"}]`, 404, "adapters[0]", "model_not_found", "'fake' does not exist"},
		{`"model":"fake","adapters":[{"name":"fake-base:poet"}]`, 400, "adapters[0]", "adapter_base_mismatch", "Invalid 'adapters[0]'"},
		{`"model":"fake","adapters":[{"name":"poet","weight":101}]`, 400, "adapters[0].weight", "decimal_above_max_value", "<= 100"},
		{`"model":"fake","adapters":[{"name":"poet","weight":1e999}]`, 400, "adapters[0].weight", "decimal_above_max_value", "<= 100"},
		{`"model":"fake","adapters":[{"name":"poet","wieght":1}]`, 400, "adapters[0].wieght", "unknown_parameter", "wieght"},
		{`"model":"fake","adapters":[{"weight":1}]`, 400, "adapters[0].name", "missing_required_parameter", "name"},
		{`"model":"fake","adapters":[{"name":""}]`, 400, "adapters[0].name", "invalid_value", "empty"},
		{`"model":"fake","adapters":[{"generation":"xyz"}]`, 400, "adapters[0].generation", "invalid_value", "at least the first 8"},
		{`"model":"fake","adapters":[{"generation":"12345678"}]`, 404, "adapters[0]", "model_not_found", "'sha256:12345678' does not exist"},
		{`"model":"fake","adapters":["poet"]`, 400, "adapters[0]", "invalid_type", "expected an object"},
		{`"model":"fake","adapters":[` + strings.Repeat(`{"name":"poet"},`, 8) + `{"name":"poet"}]`, 400, "adapters", "array_above_max_length", "maximum length 8"},

		{`"model":"poet","adapters":[{"name":"coder"}]`, 400, "adapters", "invalid_parameter_combination", "Setting 'adapters' and 'model' to an adapter at the same time is not supported: name a base model, 'fake'"},
		{`"model":"poet","adapter":"coder"`, 400, "adapter", "invalid_parameter_combination", "'model'"},
		{`"model":"poet","lora":[]`, 400, "lora", "invalid_parameter_combination", "'model'"},
		{`"model":"fake","adapter_id":"poet","lora_path":"coder"`, 400, "lora_path", "invalid_parameter_combination", "Setting 'adapter_id' and 'lora_path' at the same time"},
		{`"model":"fake","adapters":[],"adapter":"poet"`, 400, "adapter", "invalid_parameter_combination", "Setting 'adapters' and 'adapter'"},

		{`"model":"fake","adapter":{}`, 400, "adapter.generation", "missing_required_parameter", "generation"},
		{`"model":"fake","adapter":7`, 400, "adapter", "invalid_type", "a string"},
		{`"model":"fake","adapter_id":"predibase/magicoder"`, 404, "adapter_id", "model_not_found", "/v1/load_lora_adapter"},
		{`"model":"fake","adapter_id":"poet","adapter_source":"s3"`, 400, "adapter_source", "unsupported_value", "/v1/load_lora_adapter"},
		{`"model":"fake","merged_adapters":{"ids":["poet"],"merge_strategy":"ties","density":0.2}`, 400, "merged_adapters.merge_strategy", "unsupported_value", "'linear'"},
		{`"model":"fake","merged_adapters":{"ids":["poet","coder"],"weights":[1]}`, 400, "merged_adapters.weights", "invalid_value", "1 weights for 2 adapters"},
		{`"model":"fake","merged_adapters":{"ids":["poet"],"weights":[1,2]}`, 400, "merged_adapters.weights", "invalid_value", "2 weights for 1 adapters"},
		{`"model":"fake","merged_adapters":{"weights":[1]}`, 400, "merged_adapters.ids", "missing_required_parameter", "ids"},
		{`"model":"fake","lora":[{"id":9,"scale":1}]`, 404, "lora[0]", "model_not_found", "no adapter with the id 9"},
		{`"model":"fake","lora":[{"id":0}]`, 400, "lora[0].scale", "missing_required_parameter", "scale"},
		{`"model":"fake","lora":[{"id":0,"scale":1},{"id":0,"scale":2}]`, 400, "lora[1]", "duplicate_adapter", "the same adapter"},
		{`"model":"fake","lora_path":"nothing"`, 404, "lora_path", "model_not_found", "'nothing' does not exist"},
		{`"temperature":1`, 400, "model", "missing_required_parameter", "model"},
		{`"model":""`, 400, "model", "invalid_value", "empty"},
	} {
		t.Run(c.body, func(t *testing.T) {
			says := wantError(t, do(h, "POST", "/v1/chat/completions", ask(c.body)), c.status, "invalid_request_error", c.param, c.code)
			if !strings.Contains(says, c.says) {
				t.Errorf("message %q, want %q in it", says, c.says)
			}
			for _, r := range fake.Requests() {
				if len(r.Adapters) == 0 && r.Model != "poett" && r.Model != "fake:poett" && r.Model != "new" {
					t.Fatalf("the base was asked: %+v", r)
				}
			}
		})
	}
}
