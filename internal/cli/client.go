package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client speaks to a server's chat API. http.Client has no time-out: answers
// end when they end, or when their ctx does.
type client struct {
	url, key string
	http     http.Client
}

// turn is one message of a conversation.
type turn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// chatRequest is what the terminal chat asks for.
type chatRequest struct {
	Model       string         `json:"model,omitempty"`
	Messages    []turn         `json:"messages"`
	Temperature float64        `json:"temperature"`
	MaxTokens   int            `json:"max_completion_tokens,omitempty"`
	Stream      bool           `json:"stream"`
	Options     map[string]any `json:"stream_options"`
}

// answer is what came of one request.
type answer struct {
	Text   string
	Tokens int
	First  time.Duration // until the first piece of text
	Total  time.Duration
	Finish string
}

// maxLine bounds one event of a stream, in bytes.
const maxLine = 4 << 20

// chat asks for an answer and hands out its pieces as they come. When ctx
// ends early, what came so far is returned with the error.
func (c *client) chat(ctx context.Context, req chatRequest, piece func(string)) (answer, error) {
	start := time.Now()
	req.Stream, req.Options = true, map[string]any{"include_usage": true}
	body, err := json.Marshal(req)
	if err != nil {
		return answer{}, err
	}
	resp, err := c.do(ctx, http.MethodPost, "/v1/chat/completions", body)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	var a answer
	var text strings.Builder
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxLine)
	done := false
	for !done && lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if done = data == "[DONE]"; done {
			break
		}
		var ch chunk
		if err := json.Unmarshal([]byte(data), &ch); err != nil {
			return a, fmt.Errorf("answer of %s: %w", c.url, err)
		}
		if ch.Error != nil {
			return a, errors.New(ch.Error.Message)
		}
		if ch.Usage != nil {
			a.Tokens = ch.Usage.Completion
		}
		for _, choice := range ch.Choices {
			if choice.Finish != "" {
				a.Finish = choice.Finish
			}
			if s := choice.Delta.Content; s != "" {
				if text.Len() == 0 {
					a.First = time.Since(start)
				}
				text.WriteString(s)
				piece(s)
			}
		}
	}
	a.Text, a.Total = text.String(), time.Since(start)
	switch {
	case ctx.Err() != nil:
		return a, ctx.Err()
	case lines.Err() != nil:
		return a, lines.Err()
	case !done:
		return a, errors.New("the server broke off the answer")
	}
	return a, nil
}

// chunk is an event of a stream, as far as it matters here.
type chunk struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
		Finish string `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		Completion int `json:"completion_tokens"`
	} `json:"usage"`
	Error *struct {
		Message string `json:"message"`
		Code    string `json:"code"`
	} `json:"error"`
}

// model returns the default model of the server.
func (c *client) model(ctx context.Context) (string, error) {
	resp, err := c.do(ctx, http.MethodGet, "/v1/models", nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxLine)).Decode(&list); err != nil {
		return "", fmt.Errorf("models of %s: %w", c.url, err)
	}
	if len(list.Data) == 0 {
		return "", fmt.Errorf("%s serves no model", c.url)
	}
	return list.Data[0].ID, nil
}

// do sends a request and turns refusals into errors with the server's words.
func (c *client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	return c.send(ctx, method, path, "application/json", bytes.NewReader(body))
}

// send is do for a body of any type.
func (c *client) send(ctx context.Context, method, path, media string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", media)
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxLine))
	if err != nil {
		return nil, err
	}
	var refusal chunk
	if json.Unmarshal(data, &refusal) != nil || refusal.Error == nil {
		return nil, fmt.Errorf("%s answered %s", c.url, resp.Status)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return nil, fmt.Errorf("%s (give a key with --key or in OPENAI_API_KEY)", refusal.Error.Message)
	}
	return nil, &refused{resp.StatusCode, refusal.Error.Code, refusal.Error.Message}
}

// refused is a server's error.
type refused struct {
	status        int
	code, message string
}

func (r *refused) Error() string { return r.message }
