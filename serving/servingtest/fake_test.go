package servingtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"graft/internal/chat"
	"graft/serving"
)

func collect(t *testing.T, f *Fake, req *serving.Request) (text []string, finish serving.FinishReason, res *serving.Result) {
	t.Helper()
	res, err := f.Generate(t.Context(), req, func(e serving.Event) error {
		if e.Text != "" {
			text = append(text, e.Text)
		}
		finish = e.Finish
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text, finish, res
}

func TestFakeAnswers(t *testing.T) {
	for _, c := range []struct {
		name       string
		req        serving.Request
		want       []string
		finish     serving.FinishReason
		completion int
	}{
		{"chat", serving.Request{Messages: []chat.Message{chat.Text("user", "Hello world")}}, []string{"Hel", "lo", " wo", "rld"}, serving.FinishStop, 4},
		{"runes", serving.Request{Prompt: "a🙂b"}, []string{"a", "🙂b"}, serving.FinishStop, 2},
		{"length", serving.Request{Prompt: "Hello world", MaxTokens: 2}, []string{"Hel", "lo"}, serving.FinishLength, 2},
		{"stop", serving.Request{Prompt: "Hello world", Stop: []string{"xyz", "o w"}}, []string{"Hel", "l"}, serving.FinishStop, 3},
		{"nothing", serving.Request{Prompt: "Hello", MaxTokens: -1, Echo: true}, []string{"Hello"}, serving.FinishLength, 0},
		{"echo", serving.Request{Prompt: "ab", Echo: true}, []string{"ab", "ab"}, serving.FinishStop, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.req.Logprobs, c.req.PromptLogprobs = -1, -1
			got, finish, res := collect(t, NewFake(), &c.req)
			if !equal(got, c.want) || finish != c.finish || res.Usage.Completion != c.completion {
				t.Errorf("got %q %s %+v, want %q %s, %d tokens", got, finish, res.Usage, c.want, c.finish, c.completion)
			}
		})
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestFakeCancel(t *testing.T) {
	f := NewFake()
	f.Delay = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err := f.Generate(ctx, &serving.Request{Prompt: "x"}, func(serving.Event) error { return nil })
	if !errors.Is(err, context.Canceled) || f.Running() != 0 {
		t.Errorf("err %v, %d running", err, f.Running())
	}
}

func FuzzFakeTokens(f *testing.F) {
	f.Add("Hello  world 🙂")
	f.Fuzz(func(t *testing.T, s string) {
		for i := range len(s) {
			if s[i] == 0 {
				t.Skip("NUL is not kept")
			}
		}
		if got := fakeDecode(fakeEncode(s)); got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	})
}

// The fake keeps the contract that it stands for.
func TestFakeConforms(t *testing.T) {
	s := Subject{Chat: "fake", Base: "fake-base", Embed: "fake-embed", Seeds: true, N: true, Logprobs: true, PromptLogprobs: true, Echo: true, PromptIDs: true, Formats: []string{"text", "json_object", "json_schema", "choice"}, Tools: true, ContextErrors: true, Adapter: "sha256:1234"}
	Run(t, s, func(*testing.T) serving.Backend {
		f := NewFake()
		f.Adapters = map[string]string{s.Adapter: "so: "}
		return f
	})
}
