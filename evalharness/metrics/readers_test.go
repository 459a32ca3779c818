package metrics

import (
	"math"
	"strings"
	"testing"
)

// FuzzBaseline: no file crashes the reader, and what it takes can be rescaled by.
func FuzzBaseline(f *testing.F) {
	f.Add("LAYER,P,R,F\n0,.1,.2,.3\n2,.4,.5,.6\n")
	f.Add("LAYER,P,R,F\n2,1e308,-1,nan\n")
	f.Add("\ufeffLAYER,P,R,F\n\"2\",\"\n\",,")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ReadBaseline(strings.NewReader(text), 2)
		if err != nil {
			return
		}
		for _, x := range []float64{b.P, b.R, b.F} {
			if v := (1 - x) / (1 - x); v != 1 || math.IsInf(1/(1-x), 0) {
				t.Errorf("%q gives %v", text, *b)
			}
		}
	})
}

// FuzzReply: no reply of a judge crashes the reader, and only JSON passes for a grade.
func FuzzReply(f *testing.F) {
	for _, s := range []string{`{"grade":3}`, "```json\n{\"grade\":3}\n```", "```", "````", "3", `{"grade":3} 4`, "\xff{}", `{"grade":1e999}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		var v struct{ Grade *float64 }
		if err := readReply(reply, &v); err == nil && v.Grade != nil && !strings.Contains(strings.ToLower(reply), `grade`) && !strings.Contains(reply, `\u`) {
			t.Errorf("%q passes for the grade %v", reply, *v.Grade)
		}
	})
}
