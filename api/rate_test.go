package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/evalharness"
	"graft/evalharness/rating"
	"graft/internal/store"
)

// Marks of the two arms of tests. Answers hold none of them.
var secretWords = []string{"adapter-support", "base-best-prompt", "sha256:feed", "smol-base", "arm", "generation", "adapter", "case-"}

// testRound has n pairs; swapped exchanges the arms and their answers.
func testRound(n int, swapped bool) *rating.Round {
	r := &rating.Round{ID: "eval_1", Title: "adapter-support against base-best-prompt",
		A: rating.Side{Arm: "adapter-support", Model: "support", Generation: "sha256:feed"},
		B: rating.Side{Arm: "base-best-prompt", Model: "smol-base"}}
	for i := range n {
		r.Items = append(r.Items, rating.Item{
			Case:     fmt.Sprintf("case-%d", i),
			Messages: []evalharness.Message{{Role: "user", Content: fmt.Sprintf("Question %d?", i)}},
			Outputs:  [2]string{fmt.Sprintf("<i>yes</i> %d", i), fmt.Sprintf("&amp; no %d, at length", i)},
		})
	}
	if swapped {
		r.A, r.B = r.B, r.A
		for i := range r.Items {
			o := &r.Items[i].Outputs
			o[0], o[1] = o[1], o[0]
		}
	}
	return r
}

