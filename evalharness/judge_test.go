package evalharness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/serving"
	"graft/serving/openai"
)

// scriptedJudge is an OpenAI endpoint whose model knows the fakes' right answers.
type scriptedJudge struct {
	mu      sync.Mutex
	calls   int
	served  int
	asked   map[string]int            // by all messages
	refuse  func(call int) int        // a status instead of an answer; 0: none
	garbled func(data judgeData) bool // answers with prose, always
	tooLong func(data judgeData) bool // is refused: more than the judge's context
	careful bool                      // … only the first time
}

// judgeData is what a judge's prompt ends with.
type judgeData struct {
	Question, Answer, First, Second string
	References                      []string
}

func (s *scriptedJudge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var req struct {
		Model    string
		Messages []struct{ Role, Content string }
		Stream   bool
	}
	if err == nil {
		err = json.Unmarshal(body, &req)
	}
	if err != nil || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer secret" || req.Model != "big" {
		http.Error(w, fmt.Sprint(r.URL, err, req), http.StatusTeapot)
		return
	}
	key := ""
	for _, m := range req.Messages {
		key += m.Role + ":" + m.Content + "\n"
	}
	s.mu.Lock()
	s.calls++
	status := 0
	if s.refuse != nil {
		status = s.refuse(s.calls)
	}
	if status == 0 {
		s.served++
		s.asked[key]++
	}
	s.mu.Unlock()
	if status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, `{"error":{"message":"not now","type":"rate_limit_error"}}`)
		return
	}
	_, text, _ := strings.Cut(req.Messages[0].Content, "\n\n")
	var d judgeData
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	if s.tooLong != nil && s.tooLong(d) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"error":{"message":"This model's maximum context length is 8 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}`)
		return
	}
	reply := s.reply(d, len(req.Messages))
	chunk, err := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "delta": map[string]any{"content": reply}, "finish_reason": "stop"}}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "data: %s\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n", chunk)
}

func (s *scriptedJudge) reply(d judgeData, messages int) string {
	if s.garbled != nil && s.garbled(d) && !(s.careful && messages > 1) {
		return "I like it: 5 out of 5"
	}
	right := func(answer string) bool { return len(d.References) == 1 && answer == d.References[0] }
	switch {
	case d.Answer != "" && right(d.Answer):
		return `{"reason":"it is the reference","grade":5}`
	case d.Answer != "":
		return "```json\n{\"reason\":\"it is not\",\"grade\":2}\n```"
	case right(d.First) == right(d.Second):
		return `{"reason":"alike","better":"tie"}`
	case right(d.First):
		return `{"reason":"r","better":"first"}`
	}
	return `{"reason":"r","better":"second"}`
}

// judgedOptions are those of a task of texts (no labels) that a judge decides.
func judgedOptions(t *testing.T, s *scriptedJudge, metric string, n, base, adapter int) Options {
	t.Helper()
	return judgedWith(t, s, metric, n, base, adapter, "")
}

func judgedWith(t *testing.T, s *scriptedJudge, metric string, n, base, adapter int, more string) Options {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.asked = map[string]int{}
	task := fakeTask(t, n, "labels: []\nsearch: {budget: 60, dev_rows: 6, shots: []}\nretrieval: {embedder: none}\narms: [zero_shot, best_prompt, adapter]\nmetrics: [exact_match]\nmetric: {name: "+metric+", model: big, url: http://127.0.0.1/v1}\n"+more)
	f := newFake(func(model, q string, _ *serving.Request) string {
		if model == "tuned" {
			return right(q, adapter, 1)
		}
		return right(q, base, 2)
	})
	o := fakeOptions(t, task, f)
	o.Judges = map[string]*Endpoint{metric: {Name: "judge", Identity: "openai judge", Plain: true, Backend: openai.New(openai.Options{BaseURL: srv.URL + "/v1", Key: "secret"})}}
	o.pause = func(context.Context, time.Duration) error { return nil }
	return o
}

