package e2e

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// script runs a client's program; its last line must be "ok".
func script(t *testing.T, s *server, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, append(args, s.url, chatModel, embeddingModel)...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "ok") {
		t.Fatalf("%s: %v\n%s", filepath.Base(args[0]), err, out)
	}
}

func TestPythonClients(t *testing.T) {
	python := os.Getenv("GRAFT_E2E_PYTHON")
	if python == "" {
		t.Skip("GRAFT_E2E_PYTHON names no Python with the packages openai and ollama")
	}
	s := start(t)
	t.Run("openai", func(t *testing.T) { script(t, s, python, "openai_client.py") })
	t.Run("ollama", func(t *testing.T) { script(t, s, python, "ollama_client.py") })
}

func TestNodeClient(t *testing.T) {
	program := nodeProgram(t, "openai_client.mjs")
	script(t, start(t), "node", program)
}

// nodeProgram puts a program beside the packages, where Node looks for them.
func nodeProgram(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("GRAFT_E2E_NODE")
	if folder == "" {
		t.Skip("GRAFT_E2E_NODE names no folder with the npm package openai")
	}
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, name)
	if err := os.WriteFile(program, source, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(program) })
	return program
}

// TestGoClient drives the server with sashabaranov/go-openai, unmodified.
func TestGoClient(t *testing.T) {
	s := start(t)
	config := openai.DefaultConfig("none")
	config.BaseURL = s.url + "/v1"
	client := openai.NewClientWithConfig(config)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	listed, err := client.ListModels(ctx)
	if err != nil || listed.Models[0].ID != chatModel {
		t.Fatalf("models: %+v %v", listed.Models, err)
	}
	req := openai.ChatCompletionRequest{
		Model:               chatModel,
		Messages:            []openai.ChatCompletionMessage{{Role: "user", Content: "What is the capital of France? Answer in one sentence."}},
		Seed:                new(int),
		MaxCompletionTokens: 24,
	}
	// The package cannot send a temperature of 0, so one seed stands for greed.
	whole, err := client.CreateChatCompletion(ctx, req)
	if err != nil || whole.Choices[0].Message.Content == "" || whole.Usage.CompletionTokens == 0 {
		t.Fatalf("chat: %+v %v", whole, err)
	}
	stream, err := client.CreateChatCompletionStream(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var text strings.Builder
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(chunk.Choices) > 0 {
			text.WriteString(chunk.Choices[0].Delta.Content)
		}
	}
	if text.String() != whole.Choices[0].Message.Content {
		t.Errorf("streamed %q, whole %q", text.String(), whole.Choices[0].Message.Content)
	}
	vectors, err := client.CreateEmbeddings(ctx, openai.EmbeddingRequest{Model: embeddingModel, Input: []string{"a cat", "a dog"}})
	if err != nil || len(vectors.Data) != 2 || len(vectors.Data[1].Embedding) != 384 {
		t.Errorf("embeddings: %d vectors, %v", len(vectors.Data), err)
	}
	req.Model = "no-such-model"
	_, err = client.CreateChatCompletion(ctx, req)
	var refused *openai.APIError
	if !errors.As(err, &refused) || refused.HTTPStatusCode != 404 || refused.Code != "model_not_found" {
		t.Errorf("an unknown model: %v", err)
	}
}
