package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"graft/adapters"
)

func TestLoraNumbers(t *testing.T) {
	at := func(name string, second int64) adapters.Entry {
		return adapters.Entry{Name: name, Created: time.Unix(second, 0)}
	}
	staged := at("staged", 0)
	staged.State = "staged"
	var l loraSet
	show := func(entries ...adapters.Entry) string {
		var b strings.Builder
		for _, n := range l.list(entries) {
			fmt.Fprintf(&b, "%d %s %g; ", n.ID, n.Name, n.Scale)
		}
		return b.String()
	}
	for _, c := range []struct{ got, want string }{
		{show(at("b", 1), at("a", 2), staged), "0 b 0; 1 a 0; "},
		{show(at("0", 3), at("b", 1)), "0 b 0; 2 0 0; "},                        // a is gone
		{show(at("0", 3), at("a", 9), at("new", 4)), "1 a 0; 2 0 0; 3 new 0; "}, // and is back
		{show(at("a", 9), at("b", 1), at("z", 5), at("y", 5)), "0 b 0; 1 a 0; 4 y 0; 5 z 0; "},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if l.any() {
		t.Error("there are scales from the start")
	}
	l.setScales(map[string]float32{"a": 0.5, "b": 0})
	if got, want := show(at("a", 9), at("b", 1)), "0 b 0; 1 a 0.5; "; got != want || !l.any() {
		t.Errorf("got %q, want %q", got, want)
	}
	l.setScales(nil)
	if l.any() {
		t.Error("scales are left")
	}
}

// So many adapters as a request may have can be on for everybody, and no more.
func TestGlobalScalesAreBounded(t *testing.T) {
	b := newBench(t)
	var list []string
	for i := range maxAdapters + 1 {
		b.ask(t, 201, "POST", "/v1/lora_adapters", fmt.Sprintf(`{"name":"a%d","path":"one"}`, i))
		list = append(list, fmt.Sprintf(`{"id":%d,"scale":1}`, i))
	}
	all := "[" + strings.Join(list, ",") + "]"
	wantError(t, do(b, "POST", "/lora-adapters", all), 400, "invalid_request_error", fmt.Sprintf("[%d]", maxAdapters), "invalid_value")
	if w := do(b, "POST", "/lora-adapters", strings.Replace(all, `"scale":1`, `"scale":0`, 1)); w.Code != 200 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
