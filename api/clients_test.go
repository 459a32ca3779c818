package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ollama "github.com/ollama/ollama/api"
	openai "github.com/sashabaranov/go-openai"
)

// The clients below are other people's, unchanged.

func TestGoOpenAI(t *testing.T) {
	h, _ := newTest(t)
	srv := httptest.NewServer(h)
	defer srv.Close()
	config := openai.DefaultConfig("sk-none")
	config.BaseURL = srv.URL + "/v1"
	client, ctx := openai.NewClientWithConfig(config), t.Context()
	ask := openai.ChatCompletionRequest{
		Model: "fake", Messages: []openai.ChatCompletionMessage{{Role: "user", Content: "use f 🙂"}},
		LogProbs: true, TopLogProbs: 2, StreamOptions: &openai.StreamOptions{IncludeUsage: true},
		Tools: []openai.Tool{{Type: "function", Function: &openai.FunctionDefinition{Name: "f", Parameters: map[string]any{"type": "object"}}}},
	}
	stream, err := client.CreateChatCompletionStream(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	var name, args, finish string
	tokens := 0
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Usage != nil {
			tokens = chunk.Usage.TotalTokens
		}
		for _, choice := range chunk.Choices {
			for _, call := range choice.Delta.ToolCalls {
				name += call.Function.Name
				args += call.Function.Arguments
			}
			finish += string(choice.FinishReason)
		}
	}
	if name != "f" || args != `{"text":"use f 🙂"}` || finish != "tool_calls" || tokens == 0 {
		t.Errorf("got %s(%s), %s, %d tokens", name, args, finish, tokens)
	}

	ask.StreamOptions = nil
	reply, err := client.CreateChatCompletion(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	message := reply.Choices[0].Message
	ask.Messages = append(ask.Messages, message, openai.ChatCompletionMessage{Role: "tool", ToolCallID: message.ToolCalls[0].ID, Content: "42"})
	if reply, err = client.CreateChatCompletion(ctx, ask); err != nil || reply.Choices[0].Message.Content != "42" || len(reply.Choices[0].LogProbs.Content) != 1 {
		t.Errorf("after the tool: %+v, %v", reply, err)
	}

	completion, err := client.CreateCompletion(ctx, openai.CompletionRequest{Model: "fake", Prompt: []string{"a", "b"}, LogProbs: 1, Echo: true, MaxTokens: 3})
	if err != nil || len(completion.Choices) != 2 || completion.Choices[1].Text != "bb" || len(completion.Choices[1].LogProbs.Tokens) != 2 {
		t.Errorf("completion: %+v, %v", completion, err)
	}
	vectors, err := client.CreateEmbeddings(ctx, openai.EmbeddingRequest{Model: "fake-embed", Input: []string{"a", "ab"}, EncodingFormat: "base64", Dimensions: 3})
	if err != nil || len(vectors.Data) != 2 || len(vectors.Data[1].Embedding) != 3 || vectors.Data[1].Embedding[2] < 0.7 {
		t.Errorf("embeddings: %+v, %v", vectors, err)
	}
	models, err := client.ListModels(ctx)
	if err != nil || len(models.Models) != 3 || models.Models[0].ID != "fake" {
		t.Errorf("models: %+v, %v", models, err)
	}

	ask.Model = "none"
	var failed *openai.APIError
	if _, err := client.CreateChatCompletionStream(ctx, ask); !errors.As(err, &failed) || failed.HTTPStatusCode != 404 || failed.Code != "model_not_found" || failed.Param == nil || *failed.Param != "model" {
		t.Errorf("unknown model: %#v", err)
	}
}

func TestOllamaClient(t *testing.T) {
	h, _ := newTest(t)
	srv := httptest.NewServer(h)
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, ctx := ollama.NewClient(base, http.DefaultClient), context.Background()
	if err := client.Heartbeat(ctx); err != nil {
		t.Error(err)
	}
	var text strings.Builder
	var last ollama.ChatResponse
	chat := func(req *ollama.ChatRequest) []ollama.ToolCall {
		text.Reset()
		var calls []ollama.ToolCall
		if err := client.Chat(ctx, req, func(r ollama.ChatResponse) error {
			text.WriteString(r.Message.Content)
			calls = append(calls, r.Message.ToolCalls...)
			last = r
			return nil
		}); err != nil {
			t.Error(err)
		}
		return calls
	}
	ask := &ollama.ChatRequest{Model: "fake", Messages: []ollama.Message{{Role: "user", Content: "Hello 🙂"}}, Options: map[string]any{"temperature": 0, "num_ctx": 100}}
	chat(ask)
	if text.String() != "Hello 🙂" || !last.Done || last.DoneReason != "stop" || last.PromptEvalCount != 5 || last.EvalCount != 4 || last.TotalDuration <= 0 {
		t.Errorf("got %q, %+v", &text, last)
	}

	ask.Tools = ollama.Tools{{Type: "function", Function: ollama.ToolFunction{Name: "f", Parameters: ollama.ToolFunctionParameters{Type: "object", Properties: ollama.NewToolPropertiesMap()}}}}
	ask.Messages[0].Content = "use f"
	calls := chat(ask)
	if len(calls) != 1 || calls[0].Function.Name != "f" || calls[0].Function.Arguments.String() != `{"text":"use f"}` {
		t.Fatalf("calls %+v", calls)
	}
	ask.Messages = append(ask.Messages, ollama.Message{Role: "assistant", ToolCalls: calls}, ollama.Message{Role: "tool", ToolName: "f", Content: "42"})
	if chat(ask); text.String() != "42" {
		t.Errorf("after the tool: %q", &text)
	}

	text.Reset()
	if err := client.Generate(ctx, &ollama.GenerateRequest{Model: "fake", Prompt: "x", System: "s", Format: []byte(`"json"`)}, func(r ollama.GenerateResponse) error {
		text.WriteString(r.Response)
		return nil
	}); err != nil || text.String() != `{"text":"x"}` {
		t.Errorf("generate: %q, %v", &text, err)
	}
	vectors, err := client.Embed(ctx, &ollama.EmbedRequest{Model: "fake-embed", Input: []string{"a", "b"}})
	if err != nil || len(vectors.Embeddings) != 2 {
		t.Errorf("embed: %+v, %v", vectors, err)
	}
	list, err := client.List(ctx)
	if err != nil || len(list.Models) != 3 {
		t.Errorf("list: %+v, %v", list, err)
	}
	running, err := client.ListRunning(ctx)
	if err != nil || len(running.Models) != 1 {
		t.Errorf("running: %+v, %v", running, err)
	}
	shown, err := client.Show(ctx, &ollama.ShowRequest{Model: list.Models[0].Name})
	if diff := cmp.Diff("llama", shown.Details.Family); err != nil || diff != "" {
		t.Errorf("show: %v %s", err, diff)
	}
	if version, err := client.Version(ctx); err != nil || version != "test" {
		t.Errorf("version %q, %v", version, err)
	}
	var failed ollama.StatusError
	if err := client.Chat(ctx, &ollama.ChatRequest{Model: "none", Messages: ask.Messages}, func(ollama.ChatResponse) error { return nil }); !errors.As(err, &failed) || failed.StatusCode != 404 {
		t.Errorf("unknown model: %#v", err)
	}
}