// ratingServer is the API with ratings in a store of its own.
func ratingServer(t testing.TB, change ...func(*Deps)) (http.Handler, *rating.Service) {
	t.Helper()
	s, err := store.Open(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	service := &rating.Service{Store: s, Seed: func() string { return "a seed of tests" }}
	h, _ := newTest(t, append([]func(*Deps){func(d *Deps) { d.Ratings = service }}, change...)...)
	return h, service
}

func begin(t testing.TB, h http.Handler, r *rating.Round, names ...string) (tokens []string) {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if w := do(h, "POST", "/v1/ratings", string(body)); w.Code != 201 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, name := range names {
		w := do(h, "POST", "/v1/ratings/"+r.ID+"/raters", fmt.Sprintf(`{"name":%q}`, name))
		var invitation struct{ Token, Path string }
		if json.Unmarshal(w.Body.Bytes(), &invitation) != nil || len(invitation.Token) < 40 || invitation.Path != "/rate/"+r.ID+"#"+invitation.Token {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		tokens = append(tokens, invitation.Token)
	}
	return tokens
}

// asRater is a request with a token, and all of the reply as text.
func asRater(h http.Handler, token, method, path, body string) (*httptest.ResponseRecorder, string) {
	r := request(method, path, body)
	if token != "" {
		r.Header.Set(tokenHeader, token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	w.Header().Del("Openai-Processing-Ms")
	var head strings.Builder
	w.Header().Write(&head)
	return w, fmt.Sprintf("%s %s %d\n%s\n%s", method, path, w.Code, head.String(), w.Body)
}

// session is all that a rater can get from the server while they rate.
func session(t *testing.T, h http.Handler, token string) []string {
	t.Helper()
	var all []string
	add := func(token, method, path, body string) *httptest.ResponseRecorder {
		w, text := asRater(h, token, method, path, body)
		all = append(all, text)
		return w
	}
	for _, path := range []string{"/rate/eval_1", "/ui/rate.css", "/ui/rate.js"} {
		add("", "GET", path, "")
	}
	add("", "GET", "/rate/eval_1/next", "")
	add("wrong", "GET", "/rate/eval_1/next", "")
	add(token, "GET", "/rate/other/next", "")
	add(token, "POST", "/rate/eval_1/votes", `{"slot":0,"choice":"A"}`)
	add(token, "POST", "/rate/eval_1/votes", `{"slot":7,"choice":"left"}`)
	add(token, "POST", "/rate/eval_1/undo", `{"slot":0}`)
	var n rating.Next
	left := map[int]bool{} // slots with the longer answer on the left
	w := add(token, "GET", "/rate/eval_1/next", "")
	for i := 0; ; i++ {
		n = rating.Next{}
		if err := json.Unmarshal(w.Body.Bytes(), &n); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if n.Pair == nil {
			break
		}
		left[n.Slot] = strings.Contains(n.Pair.Left, "at length")
		if i == 3 {
			add(token, "POST", "/rate/eval_1/undo", `{"slot":2}`)
			add(token, "POST", "/rate/eval_1/votes", `{"slot":2,"choice":"neither"}`)
		}
		w = add(token, "POST", "/rate/eval_1/votes", fmt.Sprintf(`{"slot":%d,"choice":%q}`, n.Slot, []string{"left", "neither", "right"}[i%3]))
	}
	if n.Slot != 23 || n.Of != 23 {
		t.Fatalf("rated %d of %d", n.Slot, n.Of)
	}
	for block := range 2 {
		count := 0
		for slot := range 10 {
			if left[block*10+slot] {
				count++
			}
		}
		if count != 5 {
			t.Errorf("block %d has the same arm on the left %d times of 10", block, count)
		}
	}
	return all
}

// What raters get of a run and of the same run with its arms exchanged is the same
// to the byte, once the answers' own words are masked; and no word tells of the arms.
func TestRatersLearnNothing(t *testing.T) {
	var sessions [2][]string
	for i := range sessions {
		h, _ := ratingServer(t)
		tokens := begin(t, h, testRound(21, i == 1), "Ada", "Ben")
		sessions[i] = session(t, h, tokens[1])
	}
	var pairs []string
	for i := range 21 {
		pairs = append(pairs, fmt.Sprintf(`"<i>yes</i> %d"`, i), "ANSWER", fmt.Sprintf(`"&amp; no %d, at length"`, i), "ANSWER")
	}
	mask := strings.NewReplacer(pairs...)
	differ, masked := 0, 0
	for i := range sessions[0] {
		a, b := sessions[0][i], sessions[1][i]
		if a != b {
			differ++
		}
		if strings.Count(mask.Replace(a), "ANSWER") == 2 {
			masked++
		}
		if diff := cmp.Diff(mask.Replace(a), mask.Replace(b)); diff != "" {
			t.Errorf("the arms can be told apart:\n%s", diff)
		}
		if strings.Contains(a, "/ui/") || strings.HasPrefix(a, "GET /rate/eval_1 200") {
			continue // the same for all runs; words of English are in it
		}
		for _, word := range secretWords {
			if strings.Contains(a, word) {
				t.Errorf("%q is in %s", word, a)
			}
		}
	}
	if differ < 20 || masked < 23 {
		t.Errorf("only %d of %d replies show other answers, and %d show a pair: the test sees nothing", differ, len(sessions[0]), masked)
	}
}

// Votes are saved one by one, in order; the last can be taken back; a lock ends it,
// and only then anybody learns anything.
func TestRating(t *testing.T) {
	h, _ := ratingServer(t)
	tokens := begin(t, h, testRound(4, false), "Ada", "Ben")
	for _, token := range tokens {
		session4(t, h, token)
	}
	w := do(h, "GET", "/v1/ratings/eval_1", "")
	if strings.Contains(w.Body.String(), "panel") {
		t.Errorf("the panel is told before the lock: %s", w.Body)
	}
	if w := do(h, "POST", "/v1/ratings/eval_1/lock", `{}`); w.Code != 200 || !strings.Contains(w.Body.String(), `"wins":4`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w, text := asRater(h, tokens[0], "GET", "/rate/eval_1/next", "")
	var n rating.Next
	if json.Unmarshal(w.Body.Bytes(), &n) != nil || n.Reveal == nil {
		t.Fatal(text)
	}
	want := rating.Reveal{Arms: []string{"adapter-support", "base-best-prompt"}, Yours: [3]int{4, 0, 0}, Panel: [3]int{4, 0, 0}, Reason: n.Reveal.Reason}
	if diff := cmp.Diff(want, *n.Reveal); diff != "" {
		t.Error(diff)
	}
	for _, path := range []string{"votes", "undo"} {
		body := map[string]string{"votes": `{"slot":5,"choice":"left"}`, "undo": `{"slot":4}`}[path]
		if w, text := asRater(h, tokens[0], "POST", "/rate/eval_1/"+path, body); w.Code != 409 {
			t.Errorf("after the lock: %s", text)
		}
	}
	if w := do(h, "POST", "/v1/ratings/eval_1/raters", `{"name":"late"}`); w.Code != 409 {
		t.Errorf("invited after the lock: %s", w.Body)
	}
}

// session4 prefers the adapter's answers, wherever they are, and stumbles on the way.
func session4(t *testing.T, h http.Handler, token string) {
	t.Helper()
	var n rating.Next
	w, text := asRater(h, token, "GET", "/rate/eval_1/next", "")
	for {
		if n = (rating.Next{}); json.Unmarshal(w.Body.Bytes(), &n) != nil || w.Code != 200 {
			t.Fatal(text)
		}
		if n.Pair == nil {
			return
		}
		choice := "right"
		if strings.Contains(n.Pair.Left, "yes") {
			choice = "left"
		}
		vote := fmt.Sprintf(`{"slot":%d,"choice":%q}`, n.Slot, choice)
		if w, text = asRater(h, token, "POST", "/rate/eval_1/votes", vote); w.Code != 200 {
			t.Fatal(text)
		}
		if again, _ := asRater(h, token, "POST", "/rate/eval_1/votes", vote); again.Code != 200 || again.Body.String() != w.Body.String() {
			t.Errorf("the same vote again: %s", again.Body)
		}
		if other, text := asRater(h, token, "POST", "/rate/eval_1/votes", fmt.Sprintf(`{"slot":%d,"choice":"neither"}`, n.Slot)); other.Code != 409 {
			t.Errorf("another vote for a slot that is taken: %s", text)
		}
		if n.Slot == 1 {
			if w, text = asRater(h, token, "POST", "/rate/eval_1/undo", `{"slot":1}`); w.Code != 200 || !strings.Contains(text, `"slot":1`) {
				t.Fatal(text)
			}
			if w, text = asRater(h, token, "POST", "/rate/eval_1/votes", vote); w.Code != 200 {
				t.Fatal(text)
			}
		}
	}
}

// Only admins manage ratings; raters need no key.
func TestRatingKeys(t *testing.T) {
	h, service := ratingServer(t, func(d *Deps) { d.Options.RequireKeys, d.Keys = true, rateKeys{} })
	if _, err := service.Create(t.Context(), testRound(5, false)); err != nil {
		t.Fatal(err)
	}
	token, err := service.Invite(t.Context(), "eval_1", "Ada")
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range []struct{ method, path, body string }{
		{"POST", "/v1/ratings", `{}`}, {"GET", "/v1/ratings/eval_1", ""}, {"POST", "/v1/ratings/eval_1/raters", `{"name":"x"}`},
		{"POST", "/v1/ratings/eval_1/lock", `{}`}, {"DELETE", "/v1/ratings/eval_1", ""},
	} {
		for key, want := range map[string]int{"": 401, "user": 403, token: 401} {
			r := request(route.method, route.path, route.body)
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set(tokenHeader, token)
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != want {
				t.Errorf("%s %s with key %q: %d, not %d", route.method, route.path, key, w.Code, want)
			}
		}
	}
	if w, text := asRater(h, token, "GET", "/rate/eval_1/next", ""); w.Code != 200 {
		t.Error(text)
	}
	if again, err := service.Invite(t.Context(), "eval_1", "Ada"); err != nil || again == token {
		t.Fatal(err)
	}
	if w, text := asRater(h, token, "GET", "/rate/eval_1/next", ""); w.Code != 404 {
		t.Errorf("the old link still works: %s", text)
	}
}

type rateKeys struct{}

func (rateKeys) Check(_ context.Context, secret string) (KeyInfo, error) {
	switch secret {
	case "user":
		return KeyInfo{ID: "key-1"}, nil
	case "admin":
		return KeyInfo{ID: "key-2", Admin: true}, nil
	}
	return KeyInfo{}, ErrBadKey
}

// Nothing that is sent breaks the server, and what cannot be rated is refused.
func TestRatingRefusals(t *testing.T) {
	h, _ := ratingServer(t)
	for body, code := range map[string]string{
		`{`:  "invalid_json",
		`[]`: "invalid_rating",
		`{}`: "invalid_rating",
		`{"id":"../x","a":{"arm":"a"},"b":{"arm":"b"},"items":[{"case":"1"}]}`:                     "invalid_rating",
		`{"id":"x","a":{"arm":"a"},"b":{"arm":"a"},"items":[{"case":"1"}]}`:                        "invalid_rating",
		`{"id":"x","a":{"arm":"a"},"b":{"arm":"b"},"items":[]}`:                                    "invalid_rating",
		`{"id":"x","a":{"arm":"a"},"b":{"arm":"b"},"items":[{"case":"1"},{"case":"1"}]}`:           "invalid_rating",
		`{"id":"x","a":{"arm":"a"},"b":{"arm":"b"},"items":[{"case":"1"}],"identical":-1}`:         "invalid_rating",
		`{"id":"x","a":{"arm":"a"},"b":{"arm":"b"},"items":[{"case":"1","outputs":"not a list"}]}`: "invalid_rating",
	} {
		w := do(h, "POST", "/v1/ratings", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), code) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	begin(t, h, testRound(3, false))
	if w := do(h, "POST", "/v1/ratings/eval_1/lock", `{"partial":true}`); w.Code != 409 {
		t.Errorf("locked without a vote: %s", w.Body)
	}
	for _, name := range []string{"", " ", strings.Repeat("x", 101)} {
		if w := do(h, "POST", "/v1/ratings/eval_1/raters", fmt.Sprintf(`{"name":%q}`, name)); w.Code != 400 {
			t.Errorf("name %q: %s", name, w.Body)
		}
	}
	body, _ := json.Marshal(testRound(3, false))
	if w := do(h, "POST", "/v1/ratings", string(body)); w.Code != 409 {
		t.Errorf("made twice: %s", w.Body)
	}
	if w := do(h, "DELETE", "/v1/ratings/eval_1", ""); w.Code != 200 {
		t.Error(w.Body)
	}
	if w := do(h, "GET", "/v1/ratings/eval_1", ""); w.Code != 404 {
		t.Error(w.Body)
	}
}
