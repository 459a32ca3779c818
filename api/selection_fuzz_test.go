package api

import (
	"encoding/json"
	"testing"
)

// FuzzChoose asserts that no way of choosing makes the server fail, that the
// backend is never asked for anything but a known generation of a fitting base,
// and that what says to choose adapters is never answered without.
func FuzzChoose(f *testing.F) {
	for _, seed := range []string{
		`"model":"poet"`, `"model":"fake:poet"`, `"model":"fake::poet@aaaaaaaa"`, `"model":"poet@sha256:aaaaaaaaaa"`, `"model":"@aaaaaaaa"`, `"model":"fake:@"`,
		`"adapters":[{"name":"poet","weight":0.5},{"generation":"bbbbbbbb"}]`, `"model":"fake","adapter":{"generation":"aaaaaaaa"}`, `"adapter_id":"poet","adapter_source":"hub"`,
		`"merged_adapters":{"ids":["poet","coder"],"weights":[1,-1e3]}`, `"model":"fake","lora":[{"id":0,"scale":-0.0}]`, `"lora_path":"other"`,
	} {
		f.Add(seed)
	}
	h, fake, registry := newChoosing(f)
	bases := map[string]string{gen("a"): "fake", gen("b"): "fake", gen("c"): "fake-base"}
	f.Fuzz(func(t *testing.T, more string) {
		before := len(fake.Requests())
		w := do(h, "POST", "/v1/completions", `{"prompt":"x",`+more+`}`)
		if w.Code >= 500 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		if _, open := registry.counts(); open != 0 {
			t.Fatalf("%d leases are left", open)
		}
		for _, r := range fake.Requests()[before:] {
			for _, u := range r.Adapters {
				if bases[u.Generation] != r.Model {
					t.Fatalf("the backend was asked for %q", uses(r))
				}
			}
		}
		var asked struct {
			Model     string
			Adapters  []any
			AdapterID string `json:"adapter_id"`
			LoraPath  string `json:"lora_path"`
		}
		if w.Code != 200 || json.Unmarshal([]byte(`{`+more+`}`), &asked) != nil {
			return
		}
		// json matches keys in any case, the server does not: what it refuses is no 200.
		chosen := len(asked.Adapters) > 0 || asked.AdapterID != "" || asked.LoraPath != "" || asked.Model != "fake" && asked.Model != "fake-base" && asked.Model != ""
		if chosen && w.Header().Get("X-Graft-Adapter") == "" {
			t.Fatalf("the base answered: %s", more)
		}
	})
}
