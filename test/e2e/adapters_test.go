package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"graft/adapters"
)

// writeAdapter writes a PEFT folder of the chat model, with random numbers large
// enough to change its answers.
func writeAdapter(t *testing.T, folder string, seed uint64) {
	t.Helper()
	const rank, width, layers = 4, 576, 30
	r := rand.New(rand.NewPCG(seed, 0))
	matrix := func(rows, cols int, most float64) adapters.Tensor {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = float32((2*r.Float64() - 1) * most)
		}
		return adapters.F32(v, rows, cols)
	}
	a := &adapters.Adapter{Config: adapters.Config{Task: "CAUSAL_LM", R: rank, Alpha: rank, Bias: "none", Targets: adapters.Targets{Names: []string{"q_proj"}}}}
	for i := range layers {
		a.Modules = append(a.Modules, &adapters.Module{
			Path: fmt.Sprintf("model.layers.%d.self_attn.q_proj", i), Alpha: rank,
			A: matrix(rank, width, 0.04), B: matrix(width, rank, 0.5),
		})
	}
	a.Seal()
	if err := adapters.WritePEFT(folder, a); err != nil {
		t.Fatal(err)
	}
}

// startWithAdapters runs graft with the adapters poet and coder.
func startWithAdapters(t *testing.T) *server {
	t.Helper()
	root := t.TempDir()
	for i, name := range []string{"poet", "coder"} {
		folder := filepath.Join(root, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		writeAdapter(t, folder, uint64(i))
	}
	t.Setenv("GRAFT_ADAPTERS_ROOTS", root)
	s := start(t)
	for _, name := range []string{"poet", "coder"} {
		body := fmt.Sprintf(`{"lora_name":%q,"lora_path":%q}`, name, filepath.Join(root, name))
		res, err := http.Post(s.url+"/v1/load_lora_adapter", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Fatalf("%s: status %d: %s", name, res.StatusCode, text)
		}
	}
	return s
}

// The official Python packages choose adapters, read replies with extra fields,
// and delete.
func TestPythonAdapters(t *testing.T) {
	python := os.Getenv("GRAFT_E2E_PYTHON")
	if python == "" {
		t.Skip("GRAFT_E2E_PYTHON names no Python with the packages openai and ollama")
	}
	s := startWithAdapters(t)
	t.Run("ollama", func(t *testing.T) { script(t, s, python, "ollama_adapters.py") })
	t.Run("openai", func(t *testing.T) { script(t, s, python, "openai_adapters.py") })
}

// sashabaranov/go-openai reads replies with extra fields, whole and streamed.
func TestGoAdapters(t *testing.T) {
	s := startWithAdapters(t)
	config := openai.DefaultConfig("none")
	config.BaseURL = s.url + "/v1"
	client := openai.NewClientWithConfig(config)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	texts := map[string]string{}
	for _, model := range []string{chatModel, "poet", "coder", chatModel + ":poet"} {
		req := openai.ChatCompletionRequest{Model: model, Messages: []openai.ChatCompletionMessage{{Role: "user", Content: "Name a colour."}}, Seed: new(int), MaxCompletionTokens: 16}
		whole, err := client.CreateChatCompletion(ctx, req)
		if err != nil || whole.Model != model {
			t.Fatalf("%s: %+v %v", model, whole, err)
		}
		header := whole.Header().Get("X-Graft-Adapter")
		if want := strings.TrimPrefix(model, chatModel+":"); model != chatModel && !strings.HasPrefix(header, want+"@sha256:") || model == chatModel && header != "" {
			t.Errorf("%s: x-graft-adapter %q", model, header)
		}
		stream, err := client.CreateChatCompletionStream(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for {
			chunk, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if chunk.Model != model {
				t.Errorf("a chunk of the model %q", chunk.Model)
			}
			text.WriteString(chunk.Choices[0].Delta.Content)
		}
		stream.Close()
		if text.String() != whole.Choices[0].Message.Content {
			t.Errorf("%s: streamed %q, whole %q", model, text.String(), whole.Choices[0].Message.Content)
		}
		texts[model] = text.String()
	}
	if texts["poet"] == texts[chatModel] || texts["poet"] == texts["coder"] || texts["poet"] != texts[chatModel+":poet"] {
		t.Errorf("the answers: %q", texts)
	}
	listed, err := client.ListModels(ctx)
	if err != nil || len(listed.Models) != 4 || listed.Models[2].ID != "coder" || listed.Models[2].Parent != chatModel {
		t.Errorf("models: %+v %v", listed.Models, err)
	}
	if _, err := client.DeleteFineTuneModel(ctx, "coder"); err != nil {
		t.Error(err)
	}
	_, err = client.GetModel(ctx, "coder")
	var refused *openai.APIError
	if !errors.As(err, &refused) || refused.HTTPStatusCode != 404 {
		t.Errorf("a deleted adapter: %v", err)
	}
}
