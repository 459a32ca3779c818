// Package report renders a run's Result for people and for programs: a self-contained
// HTML page, Markdown, CSV, JUnit and JSON. It computes no statistics, and takes every
// text in a Result for hostile: answers come from models.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"graft/evalharness"
)

// formats are the renderers by name.
var formats = map[string]func(io.Writer, *evalharness.Result) error{
	"html": HTML, "md": Markdown, "csv": CSV, "junit": JUnit, "json": JSON,
}

// Formats lists what Write knows.
func Formats() []string { return []string{"html", "md", "csv", "junit", "json"} }

// Write renders a result in one of Formats.
func Write(w io.Writer, r *evalharness.Result, format string) error {
	f, ok := formats[format]
	if !ok {
		return fmt.Errorf("report: format %q is not one of %s", format, strings.Join(Formats(), ", "))
	}
	if r.Schema != evalharness.Schema {
		return fmt.Errorf("report: this is no result in the form %s, but %.40q: use the graft that wrote it", evalharness.Schema, r.Schema)
	}
	return f(w, r)
}

// JSON writes the result itself, indented.
func JSON(w io.Writer, r *evalharness.Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// armNamed finds an arm; nil: there is none.
func armNamed(r *evalharness.Result, name string) *evalharness.Arm {
	for i := range r.Arms {
		if r.Arms[i].Name == name {
			return &r.Arms[i]
		}
	}
	return nil
}

// metricNamed describes a metric; one that the settings do not list has a scale of 1.
func metricNamed(r *evalharness.Result, name string) evalharness.Metric {
	for _, m := range r.Settings.Metrics {
		if m.Name == name {
			return m
		}
	}
	return evalharness.Metric{Name: name, Kind: "continuous", Scale: 1}
}

// byCase are an arm's answers by case.
func byCase(a *evalharness.Arm) map[string]*evalharness.Answer {
	m := make(map[string]*evalharness.Answer, len(a.Answers))
	for i := range a.Answers {
		m[a.Answers[i].Case] = &a.Answers[i]
	}
	return m
}
