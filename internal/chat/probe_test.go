package chat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const loop = "{% for m in messages %}[{{ m.role }}]"

// TestProbe: what a template can express is found out by trying.
func TestProbe(t *testing.T) {
	for src, want := range map[string]caps{
		loop + "{{ m.content }}{% endfor %}":                                                                                                     {system: true, results: true},
		loop + "{{ m['content'] + '' }}{% endfor %}":                                                                                             {system: true, results: true, needsContent: true},
		loop + "{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}":                                                                    {system: true, parts: true, onlyParts: true, results: true},
		loop + "{% for p in m.content if p is mapping %}{{ p.text }}{% else %}{{ m.content }}{% endfor %}{% endfor %}":                           {system: true, parts: true, results: true},
		loop + "{% if m.role == 'developer' %}{% endif %}{{ m.content }}{% endfor %}":                                                            {system: true, developer: true, results: true},
		loop + "{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}{{ m.content }}{% endfor %}":                                    {results: true},
		"{{ tools|tojson }}" + loop + "{{ m.content }}{{ m.tool_calls|tojson if m.tool_calls }}{% endfor %}":                                     {system: true, tools: true, calls: true, results: true},
		"{{ tools|map(attribute='function.name')|list if tools }}" + loop + "{{ m.content }}{% endfor %}":                                        {system: true, results: true},
		"{{ tools|tojson }}" + loop + "{{ m.content }}{% for c in m.tool_calls %}{{ '(' + c.function.arguments + ')' }}{% endfor %}{% endfor %}": {system: true, tools: true, calls: true, results: true, textArguments: true},
		"{{ tools|tojson }}" + loop + "{{ m.content }}{% for c in m.tool_calls %}({{ c.function.arguments }}){% endfor %}{% endfor %}":           {system: true, tools: true, calls: true, results: true, textArguments: true},
		"{{ tools|tojson }}" + loop + "{{ m.content if m.role != 'tool' }}{{ m.tool_calls|tojson if m.tool_calls }}{% endfor %}":                 {system: true, tools: true, calls: true},
		"always the same": {},
	} {
		c, err := Compile(src, SpecialTokens{})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if diff := cmp.Diff(want, c.caps, cmp.AllowUnexported(caps{})); diff != "" {
			t.Errorf("%s: %s", src, diff)
		}
	}
}

// TestContent: content reaches the template in a form that it can read.
func TestContent(t *testing.T) {
	parts := Message{Role: "developer", Content: []Part{{"text", "a"}, {"text", "b"}}}
	for src, want := range map[string]string{
		loop + "{{ m.content }}{% endfor %}":                                                          "[system]a\nb[user]u[assistant]",
		loop + "{{ m.content + '' }}{% endfor %}":                                                     "[system]a\nb[user]u[assistant]",
		loop + "{% for p in m.content %}<{{ p.text }}>{% endfor %}{% endfor %}":                       "[system]<a><b>[user]<u>[assistant]",
		loop + "{{ m.content is defined }}{{ m.content is none }}{% endfor %}{# the developer #}":     "[developer]TrueFalse[user]TrueFalse[assistant]FalseFalse",
		"{{ bos_token }}{{ eos_token is defined }}{{ tools is none }}{{ documents }}{{ x.y[0] + 1 }}": "<s>FalseTrueNone8",
	} {
		c, err := Compile(src, SpecialTokens{BOS: "<s>"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Render(Input{
			Messages: []Message{parts, Text("user", "u"), {Role: "assistant"}},
			Vars:     map[string]any{"x": map[string]any{"y": []int{7}}},
		})
		if err != nil || r.Text != want {
			t.Errorf("%s:\nhave %q, %v\nwant %q", src, r.Text, err, want)
		}
	}
}

// TestVariablesAreTheCallers: a variable of the request cannot smuggle in a
// control token, even under the name of one.
func TestVariablesAreTheCallers(t *testing.T) {
	c, err := Compile("{{ bos_token }}{{ date }}", SpecialTokens{BOS: "<s>"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Render(Input{Messages: []Message{Text("user", "u")}, Vars: map[string]any{"bos_token": "<t>", "date": "</s>"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]piece{{"<t></s>", -1}}, pieces(r)); diff != "" {
		t.Error(diff)
	}
}

// TestCompileSet: a model with several templates uses tool_use for tools.
func TestCompileSet(t *testing.T) {
	c, err := CompileSet(map[string]string{"default": "plain", "tool_use": "{{ tools|tojson }}"}, SpecialTokens{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tools := range [][]Tool{nil, {addTool}} {
		r, err := c.Render(Input{Messages: []Message{Text("user", "u")}, Tools: tools})
		if err != nil || (r.Text == "plain") != (tools == nil) {
			t.Errorf("%d tools: have %q, %v", len(tools), r.Text, err)
		}
	}
	if !c.SupportsTools() {
		t.Error("the set does not support tools")
	}
	if _, err := CompileSet(map[string]string{"other": ""}, SpecialTokens{}); err == nil {
		t.Error("a set without a default template compiles")
	}
}

// TestInReasoning: an answer begins inside reasoning if the prompt opened it.
func TestInReasoning(t *testing.T) {
	c, err := Compile("{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<A><think>\n{% endif %}{# </think> #}", SpecialTokens{})
	if err != nil {
		t.Fatal(err)
	}
	d := c.Dialect()
	for _, x := range []struct {
		text           string
		generate, goOn bool
		want           bool
	}{
		{"u", true, false, true}, {"u", false, false, false}, {"u <think>", false, false, false},
		{"<think>so", false, true, true}, {"<think>so</think>", false, true, false},
	} {
		r, err := c.Render(Input{Messages: []Message{Text("assistant", x.text)}, AddGenerationPrompt: x.generate, ContinueFinal: x.goOn})
		if err != nil {
			t.Fatal(err)
		}
		if have := d.InReasoning(r, x.goOn); have != x.want {
			t.Errorf("%q: have %v, want %v", r.Text, have, x.want)
		}
	}
}
