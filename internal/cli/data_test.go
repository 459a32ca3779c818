package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/internal/hub/hubtest"
)

// dataFile writes rows to a file of the test's own.
func dataFile(t *testing.T, rows ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func conversation(question, answer string) string {
	row, _ := json.Marshal(map[string]any{"messages": []turn{{"user", question}, {"assistant", answer}}})
	return string(row)
}

var questions = []string{
	"Where is my parcel?", "I was billed twice in May.", "How do I send shoes back?", "The lamp arrived in pieces.", "Can I pay by invoice?",
	"Which sizes are there of the blue coat?", "Your site logs me out all the time.", "Do you ship to Norway?", "Please delete my account.", "When are you open on Sunday?",
}

func TestDataCheck(t *testing.T) {
	model := hubtest.Model(t, "smollm2-135m-instruct")
	var rows []string
	for _, q := range questions {
		rows = append(rows, conversation(q, "We will look into it."))
	}
	good := dataFile(t, rows...)
	status, out, stderr := graft(t, t.TempDir(), "", "data", "check", good, "--model", model)
	if status != 0 || !strings.Contains(out, "10 rows (chat), 10 examples") || !strings.Contains(out, "0 errors, 0 warnings") {
		t.Errorf("status %d, %s%s", status, out, stderr)
	}
	bad := dataFile(t, append(rows, `{"messages":[{"role":"user","content":"x"}]}`, conversation("My key is AKIAIOSFODNN7EXAMPLE, why?", "Ask me."))...)
	page := filepath.Join(t.TempDir(), "report.html")
	status, out, stderr = graft(t, t.TempDir(), "", "data", "check", bad, "--model", model, "--json", "--html", page)
	var r struct {
		Errors   int
		Findings []struct {
			Check, Severity string
			Lines           []int
		}
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if status != 1 || !strings.Contains(stderr, "cannot be trained on") || r.Errors != 1 || r.Findings[0].Check != "example_missing_assistant_message" || !slices.Equal(r.Findings[0].Lines, []int{11}) {
		t.Errorf("status %d, %s, %+v", status, stderr, r)
	}
	text, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(text), "example_missing_assistant_message") || strings.Contains(string(text), "AKIAIOSFODNN7EXAMPLE") {
		t.Errorf("%v: %s", err, text)
	}
	long := dataFile(t, append(rows, conversation("Tell me all", strings.Repeat("word ", 9000)))...)
	if status, out, _ = graft(t, t.TempDir(), "", "data", "check", long, "--model", model); status != 1 || !strings.Contains(out, "too_long: has 9") || !strings.Contains(out, "at most 8192") {
		t.Errorf("a row that the model cannot take: status %d, %s", status, out)
	}
	if status, _, stderr = graft(t, t.TempDir(), "", "data", "preview", good, "--model", model, "--template-kwargs", "x"); status != 1 || !strings.Contains(stderr, "want a JSON object") {
		t.Errorf("status %d, %s", status, stderr)
	}
	if status, out, _ = graft(t, t.TempDir(), "", "data", "check", good, "--against", good, "--model", model); status != 1 || !strings.Contains(out, "contamination") {
		t.Errorf("a file against itself: status %d, %s", status, out)
	}
	if status, out, _ = graft(t, t.TempDir(), "", "data", "check", good, "--model", model, "--difficulty"); status != 0 || !strings.Contains(out, "nats a token: least") {
		t.Errorf("difficulty: %d\n%s", status, out)
	}
	if status, _, stderr = graft(t, t.TempDir(), "", "data", "check", good, "--model", model, "--long", "cut"); status != 1 || !strings.Contains(stderr, "want fail, drop or truncate") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestDataSplit(t *testing.T) {
	var rows []string
	for i, q := range questions {
		rows = append(rows, conversation(q, []string{"yes", "no"}[i%2]))
	}
	path := dataFile(t, rows...)
	status, out, stderr := graft(t, t.TempDir(), "", "data", "split", path, "--share", "0.2")
	if status != 0 {
		t.Fatalf("status %d, %s%s", status, out, stderr)
	}
	var all []string
	for part, want := range map[string]int{"train": 8, "validation": 2} {
		text, err := os.ReadFile(strings.TrimSuffix(path, ".jsonl") + "." + part + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) != want {
			t.Errorf("%s has %d rows, want %d", part, len(lines), want)
		}
		all = append(all, lines...)
	}
	slices.Sort(all)
	slices.Sort(rows)
	if !slices.Equal(all, rows) {
		t.Errorf("the parts are %q", all)
	}
	if status, _, stderr = graft(t, t.TempDir(), "", "data", "split", path); status != 1 || !strings.Contains(stderr, "--force") {
		t.Errorf("files that are there: status %d, %s", status, stderr)
	}
}

func TestDataPreview(t *testing.T) {
	model := hubtest.Model(t, "smollm2-135m-instruct")
	path := dataFile(t, conversation("Hi", "Hello!"), `{"messages":[]}`)
	status, out, stderr := graft(t, t.TempDir(), "", "data", "preview", path, "--model", model)
	if status != 0 || !strings.Contains(out, "<|im_start|>assistant\n»Hello!<|im_end|>«") {
		t.Errorf("status %d, %s%s", status, out, stderr)
	}
	_, out, _ = graft(t, t.TempDir(), "", "data", "preview", path, "--model", model, "--json")
	var list []struct {
		Tokens []struct {
			ID         int
			Text, Role string
			Weight     float64
			Boundary   string
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	tokens := list[0].Tokens
	n := len(tokens)
	if tokens[n-4].Text != "Hello" || tokens[n-4].Boundary != "start" || tokens[n-4].Role != "assistant" || tokens[n-5].Boundary != "prompt" ||
		tokens[n-2].Text != "<|im_end|>" || tokens[n-2].Boundary != "end" || tokens[n-2].Weight != 1 || tokens[n-1].Weight != 0 {
		t.Errorf("%+v", tokens)
	}
	if status, _, stderr = graft(t, t.TempDir(), "", "data", "preview", path, "--line", "2", "--model", model); status != 1 || !strings.Contains(stderr, "line 2, messages: is empty") {
		t.Errorf("status %d, %s", status, stderr)
	}
}