// TestJudged: a judge's opinion decides, pointwise and pairwise, as the right answers do.
func TestJudged(t *testing.T) {
	for _, c := range []struct {
		metric        string
		base, adapter int
		outcome, test string
	}{
		{"judge", 40, 90, ClearWin, "sign-flip"},
		{"judge", 90, 40, Loss, "sign-flip"},
		{"judge_pairwise", 40, 90, ClearWin, "sign test"},
		{"judge_pairwise", 90, 40, Loss, "sign test"},
	} {
		t.Run(c.metric+" "+c.outcome, func(t *testing.T) {
			s := &scriptedJudge{}
			res, err := Run(t.Context(), judgedOptions(t, s, c.metric, 60, c.base, c.adapter))
			if err != nil {
				t.Fatal(err)
			}
			v := res.Verdict()
			if v.Outcome != c.outcome || !strings.Contains(v.Test, c.test) || v.N != 60 {
				t.Errorf("%s by %s on %d cases (%s), want %s by %s", v.Outcome, v.Test, v.N, v.Reason, c.outcome, c.test)
			}
			a, b := res.Arm(KindAdapter), res.Arm(KindBestPrompt)
			exactA, exactB := a.Metrics["exact_match"].Value, b.Metrics["exact_match"].Value
			if c.metric == "judge" {
				// A right answer is worth 1, another a grade of 2, which is .25.
				for _, arm := range []*Arm{a, b} {
					if want := .25 + .75*arm.Metrics["exact_match"].Value; math.Abs(arm.Primary-want) > 1e-9 {
						t.Errorf("%s: %v, want %v", arm.Name, arm.Primary, want)
					}
				}
			} else {
				// Who alone is right wins: the net wins are the difference of accuracy.
				if math.Abs(v.Diff-(exactA-exactB)) > 1e-9 || b.Primary != .5 || math.Abs(a.Primary-(1+v.Diff)/2) > 1e-9 {
					t.Errorf("net wins %v, win rates %v and %v; accuracies %v and %v", v.Diff, a.Primary, b.Primary, exactA, exactB)
				}
				if d := a.Metrics[c.metric].Details; d["consistency"] != 1 || d["first_slot"] != .5 || d["invalid"] != 0 || d["judged"] == 0 {
					t.Errorf("details %v", d)
				}
			}
			if m := res.Settings.Metrics[0]; !strings.Contains(m.Signature, "judge:big@openai judge|prompt:") {
				t.Errorf("signature %s", m.Signature)
			}
			if res.Judging == nil || res.Judging.Calls == 0 || res.Judging.PromptTokens != 10*res.Judging.Calls {
				t.Errorf("the judge cost %+v", res.Judging)
			}
			if !strings.Contains(strings.Join(res.Notes, "\n"), "rests on a judge") {
				t.Errorf("nothing says that a judge decided: %q", res.Notes)
			}
			evidence, err := res.Evidence()
			if err != nil {
				t.Fatal(err)
			}
			if proven, _, err := evidence.Proven(); err != nil || proven.Outcome != v.Outcome || proven.Diff != v.Diff {
				t.Errorf("its evidence shows %+v, %v", proven, err)
			}
			if again, err := CompareRuns(t.Context(), res, "adapter", res, "best_prompt", ""); err != nil || again.Verdict.Diff != v.Diff || again.Through != "" {
				t.Errorf("compared again: %+v, %v, want %+v", again, err, v)
			}
			if round, err := CompareRuns(t.Context(), res, "best_prompt", res, "adapter", ""); err != nil || round.Verdict.Diff != -v.Diff {
				t.Errorf("the other way round: %+v, %v, want %v", round, err, -v.Diff)
			}
			for key, n := range s.asked {
				if n > 1 {
					t.Errorf("asked %d times: %s", n, key)
				}
			}
		})
	}
}

// TestJudgeUnread: what cannot be read is no zero. Few such cases are left out; with more
// than 2 % there is no verdict.
func TestJudgeUnread(t *testing.T) {
	some := func(every int) func(judgeData) bool {
		return func(d judgeData) bool { return number(d.Question) >= 1000 && number(d.Question)%every == 0 }
	}
	for _, c := range []struct {
		every   int
		careful bool
		long    bool
		n       int // pairs that are left
		outcome string
	}{{97, false, false, 99, ClearWin}, {10, false, false, 90, Invalid}, {10, true, false, 100, ClearWin}, {97, false, true, 99, ClearWin}} {
		s := &scriptedJudge{garbled: some(c.every), careful: c.careful}
		if c.long {
			s.garbled, s.tooLong = nil, some(c.every)
		}
		res, err := Run(t.Context(), judgedOptions(t, s, "judge", 100, 30, 90))
		if err != nil {
			t.Fatal(err)
		}
		v, a := res.Verdict(), res.Arm(KindAdapter)
		if v.Outcome != c.outcome || v.N != c.n {
			t.Errorf("1 of %d unreadable: %s (%s) on %d pairs, want %s on %d", c.every, v.Outcome, v.Reason, v.N, c.outcome, c.n)
		}
		d := a.Metrics["judge"].Details
		if d["invalid"] != float64(100-c.n) {
			t.Errorf("details %v, want %d invalid", d, 100-c.n)
		}
		for i := range a.Answers {
			_, scored := a.Answers[i].Scores["judge"]
			if unread := c.n < 100 && some(c.every)(judgeData{Question: res.Gold.Cases[i].Messages[0].Content}); scored == unread {
				t.Errorf("case %s: scored %v, unreadable %v", a.Answers[i].Case, scored, unread)
			}
		}
	}
}

// TestJudgeKilled: a run that ends while the judge is at work goes on, has nothing judged
// twice, and ends as one that was not killed. Refusals for load are asked again.
func TestJudgeKilled(t *testing.T) {
	for _, metric := range []string{"judge", "judge_pairwise"} {
		t.Run(metric, func(t *testing.T) {
			s := &scriptedJudge{}
			// One at a time, so that nothing is on its way when the run ends.
			whole, err := Run(t.Context(), judgedWith(t, s, metric, 30, 40, 80, "parallel: 1\n"))
			if err != nil {
				t.Fatal(err)
			}
			calls := s.served

			s = &scriptedJudge{}
			o := judgedWith(t, s, metric, 30, 40, 80, "parallel: 1\n")
			for stop := 5; ; stop += 25 {
				ctx, cancel := context.WithCancel(t.Context())
				s.refuse = func(call int) int {
					if s.served >= stop {
						cancel()
						return http.StatusServiceUnavailable
					}
					if call%7 == 0 {
						return http.StatusTooManyRequests
					}
					return 0
				}
				res, err := Run(ctx, o)
				cancel()
				if err == nil {
					if d := cmp.Diff(whole, res, ignoreTimes); d != "" {
						t.Errorf("killed and gone on, the result is another:\n%s", d)
					}
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if stop > 10*calls {
					t.Fatal("it never ends")
				}
			}
			if s.served != calls {
				t.Errorf("%d judgements, %d without being killed", s.served, calls)
			}
		})
	}
}

// TestJudgeDead: a judge that is gone ends the run with an error that names it.
func TestJudgeDead(t *testing.T) {
	s := &scriptedJudge{refuse: func(int) int { return http.StatusServiceUnavailable }}
	_, err := Run(t.Context(), judgedOptions(t, s, "judge", 20, 40, 80))
	if err == nil || !strings.Contains(err.Error(), "metric judge: judge:") {
		t.Errorf("%v", err)
	}
}
