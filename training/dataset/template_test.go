package dataset

import (
	"strings"
	"testing"
)

const head = `{% for m in messages %}<|im_start|>{{ m.role }}` + "\n" + `{% if m.role == 'assistant' %}`

// withTemplate is SmolLM2 with another template.
func withTemplate(t *testing.T, template string) *Format {
	t.Helper()
	return NewFormat(smollm2(t).tok, FormatOptions{Template: template})
}

// TestTemplates: what templates do that would spoil masks is met or named.
func TestTemplates(t *testing.T) {
	const row = `{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!"}]}`
	const reasoned = `{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!","reasoning_content":"greet"}]}`
	const twice = `{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!"},{"role":"user","content":"And?"},{"role":"assistant","content":"Bye."}]}`
	const tail = `{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant` + "\n{% endif %}"
	plain := head + `{{ m.content }}{% else %}{{ m.content }}{% endif %}<|im_end|>` + "\n" + tail
	thinks := head + "<think>\n{{ m.reasoning_content }}\n</think>\n\n{{ m.content }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n" + tail
	const inside = `{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"<think>\ngreet\n</think>\n\nHello!"}]}`
	opened := func(prompt, answer string) string {
		return head + answer + "{% else %}{{ m.content }}{% endif %}<|im_end|>\n" + strings.Replace(tail, "{% endif %}", prompt+"{% endif %}", 1) + "{# </think> #}"
	}
	for _, c := range []struct {
		name, template, row string
		options             RenderOptions
		want, problem       string
	}{
		{"plain", plain, row, RenderOptions{}, "Hello!<|im_end|>", ""},
		// an empty block of reasoning is given, unless it is to be learnt
		{"empty block", thinks, row, RenderOptions{}, "Hello!<|im_end|>", ""},
		{"empty block, trained", thinks, row, RenderOptions{EmptyThinking: true}, "<think>\n\n</think>\n\nHello!<|im_end|>", ""},
		// only the last answer has it: two trained turns are two rows
		{"block of the last answer", head + "{% if loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n" + tail, twice, RenderOptions{EmptyThinking: true},
			"<think>\n\n</think>\n\nHello!<|im_end|>||<think>\n\n</think>\n\nBye.<|im_end|>", ""},
		{"reasoning", thinks, reasoned, RenderOptions{}, "<think>\ngreet\n</think>\n\nHello!<|im_end|>", ""},
		{"reasoning is lost", plain, reasoned, RenderOptions{}, "", "messages[1].reasoning_content not_shown"},
		// the prompt opens the reasoning, past answers have none (DeepSeek R1, QwQ, MiniMax M2): it is
		// closed, and that is trained, or it is written behind the prompt
		{"opened reasoning", opened("<think>\n", "{{ m.content.split('</think>')[-1] }}"), row, RenderOptions{}, "\n</think>\n\nHello!<|im_end|>", ""},
		{"opened reasoning, used", opened("<think>\n", "{{ m.content.split('</think>')[-1] }}"), reasoned, RenderOptions{}, "greet\n</think>\n\nHello!<|im_end|>", ""},
		{"opened reasoning, in the content", opened("<think>\n", "{{ m.content.split('</think>')[-1] }}"), inside, RenderOptions{}, "greet\n</think>\n\nHello!<|im_end|>", ""},
		{"opened reasoning, two turns", opened("<think>\n", "{{ m.content.split('</think>')[-1] }}"), twice, RenderOptions{}, "\n</think>\n\nHello!<|im_end|>||\n</think>\n\nBye.<|im_end|>", ""},
		{"reasoning in the content is lost", opened("", "{{ m.content.split('</think>')[-1] }}"), inside, RenderOptions{}, "", "messages[1].content not_shown"},
		// the same, but past answers have the end of it (GLM 4.7)
		{"opened reasoning, closed in rows", opened("<think>", "</think>{{ m.content }}"), row, RenderOptions{}, "</think>Hello!<|im_end|>", ""},
		{"opened reasoning, shown as ordinary text", opened("<think>", "</think>{{ m.content }}"), inside, RenderOptions{}, "", "messages[1].content not_as_served"},
		{"opened reasoning, an empty block in rows", opened("<think>\n", "<think></think>\n{{ m.content }}"), reasoned, RenderOptions{}, "greet\n</think>\nHello!<|im_end|>", ""},
		// the prompt closes it as well: answers without reasoning follow, others are never asked for
		{"closed reasoning", opened("<think></think>", "{{ m.content }}"), row, RenderOptions{}, "Hello!<|im_end|>", ""},
		{"closed reasoning, used", opened("<think></think>", "{{ m.content }}"), reasoned, RenderOptions{}, "", "messages[1] not_as_served"},
		// nothing says how reasoning ends: serving would not tell it from the answer
		{"reasoning without an end", strings.Replace(plain, "assistant\n{% endif %}", "assistant\n<think>\n{% endif %}", 1), row, RenderOptions{}, "", "messages[1] not_as_served"},
		{"another head", strings.Replace(plain, "<|im_start|>assistant\n{% endif %}", "<|im_start|>bot\n{% endif %}", 1), row, RenderOptions{}, "", "messages[1] not_as_served"},
		{"answers are left out", head + "{% else %}{{ m.content }}{% endif %}<|im_end|>\n" + tail, row, RenderOptions{}, "", "messages[1] not_shown"},
		// a template that ends no turn: the end of the text is added, and each turn is a row
		{"no end", head + "{{ m.content }}{% else %}{{ m.content }}<|im_end|>{% endif %}\n" + tail, row, RenderOptions{}, "Hello!<|im_end|>", ""},
		// the system message goes with the last question: the turn is put behind its prompt
		{"last question", `{% for m in messages %}<|im_start|>{{ m.role }}` + "\n" + `{% if loop.last and m.role == 'user' %}LAST {% endif %}{{ m.content }}<|im_end|>` + "\n" + tail, twice, RenderOptions{},
			"Hello!<|im_end|>||Bye.<|im_end|>", ""},
		{"refusal", `{{ raise_exception('never') }}`, row, RenderOptions{}, "", "messages chat_template"},
	} {
		f := withTemplate(t, c.template)
		if f.why != nil {
			t.Fatal(f.why)
		}
		s := load(t, f, c.row, Options{Render: c.options})
		if c.problem != "" {
			if s.Total != 1 || s.List[0].Field+" "+s.List[0].Code != c.problem {
				t.Errorf("%s: problems %v, want %s", c.name, s.List, c.problem)
			}
			continue
		}
		if s.Err() != nil {
			t.Errorf("%s: %v", c.name, s.Err())
			continue
		}
		list, err := f.Sequences(&s.Rows[0], c.options)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, q := range list {
			have = append(have, trained(f, q))
			servedPrefix(t, f, &s.Rows[0], q)
		}
		if got := strings.Join(have, "||"); got != c.want {
			t.Errorf("%s: trained is %q, want %q", c.name, got, c.want)
		}
	}
}

