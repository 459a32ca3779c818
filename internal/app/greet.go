package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"graft/internal/hub"
	"graft/serving"
)

// greet tells people where what is served, and what to try.
func (a *App) greet(ctx context.Context, b serving.Backend, took time.Duration) {
	models, err := b.Models(ctx)
	if err != nil || len(models) == 0 {
		a.log.Error("the models cannot be listed", "error", err)
		return
	}
	a.log.Info("ready", "url", a.URL(), "model", models[0].ID, "bytes", models[0].Bytes, "seconds", took.Seconds(), "keys", a.keys)
	w := a.console
	fmt.Fprintf(w, "graft %s serves %s on %s (ready after %s)\n", a.version, models[0].ID, a.URL(), seconds(took))
	for _, m := range models {
		fmt.Fprintf(w, "  %s\n", describe(m))
		if e, ok := hub.Lookup(m.ID); ok && e.License.Terms != "" {
			fmt.Fprintf(w, "    %s\n", e.License.Terms)
		}
	}
	fmt.Fprintf(w, "  data in %s; API keys are %s\n\n", a.cfg.DataDir, map[bool]string{true: "demanded", false: "not asked for (only this machine can reach it)"}[a.keys])
	fmt.Fprintf(w, "Try it:\n  %s\n\nStop it with Ctrl-C.\n", a.example(models[0]))
}

// describe is "smollm2: llama, 135M weights in Q4_1, up to 633.3 MB of memory, 8192 tokens of context",
// or "all-minilm-l6-v2: embeddings, 91.6 MB, loaded at its first use".
func describe(m serving.Model) string {
	var parts []string
	switch {
	case m.Loaded: // only then all of it is known
		parts = append(parts, m.Arch, count(m.Params)+" weights in "+m.Format, "up to "+hub.Size(m.Bytes)+" of memory")
	case m.Embedder:
		parts = append(parts, "embeddings", hub.Size(m.Bytes), "loaded at its first use")
	default:
		parts = append(parts, hub.Size(m.Bytes), "loaded at its first use")
	}
	if m.Context > 0 {
		parts = append(parts, fmt.Sprintf("%d tokens of context", m.Context))
	}
	return m.ID + ": " + strings.Join(parts, ", ")
}

func count(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1fB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0fM", float64(n)/1e6)
	}
	return fmt.Sprint(n)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// example is a curl line that works as it stands.
func (a *App) example(m serving.Model) string {
	path, body := "/v1/chat/completions", `{"model": "`+m.ID+`", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 100}`
	switch {
	case m.Embedder:
		path, body = "/v1/embeddings", `{"model": "`+m.ID+`", "input": "hello"}`
	case !m.Chat:
		path, body = "/v1/completions", `{"model": "`+m.ID+`", "prompt": "Once upon a time", "max_tokens": 32}`
	}
	auth := ""
	if a.keys {
		auth = ` -H "Authorization: Bearer $OPENAI_API_KEY"`
	}
	return "curl " + a.URL() + path + auth + " -H 'Content-Type: application/json' -d '" + body + "'"
}
