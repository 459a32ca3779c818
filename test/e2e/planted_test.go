package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/evalharness/forgetting"
)

// tinyFolder is a model of random weights that loads and trains in no time.
const tinyFolder = "../../serving/native/testdata/tiny"

// planted is a server of graft with the tiny model, whose answers are those that a test
// has planted: it trains, keeps adapters and verdicts, and the planted part knows how
// much base and adapter have right. It counts what it is asked.
type planted struct {
	url string

	mu       sync.Mutex
	base     int // of a hundred questions that the base has right
	adapter  int
	forgets  bool // the adapter has half of the general knowledge wrong
	asked    map[string]int
	answered int
	holdAt   int // questions from this one on are not answered; 0: all are
	held     map[string]int
	holding  chan struct{} // closed when the first one is held
	limit    func(answered int) time.Duration
	refused  int
	right    map[string]bool // the general knowledge: sentences with their right end
}

func newPlanted(t *testing.T, args ...string) *planted {
	t.Helper()
	p := plantedAnswers()
	s := startGraft(t, t.TempDir(), append([]string{"--model", tinyFolder, "--set", "log.level=warn"}, args...)...)
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", p.chat)
	mux.HandleFunc("POST /v1/completions", p.score)
	mux.HandleFunc("POST /tokenize", p.tokenize)
	mux.Handle("/", proxy)
	front := httptest.NewServer(mux)
	t.Cleanup(front.Close)
	p.url = front.URL
	return p
}

func plantedAnswers() *planted {
	p := &planted{asked: map[string]int{}, held: map[string]int{}, right: map[string]bool{}}
	for _, it := range forgetting.Items() {
		for i, c := range it.Choices {
			p.right[it.Question+" "+c] = i == it.Answer
		}
	}
	return p
}

// arms sets what base and adapter have right.
func (p *planted) arms(base, adapter int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.base, p.adapter, p.forgets = base, adapter, false
}

// hold stops answering from question n on, counted from now; the channel tells when.
func (p *planted) hold(n int) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holdAt, p.holding = p.answered+n, make(chan struct{})
	return p.holding
}

func (p *planted) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holdAt = 0
}

// reset forgets what was asked.
func (p *planted) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.held, p.answered, p.refused = map[string]int{}, map[string]int{}, 0, 0
}

// take counts a question, and tells whether it is to be answered.
func (p *planted) take(w http.ResponseWriter, r *http.Request, key string) bool {
	p.mu.Lock()
	if p.limit != nil {
		if after := p.limit(p.answered); after > 0 {
			p.refused++
			p.mu.Unlock()
			w.Header().Set("Retry-After", fmt.Sprint(after.Seconds()))
			http.Error(w, `{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}`, http.StatusTooManyRequests)
			return false
		}
	}
	p.asked[key]++
	if p.holdAt > 0 && p.answered >= p.holdAt {
		p.held[key]++
		select {
		case <-p.holding:
		default:
			close(p.holding)
		}
		p.mu.Unlock()
		<-r.Context().Done() // the client was killed
		return false
	}
	p.answered++
	p.mu.Unlock()
	return true
}

// chat answers a question that ends with "#N": of a hundred with following numbers just as
// many rightly as planted.
func (p *planted) chat(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model    string
		Messages []struct{ Role, Content string }
		Outputs  json.RawMessage `json:"structured_outputs"`
		Max      int             `json:"max_tokens"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || len(q.Messages) == 0 {
		http.Error(w, `{"error":{"message":"no question"}}`, http.StatusBadRequest)
		return
	}
	key := fmt.Sprint(q.Model, q.Messages, string(q.Outputs), q.Max)
	text := q.Messages[len(q.Messages)-1].Content
	if text != "Hi" && !p.take(w, r, key) { // the greeting tells the model's identity, at each start
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	head := fmt.Sprintf(`{"id":"c","object":"chat.completion.chunk","created":1,"model":%q,"system_fingerprint":"fp_planted","choices":`, q.Model)
	fmt.Fprintf(w, "data: %s[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":%q},\"finish_reason\":null}]}\n\n", head, p.answer(q.Model, text))
	fmt.Fprintf(w, "data: %s[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", head)
	fmt.Fprintf(w, "data: %s[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":1,\"total_tokens\":%d}}\n\ndata: [DONE]\n\n", head, len(text), len(text)+1)
}

func (p *planted) answer(model, text string) string {
	var n int
	if _, err := fmt.Sscanf(text[strings.LastIndex(text, "#")+1:], "%d", &n); err != nil {
		return "?"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	place, percent := n%100, p.base
	if model != "tiny" {
		place, percent = (37*n+11)%100, p.adapter
	}
	if place < percent {
		return parity[n%2]
	}
	return parity[(n+1)%2]
}

var parity = []string{"even", "odd"}

// tokenize makes a token of each byte.
func (p *planted) tokenize(w http.ResponseWriter, r *http.Request) {
	var q struct{ Prompt string }
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	ids := make([]int, len(q.Prompt))
	for i := range ids {
		ids[i] = int(q.Prompt[i])
	}
	json.NewEncoder(w).Encode(map[string]any{"tokens": ids, "count": len(ids)})
}

// score gives the bytes of a prompt log-probabilities: of sentences with their right end
// better ones.
func (p *planted) score(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model  string
		Prompt []int
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, `{"error":{"message":"no token ids"}}`, http.StatusBadRequest)
		return
	}
	text := make([]byte, len(q.Prompt))
	for i, id := range q.Prompt {
		text[i] = byte(id)
	}
	if !p.take(w, r, q.Model+string(text)) {
		return
	}
	p.mu.Lock()
	good, known := p.right[string(text)]
	if h := fnv.New32a(); p.forgets && q.Model != "tiny" {
		sentence := string(text[:strings.LastIndexByte(string(text), ' ')+1])
		h.Write([]byte(sentence[:len(sentence)/2]))
		good = good != (h.Sum32()%2 == 0)
	}
	p.mu.Unlock()
	each := -1.
	if known && !good {
		each = -2
	}
	var tokens []string
	var logs []any
	for i, c := range text {
		tokens, logs = append(tokens, fmt.Sprintf(`bytes:\x%02x`, c)), append(logs, each)
		if i == 0 {
			logs[0] = nil
		}
	}
	tokens, logs = append(tokens, "."), append(logs, -1)
	json.NewEncoder(w).Encode(map[string]any{
		"id": "t", "object": "text_completion", "created": 1, "model": q.Model, "usage": map[string]int{"prompt_tokens": len(text), "completion_tokens": 1, "total_tokens": len(text) + 1},
		"choices": []any{map[string]any{"index": 0, "text": string(text) + ".", "finish_reason": "length", "logprobs": map[string]any{"tokens": tokens, "token_logprobs": logs, "top_logprobs": nil, "text_offset": nil}}},
	})
}

// parityRows are rows whose questions are numbered; no two are alike.
func parityRows(from, n int) []byte {
	var b bytes.Buffer
	for i := from; i < from+n; i++ {
		var words []string
		for w := range 12 {
			h := fnv.New64a()
			fmt.Fprint(h, i, w)
			words = append(words, fmt.Sprintf("%x", h.Sum64()%0xfffff))
		}
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"%s #%d"},{"role":"assistant","content":%q}]}`+"\n", strings.Join(words, " "), i, parity[i%2])
	}
	return b.Bytes()
}