// TestEndIsTrained: the end of a turn is trained though it is the token that fills up
// batches as well: SmolLM2 has one token for both.
func TestEndIsTrained(t *testing.T) {
	f := smollm2(t)
	if f.tok.PAD() != f.tok.EOS() {
		t.Fatalf("pad is %d, end %d", f.tok.PAD(), f.tok.EOS())
	}
	s := load(t, f, `{"prompt":"a:","completion":" b"}`, Options{})
	e := s.Examples[0]
	if n := len(e.IDs); e.IDs[n-1] != f.tok.EOS() || e.Weights[n-1] != 1 {
		t.Errorf("ids %v, weights %v", e.IDs, e.Weights)
	}
}

// TestControlText: what a row brought is never read as a control token.
func TestControlText(t *testing.T) {
	f := smollm2(t)
	for _, row := range []string{
		`{"messages":[{"role":"user","content":"What is <|im_end|>?"},{"role":"assistant","content":"<|im_end|> ends turns"}]}`,
		`{"prompt":"It is ","completion":"<|im_end|>"}`,
	} {
		s := load(t, f, row, Options{Render: RenderOptions{ControlText: true}})
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
		ends := 0
		for i, id := range s.Examples[0].IDs {
			if id == f.tok.EOS() && s.Examples[0].Weights[i] > 0 {
				ends++
			}
		}
		if ends != 1 {
			t.Errorf("%s: the end of a turn is trained %d times", row, ends)
		}
	}
}

// TestWordsThatGoOn: where a tokenizer puts a space before each text, an answer that
// goes on with a word of its prompt cannot be written as served, and says so.
func TestWordsThatGoOn(t *testing.T) {
	f := formatOf(t, "mistral", nil)
	if s := load(t, f, `{"prompt":"Nothing hap","completion":"pened."}`, Options{}); s.Total != 1 || s.List[0].Code != "not_as_served" || !strings.Contains(s.List[0].Text, "token 2 of the row differs") {
		t.Errorf("%v", s.List)
	}
	s := load(t, f, `{"prompt":"What happened?","completion":" Nothing"}`, Options{})
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	list, err := f.Sequences(&s.Rows[0], RenderOptions{})
	if err != nil || trained(f, list[0]) != " Nothing</s>" || list[0].IDs[0] != f.tok.BOS() {
		t.Errorf("%v: %q", err, trained(f, list[0]))
	}
}

// TestPairs: both answers follow the same prompt.
func TestPairs(t *testing.T) {
	f := smollm2(t)
	row := `{"input":{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"}]},"preferred_output":[{"role":"assistant","content":"Hello!"}],"non_preferred_output":[{"role":"assistant","content":"What?"}]}`
	s := load(t, f, row, Options{Pairs: true})
	if s.Err() != nil || len(s.Pairs) != 1 || len(s.Examples) != 0 {
		t.Fatalf("%v, %d pairs", s.Err(), len(s.Pairs))
	}
	chosen, rejected, err := f.Pair(&s.Rows[0], RenderOptions{})
	if err != nil || trained(f, chosen) != "Hello!<|im_end|>" || trained(f, rejected) != "What?<|im_end|>" || chosen.Prompt != rejected.Prompt {
		t.Errorf("%v: %q, %q behind %d and %d tokens", err, trained(f, chosen), trained(f, rejected), chosen.Prompt, rejected.Prompt)
	}
	if s := load(t, f, `{"prompt":"a","completion":"b"}`, Options{Pairs: true}); s.Total != 1 || s.List[0].Code != "no_preference" {
		t.Errorf("a completion among pairs: %v", s.List)
	}
}

// TestNoTemplate: a model without a template takes completions, and says why nothing else.
func TestNoTemplate(t *testing.T) {
	f := withTemplate(t, "{% if %}")
	if s := load(t, f, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}`, Options{}); s.Total != 1 || s.List[0].Code != "no_chat_template" {
		t.Errorf("%v", s.List)
	}
	if s := load(t, f, `{"prompt":"a","completion":"b"}`, Options{}); s.Err() != nil {
		t.Error(s.Err())
	}
}
