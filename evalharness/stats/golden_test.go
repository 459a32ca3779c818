package stats

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// goldens are what reference/stats.py wrote.
type goldens struct {
	McNemar   [][4]float64
	Wilson    [][5]float64
	Tango     [][6]float64
	Flip      [][2]json.RawMessage
	Student   [][3]json.RawMessage
	BCa       [][5]json.RawMessage
	Clustered [][3]json.RawMessage
	Holm      [][2][]float64
	Agreement []struct {
		Votes                                          Votes
		Categories                                     int
		Nominal, Ordinal, Interval, Cohen, Fleiss, AC1 *float64
	}
}

func load(t *testing.T) (g goldens) {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(g.McNemar) < 40 || len(g.Wilson) < 40 || len(g.Tango) < 40 || len(g.Flip) < 20 || len(g.BCa) < 10 || len(g.Holm) < 20 || len(g.Agreement) < 30 {
		t.Fatal("the goldens are not whole")
	}
	return g
}

func as[T any](t *testing.T, raw json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func near(t *testing.T, what string, have, want, bound float64) {
	t.Helper()
	if !(math.Abs(have-want) <= bound) {
		t.Errorf("%s is %v, want %v", what, have, want)
	}
}

func TestTestsGolden(t *testing.T) {
	g := load(t)
	for _, c := range g.McNemar {
		midp, exact := McNemar(int(c[0]), int(c[1]))
		near(t, "exact p", exact, c[2], 1e-12)
		near(t, "mid-p", midp, c[3], 1e-12)
	}
	for _, c := range g.Flip {
		near(t, "sign flips of "+string(c[0]), SignFlip(as[[]float64](t, c[0]), 1), as[float64](t, c[1]), 1e-12)
	}
	for _, c := range g.Holm {
		for i, p := range Holm(c[0]) {
			near(t, "Holm", p, c[1][i], 1e-12)
		}
	}
}

func TestIntervalsGolden(t *testing.T) {
	g := load(t)
	for _, c := range g.Wilson {
		low, high := Wilson(int(c[0]), int(c[1]), c[2])
		near(t, "Wilson low", low, c[3], 1e-9)
		near(t, "Wilson high", high, c[4], 1e-9)
	}
	for _, c := range g.Tango {
		low, high := Tango(int(c[0]), int(c[1]), int(c[2]), c[3])
		near(t, "Tango low", low, c[4], 1e-5)
		near(t, "Tango high", high, c[5], 1e-5)
	}
	for _, c := range g.Student {
		low, high := Student(as[[]float64](t, c[0]), .95)
		near(t, "t low", low, as[float64](t, c[1]), 1e-9)
		near(t, "t high", high, as[float64](t, c[2]), 1e-9)
	}
	for _, c := range g.BCa {
		low, high := bcaOf(as[[]float64](t, c[0]), as[[]float64](t, c[1]), as[float64](t, c[2]))
		near(t, "BCa low", low, as[float64](t, c[3]), 1e-9)
		near(t, "BCa high", high, as[float64](t, c[4]), 1e-9)
	}
	for _, c := range g.Clustered {
		near(t, "clustered error", ClusteredError(as[[]float64](t, c[0]), as[[]int](t, c[1])), as[float64](t, c[2]), 1e-9)
	}
}

// Newcombe's own example: 36 both, 12 only the first, 2 only the second.
func TestNewcombe(t *testing.T) {
	low, high := Newcombe(Table{36, 12, 2, 0}, .95)
	near(t, "low", low, .0569, 5e-5)
	near(t, "high", high, .3404, 5e-5)
}

func TestAgreementGolden(t *testing.T) {
	seen := 0
	for _, c := range load(t).Agreement {
		for _, m := range []struct {
			name string
			have float64
			want *float64
		}{
			{"nominal alpha", Krippendorff(c.Votes, Nominal), c.Nominal},
			{"ordinal alpha", Krippendorff(c.Votes, Ordinal), c.Ordinal},
			{"interval alpha", Krippendorff(c.Votes, Interval), c.Interval},
			{"Cohen's kappa", Cohen(c.Votes), c.Cohen},
			{"Fleiss' kappa", Fleiss(c.Votes, c.Categories), c.Fleiss},
			{"AC1", AC1(c.Votes, c.Categories), c.AC1},
		} {
			if m.want != nil {
				seen++
				near(t, m.name, m.have, *m.want, 1e-9)
			}
		}
	}
	if seen < 150 {
		t.Errorf("%d values compared", seen)
	}
}

func TestAgree(t *testing.T) {
	v := Votes{{0, 0}, {1, 1}, {0, 1}, {2, 2}, {1, 1}, {0, 0}, {2, 0}, {1, 1}}
	list := Agree(v, 3, 1)
	if len(list) != 5 {
		t.Fatalf("%+v, want five measures", list)
	}
	for _, a := range list {
		if !(a.Low < a.Value && a.Value < a.High && a.High <= 1) {
			t.Errorf("%+v: the value is not within its interval", a)
		}
	}
	if list[0].Value != .75 {
		t.Errorf("raw agreement %v, want 6 of 8", list[0].Value)
	}
	v[0][1] = Missing
	for _, a := range Agree(v, 3, 1) {
		if a.Name == "fleiss" {
			t.Error("Fleiss' kappa of votes that are missing")
		}
	}
}
