package api

import (
	"net/http/httptest"
	"testing"

	"graft/serving"
	"graft/serving/ollama"
	"graft/serving/openai"
	"graft/serving/servingtest"
)

// A backend that asks this API keeps the same contract as the one behind it: the
// wire loses nothing.
func TestOpenAIUpstream(t *testing.T) {
	h, _ := newTest(t)
	srv := httptest.NewServer(h)
	defer srv.Close()
	s := servingtest.Subject{
		Chat: "fake", Base: "fake-base", Embed: "fake-embed", Seeds: true, N: true, Logprobs: true, PromptLogprobs: true, Echo: true,
		Formats: []string{"text", "json_object", "json_schema", "choice"}, Tools: true,
	}
	servingtest.Run(t, s, func(*testing.T) serving.Backend {
		return openai.New(openai.Options{BaseURL: srv.URL + "/v1", Extensions: true})
	})
}

// The same through Ollama's routes, as far as they have words for it.
func TestOllamaUpstream(t *testing.T) {
	h, _ := newTest(t)
	srv := httptest.NewServer(h)
	defer srv.Close()
	s := servingtest.Subject{
		Chat: "fake", Base: "fake-base", Embed: "fake-embed", Seeds: true, N: true, Logprobs: true, Echo: true,
		Formats: []string{"text", "json_object", "json_schema"},
	}
	servingtest.Run(t, s, func(t *testing.T) serving.Backend {
		b, err := ollama.New(ollama.Options{BaseURL: srv.URL, Models: []string{"fake", "fake-base", "fake-embed"}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
