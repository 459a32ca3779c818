//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parrot answers like a server, with the number of messages and the last one,
// word by word.
func parrot(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			io.WriteString(w, `{"object":"list","data":[{"id":"polly"},{"id":"other"}]}`)
			return
		}
		var req chatRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || !req.Stream {
			t.Errorf("request %+v: %v", req, err)
		}
		last := req.Messages[len(req.Messages)-1].Content
		switch last {
		case "refuse":
			w.WriteHeader(400)
			io.WriteString(w, `{"error":{"message":"polly has no chat template","type":"invalid_request_error","param":null,"code":null}}`)
			return
		case "key":
			w.WriteHeader(401)
			io.WriteString(w, `{"error":{"message":"no key","type":"","param":null,"code":null}}`)
			return
		}
		text := fmt.Sprintf("%s %d %s:%s", req.Model, len(req.Messages), req.Messages[0].Role, last)
		for _, word := range strings.SplitAfter(text, " ") {
			fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", word)
		}
		w.(http.Flusher).Flush()
		switch last {
		case "forever":
			<-r.Context().Done()
			return
		case "break":
			panic(http.ErrAbortHandler)
		case "fail":
			fmt.Fprint(w, "data: {\"error\":{\"message\":\"out of order\"}}\n\n")
			return
		}
		fmt.Fprint(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"completion_tokens\":7}}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(s.CloseClientConnections)
	return s
}

func TestChatOnce(t *testing.T) {
	s := parrot(t)
	for _, c := range []struct {
		stdin string
		args  []string
		want  string
	}{
		{"", []string{"hello", "you"}, "polly 1 user:hello you\n"},
		{"from\na file\n", nil, "polly 1 user:from\na file\n"},
		{"", []string{"--system", "Be brief.", "--model", "other", "hi"}, "other 2 system:hi\n"},
	} {
		status, stdout, stderr := graft(t, t.TempDir(), c.stdin, append([]string{"chat", "--url", s.URL}, c.args...)...)
		if status != 0 || stdout != c.want || !strings.Contains(stderr, "7 tokens") {
			t.Errorf("%v: %d %q %q", c.args, status, stdout, stderr)
		}
	}
	if _, _, stderr := graft(t, t.TempDir(), "", "chat", "-q", "--url", s.URL, "hi"); stderr != "" {
		t.Errorf("quiet: %q", stderr)
	}
}

func TestChatRefusals(t *testing.T) {
	s := parrot(t)
	for prompt, want := range map[string]string{
		"refuse": "polly has no chat template", "key": "no key (give a key with --key or in OPENAI_API_KEY)",
		"break": "unexpected EOF", "fail": "out of order", "": "nothing was asked",
	} {
		status, _, stderr := graft(t, t.TempDir(), "", "chat", "--url", s.URL, prompt)
		if status != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: %d %q", prompt, status, stderr)
		}
	}
}

// script is what a user types.
type script []string

func (s *script) readLine(string) (string, error) {
	if len(*s) == 0 {
		return "", io.EOF
	}
	line := (*s)[0]
	*s = (*s)[1:]
	return line, nil
}

func converse(t *testing.T, typed ...string) (stdout, stderr string, request chatRequest) {
	t.Helper()
	var out, err strings.Builder
	k := &talk{
		env: &env{out: &out, err: &err}, client: &client{url: parrot(t).URL},
		request: chatRequest{Model: "m"},
	}
	in := script(typed)
	if e := k.converse(context.Background(), &in); e != nil {
		t.Fatal(e)
	}
	return out.String(), err.String(), k.request
}

func TestConversation(t *testing.T) {
	out, _, req := converse(t, "one", "", "two", "/system Be kind.", "three", "/clear", "four", `"""`, "five", `six"""`, "/exit", "seven")
	want := "m 1 user:one\nm 3 user:two\nm 2 system:three\nm 2 system:four\nm 4 system:five\nsix\n"
	if out != want {
		t.Errorf("%q\nwant %q", out, want)
	}
	if len(req.Messages) != 5 || req.Messages[0] != (turn{"system", "Be kind."}) {
		t.Errorf("%+v", req.Messages)
	}
}

func TestCommands(t *testing.T) {
	out, stderr, req := converse(t, "/help", "/frobnicate", "/etc/passwd is a file", "refuse", "/system", "/quit")
	for _, want := range []string{"/system TEXT", "there is no /frobnicate", "m 1 user:/etc/passwd is a file"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	if !strings.Contains(stderr, "no chat template") || len(req.Messages) != 0 {
		t.Errorf("%q %+v", stderr, req.Messages)
	}
}

// TestInterrupt: Ctrl-C stops the answer, keeps what came, and the talk goes on.
func TestInterrupt(t *testing.T) {
	go func() {
		time.Sleep(300 * time.Millisecond)
		syscall.Kill(syscall.Getpid(), syscall.SIGINT)
	}()
	out, stderr, req := converse(t, "forever", "more")
	if out != "m 1 user:forever\nm 3 user:more\n" || !strings.Contains(stderr, "stopped") {
		t.Errorf("%q %q", out, stderr)
	}
	if len(req.Messages) != 4 || req.Messages[1].Content != "m 1 user:forever" {
		t.Errorf("%+v", req.Messages)
	}
}
