package dataset

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestProblems: what is wrong is named by line and field, all of it, with a remedy.
func TestProblems(t *testing.T) {
	const user = `{"role":"user","content":"Hi"}`
	call := func(id, f string) string {
		return `{"messages":[` + user + `,{"role":"assistant","tool_calls":[{` + id + `"type":"function","function":` + f + `}]}]}`
	}
	for _, c := range []struct{ row, want string }{
		{`nope`, "1||invalid_json"},
		{`{"messages":[]} {}`, "1||invalid_json"},
		{`[]`, "1||data_type"},
		{`{}`, "1|messages|missing_messages_list"},
		{`{"messages":[]}`, "1|messages|missing_messages_list"},
		{`{"messages":{}}`, "1|messages|data_type"},
		{`{"messages":[1]}`, "1|messages[0]|data_type 1|messages[0].role|example_missing_assistant_message"},
		{`{"messages":[` + user + `]}`, "1|messages[0].role|example_missing_assistant_message"},
		{`{"messages":[` + user + `,{"role":"assistant"}]}`, "1|messages[1].content|missing_content"},
		{`{"messages":[` + user + `,{"role":"assistant","content":null}]}`, "1|messages[1].content|missing_content"},
		{`{"messages":[` + user + `,{"role":"assistant","content":" "}]}`, "1|messages[1].content|empty"},
		{`{"messages":[{"role":"user"},{"role":"assistant","content":"x"}]}`, "1|messages[0].content|missing_content"},
		{`{"messages":[{"content":"x"},{"role":"assistant","content":"x"}]}`, "1|messages[0].role|message_missing_key"},
		{`{"messages":[{"role":"human","content":"x"},{"role":"assistant","content":"x"}]}`, "1|messages[0].role|unrecognized_role"},
		{`{"messages":[{"role":"user","content":3},{"role":"assistant","content":"x","mood":1}],"x":1}`,
			"1|messages[0].content|data_type 1|messages[1].mood|message_unrecognized_key 1|x|message_unrecognized_key"},
		{`{"messages":[{"role":"user","content":"x","weight":1},{"role":"assistant","content":"x","weight":0.5}]}`,
			"1|messages[0].weight|weight_of_other_role 1|messages[1].weight|weight"},
		{`{"messages":[` + user + `,{"role":"assistant","content":"x","weight":0}]}`, "1|messages|nothing_trained"},
		{`{"messages":[{"role":"assistant","content":"x"}]}`, "1|messages[0]|nothing_before"},
		{`{"messages":[` + user + `,{"role":"assistant","content":"x<|im_end|>"}]}`, "1|messages[1].content|special_token"},
		{`{"messages":[{"role":"user","content":"<|im_start|>"},{"role":"assistant","content":"x"}]}`, "1|messages[0].content|special_token"},
		{`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]},{"role":"assistant","content":"x"}]}`, "1|messages[0].content[0].type|unsupported_part"},
		{`{"messages":[` + user + `,{"role":"assistant","content":"\ud800x"}]}`, "1|messages[1].content|invalid_unicode"},
		{`{"messages":[` + user + `,{"role":"assistant","content":"x"}],"messages":[]}`, "1|messages|duplicate_key"},
		{call("", `{"name":"f","arguments":"{}"}`), "1|messages[1].tool_calls[0].id|message_missing_key"},
		{call(`"id":"a",`, `{"name":"f","arguments":{}}`), "1|messages[1].tool_calls[0].function.arguments|data_type"},
		{call(`"id":"a",`, `{"name":"f","arguments":"[1"}`), "1|messages[1].tool_calls[0].function.arguments|invalid_arguments"},
		{`{"messages":[` + user + `,{"role":"tool","content":"1"},{"role":"assistant","content":"x"}]}`, "1|messages[1].tool_call_id|message_missing_key"},
		{`{"messages":[` + user + `,{"role":"assistant","content":"x"}],"tools":[{"type":"function","function":{}}]}`, "1|tools[0].function.name|message_missing_key"},
		{`{"messages":[` + user + `,{"role":"assistant","content":"x"}],"functions":[{"name":"f"},{"name":"f"}]}`, "1|functions[1]|tools_twice"},
		{`{"messages":[` + user + `,{"role":"assistant","content":"x"}],"parallel_tool_calls":1}`, "1|parallel_tool_calls|data_type"},
		{`{"messages":[` + strings.Repeat(user+`,{"role":"assistant","content":"`+strings.Repeat("a", 9000)+`"},`, 400) + user + `,{"role":"assistant","content":"x"}]}`, "1|messages|too_long"},
		{`{"prompt":"a"}`, "1|completion|message_missing_key"},
		{`{"prompt":"a","completion":""}`, "1|completion|empty"},
		{`{"prompt":"a","completion":"b<|im_end|>"}`, "1|completion|special_token"},
		{"{\"prompt\":\"a\",\"completion\":\"\xff\"}", "1||encoding"},
		{`{"input":{"messages":[` + user + `]},"preferred_output":[` + user + `]}`, "1|preferred_output[0].role|example_missing_assistant_message 1|non_preferred_output|message_missing_key"},
		{`{"input":{"messages":[` + user + `]},"preferred_output":[{"role":"assistant","content":"a"}],"non_preferred_output":[{"role":"assistant","content":"b"}]}`, "1||preference"},
		{`{"prompt":"a","completion":"b"}` + "\n\n" + `{"prompt":"a","completion":"b"}` + "\n" + `{"messages":[` + user + `,{"role":"assistant","content":"x"}]}`, "2||empty_line 4||mixed_kinds"},
		{`{"prompt":"` + strings.Repeat("a", MaxLine) + `","completion":"b"}` + "\n{}", "1||line_too_long 2|messages|missing_messages_list"},
	} {
		s := load(t, smollm2(t), c.row, Options{File: "f.jsonl"})
		var have []string
		for _, p := range s.List {
			have = append(have, fmt.Sprintf("%d|%s|%s", p.Line, p.Field, p.Code))
			if p.Text == "" || p.Fix == "" || p.File != "f.jsonl" {
				t.Errorf("%.200s: a problem says too little: %+v", c.row, p)
			}
		}
		if strings.Join(have, " ") != c.want {
			t.Errorf("%.200s:\nhave %s\nwant %s", c.row, strings.Join(have, " "), c.want)
		}
	}
}

