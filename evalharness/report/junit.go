package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"graft/evalharness"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr,omitempty"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes what CI servers show as tests: the verdicts, of which the primary one
// fails unless it is a clear win; its guards; and the cases, of which those fail that
// the arm under test has lost. Exploratory comparisons, and a run that registered none,
// fail nothing.
func JUnit(w io.Writer, r *evalharness.Result) error {
	v := newView(r)
	all := junitSuites{Name: r.Name, Time: fmt.Sprintf("%.3f", r.Finished.Sub(r.Started).Seconds())}
	verdicts, guards := junitSuite{Name: "verdict"}, junitSuite{Name: "guards"}
	for _, c := range v.Comparisons {
		one := junitCase{Class: "verdict", Name: c.A + " against " + c.B + ": " + c.Metric,
			Out: fmt.Sprintf("%s: %s%s [%s, %s], p = %s (%s), %d cases: %d won, %d lost, %d tied. %s", c.Outcome, c.Diff, c.Unit, c.Low95, c.High95, c.P, c.Test, c.N, c.Wins, c.Losses, c.Ties, c.Reason)}
		if c.Primary && c.Outcome != evalharness.ClearWin {
			one.Failure = &junitFailure{Message: c.Outcome, Type: "verdict", Text: c.Reason}
		}
		verdicts.add(one)
		if c.Primary {
			for _, g := range c.Guards {
				one := junitCase{Class: "guards", Name: g.Name, Out: g.Detail}
				if !g.Passed {
					one.Failure = &junitFailure{Message: g.Name, Type: "guard", Text: g.Detail}
				}
				guards.add(one)
			}
		}
	}
	cases := junitSuite{Name: "cases"}
	for _, c := range v.Cases {
		one := junitCase{Class: "cases", Name: c.ID}
		var out strings.Builder
		for _, a := range c.Answers {
			fmt.Fprintf(&out, "%s (%s): %s\n", a.Arm, a.Score, a.Output)
		}
		if v.Main != nil && c.Class == "bad" {
			one.Failure = &junitFailure{Message: "lost: " + c.Scores, Type: "case",
				Text: "question: " + c.Question + "\nright: " + strings.Join(c.References, " / ") + "\n" + out.String()}
		} else {
			one.Out = out.String()
		}
		cases.add(one)
	}
	for _, s := range []junitSuite{verdicts, guards, cases} {
		if s.Tests > 0 {
			all.Suites = append(all.Suites, s)
			all.Tests += s.Tests
			all.Failures += s.Failures
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	s.Cases = append(s.Cases, c)
}