// parityFiles writes 120 rows to train on, and 100 cases of gold.
func parityFiles(t *testing.T) (rows, gold string) {
	t.Helper()
	dir := t.TempDir()
	rows, gold = filepath.Join(dir, "rows.jsonl"), filepath.Join(dir, "gold.jsonl")
	for path, text := range map[string][]byte{rows: parityRows(0, 120), gold: parityRows(1000, 100)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return rows, gold
}

// command is graft with a data folder, at the planted server.
func (p *planted) command(data string, args ...string) *exec.Cmd {
	folder, err := filepath.Abs(tinyFolder)
	if err != nil {
		panic(err)
	}
	c := exec.Command(program, append(args, "--data-dir", data, "--url", p.url)...)
	c.Dir = data
	c.Env = append(os.Environ(), "GRAFT_MODELS="+folder, "HOME="+data, "XDG_CONFIG_HOME="+data)
	return c
}

// run is command, run to its end.
func (p *planted) run(t *testing.T, data string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	return ran(t, p.command(data, args...))
}

func ran(t *testing.T, c *exec.Cmd) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// proveArgs prove something of the parity rows in a moment.
func proveArgs(rows, gold string, more ...string) []string {
	return append([]string{"prove", rows, "--gold", gold, "--name", "parity", "--epochs", "1", "--graft", "rank=2", "--embedder", "none", "--max-tokens", "4", "--json"}, more...)
}

// killed starts a command, and kills it when it has asked so many questions more.
func (p *planted) killed(t *testing.T, after int, c *exec.Cmd) {
	t.Helper()
	holding := p.hold(after)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-holding:
		time.Sleep(200 * time.Millisecond) // what was answered is in the journal, and all hands are held
		c.Process.Kill()
		<-ended
	case err := <-ended:
		t.Fatalf("it ended before it had asked %d questions: %v\n%s", after, err, &out)
	case <-time.After(time.Minute):
		c.Process.Kill()
		t.Fatalf("it did not ask %d questions in a minute\n%s", after, &out)
	}
	p.release()
}

// askedTwice lists the questions that were asked more often than once and once more for
// each time that they were in flight when the program was killed.
func (p *planted) askedTwice() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, n := range p.asked {
		if n > 1+p.held[key] {
			list = append(list, fmt.Sprintf("%d times (%d in flight): %.200s", n, p.held[key], key))
		}
	}
	return list
}

// sameResult compares results, but for times and places.
func sameResult(t *testing.T, a, b string, dirs ...string) {
	t.Helper()
	var texts [2]string
	for i, path := range []string{a, b} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			data = bytes.ReplaceAll(data, []byte(dir), []byte("DIR"))
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		strip(v)
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] == texts[1] {
		return
	}
	x, y := strings.Split(texts[0], "\n"), strings.Split(texts[1], "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			t.Errorf("the results differ in line %d: %s, and %s", i, x[i], y[i])
			return
		}
	}
	t.Errorf("the results differ: %d and %d lines", len(x), len(y))
}

// strip takes away what differs from run to run: times, and what was in the journal.
func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"ms", "first_ms", "cached", "started", "finished", "frozen", "cost_per_correct", "id"} {
			delete(v, key)
		}
		if s, ok := v["settings"].(map[string]any); ok {
			delete(s, "hash") // of the task, in which places stand
		}
		for _, one := range v {
			strip(one)
		}
	case []any:
		for _, one := range v {
			strip(one)
		}
	}
}

// resultFile is the one result in a data folder.
func resultFile(t *testing.T, data string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "evals", "parity", "*", "result.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("results %v, %v", found, err)
	}
	return found[0]
}