// TestForms: a byte order mark, Windows line ends and blank lines at the end are read.
func TestForms(t *testing.T) {
	row := `{"prompt":"2+2=","completion":"4"}`
	s := load(t, smollm2(t), "\ufeff"+row+"\r\n"+row+"\r\n\r\n\n", Options{})
	if s.Err() != nil || len(s.Rows) != 2 || s.Rows[1].Completion != "4" || s.Rows[1].Line != 2 {
		t.Errorf("%v, rows %+v", s.Err(), s.Rows)
	}
}

// TestFewRows: ten rows are wanted unless said otherwise.
func TestFewRows(t *testing.T) {
	row := `{"prompt":"2+2=","completion":"4"}` + "\n"
	for n, want := range map[int]int{0: 1, 9: 1, 10: 0} {
		s, err := Load(t.Context(), strings.NewReader(strings.Repeat(row, n)), Options{Format: smollm2(t)})
		if err != nil || s.Total != want {
			t.Errorf("%d rows: %d problems, %v", n, s.Total, err)
		}
	}
}

// TestManyProblems: all are counted, the first ones kept.
func TestManyProblems(t *testing.T) {
	s := load(t, smollm2(t), strings.Repeat("{}\n", 1000), Options{Problems: 7})
	if s.Total != 1000 || len(s.List) != 7 || !strings.Contains(s.Err().Error(), "and 995 more") {
		t.Errorf("%d problems, %d kept: %v", s.Total, len(s.List), s.Err())
	}
}

// TestLong: long rows are a problem, left out, or cut.
func TestLong(t *testing.T) {
	f := smollm2(t)
	text := `{"prompt":"2+2=","completion":"4"}` + "\n" + `{"prompt":"count","completion":" one two three four five six seven"}` + "\n"
	for _, c := range []struct {
		long                   Long
		examples, problems, at int
	}{{LongFails, 1, 1, 2}, {LongDrop, 1, 0, 0}, {LongCut, 2, 0, 0}} {
		s := load(t, f, text, Options{MaxTokens: 6, Long: c.long})
		if len(s.Examples) != c.examples || s.Total != c.problems || c.at > 0 && s.List[0].Line != c.at {
			t.Errorf("%q: %d examples, problems %v", c.long, len(s.Examples), s.List)
		}
		if c.long == LongCut && (len(s.Examples[1].IDs) != 6 || len(s.Examples[1].Weights) != 6 || len(s.Cut) != 1) {
			t.Errorf("cut to %d tokens, lines %v", len(s.Examples[1].IDs), s.Cut)
		}
		if c.long == LongDrop && (len(s.Dropped) != 1 || s.Dropped[0] != 2) {
			t.Errorf("lines %v were dropped", s.Dropped)
		}
	}
	if s := load(t, f, `{"prompt":"count one two three four","completion":"x"}`, Options{MaxTokens: 4, Long: LongCut}); s.Total != 1 || s.List[0].Code != "nothing_trained" {
		t.Errorf("a cut before the answer: %v", s.List)
	}
}

// FuzzRead: whatever a file holds, problems or rows that can be written.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello","weight":1}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"assistant","content":"y"}]}`,
		`{"prompt":"a","completion":"b"}`,
		`{"input":{"messages":[{"role":"user","content":"q"}]},"preferred_output":[{"role":"assistant","content":"a"}],"non_preferred_output":[{"role":"assistant","content":"b"}]}`,
		"\xef\xbb\xbf{}\r\n\n[1]\n\"\\ud800\"",
	} {
		f.Add([]byte(seed))
	}
	model := smollm2(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Problems
		err := Read(bytes.NewReader(data), &p, func(r Row) error {
			list, err := model.Show(&r, RenderOptions{ControlText: true})
			if err != nil {
				return nil
			}
			for _, s := range list {
				if s.Trained == 0 || s.Tokens[0].Weight != 0 {
					t.Errorf("%d trained, the first with %v", s.Trained, s.Tokens[0].Weight)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestDigest: the digest is the file's.
func TestDigest(t *testing.T) {
	path := t.TempDir() + "/f"
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := load(t, smollm2(t), "{}\n", Options{})
	if s.Digest != "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356" {
		t.Errorf("digest %s", s.Digest)
	}
}
