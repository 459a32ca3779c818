package lint

import (
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"sync"
)

// Where is the file and the lines of a finding.
func (f *Finding) Where() string {
	var parts []string
	if f.File != "" {
		parts = append(parts, f.File)
	}
	if len(f.Lines) > 0 {
		numbers := make([]string, len(f.Lines))
		for i, n := range f.Lines {
			numbers[i] = strconv.Itoa(n)
		}
		word := "line "
		if len(numbers) > 1 {
			word = "lines "
		}
		s := word + strings.Join(numbers, ", ")
		if more := f.Count - len(f.Lines); more > 0 {
			s += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, s)
	}
	if f.Field != "" {
		parts = append(parts, f.Field)
	}
	return strings.Join(parts, ", ")
}

// Summary is the report in a line.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d rows (%s), %d examples, %d tokens, of them %d trained, %d in the longest; %s, %s",
		r.Rows, r.Kind, r.Examples, r.Tokens, r.Trained, r.Longest, plural(r.Errors, "error"), plural(r.Warnings, "warning"))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Text writes the report for a terminal; paint colours a severity's word.
func (r *Report) Text(w io.Writer, paint func(Severity, string) string) error {
	var b strings.Builder
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(&b, "%s %s: %s\n", paint(f.Severity, string(f.Severity)), f.Check, f.Message)
		for _, line := range []struct{ name, text string }{{"at", f.Where()}, {"as", f.Evidence}, {"do", f.Fix}} {
			if line.text != "" {
				fmt.Fprintf(&b, "  %s  %s\n", line.name, line.text)
			}
		}
	}
	if r.Difficulty != nil {
		fmt.Fprintf(&b, "difficulty of %d examples, %s\n", r.Difficulty.Examples, r.Difficulty)
	}
	b.WriteString(r.Summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// HTML writes the report as a page that needs nothing else.
func (r *Report) HTML(w io.Writer) error { return page().Execute(w, r) }

// page is made at its first use, since most starts of the program need none.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.File}}: training data</title>
<style>
:root { color-scheme: light dark; --line: #8885; --error: #c22; --warning: #a60; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 1rem; }
dt { opacity: .7; } dd { margin: 0; font-size: 1.4rem; }
section { border-top: 1px solid var(--line); padding: .8rem 0; }
h2 { font-size: 1rem; margin: 0; } h2 b { text-transform: uppercase; font-size: .8rem; }
.error b { color: var(--error); } .warning b { color: var(--warning); }
p { margin: .3rem 0; } code { overflow-wrap: anywhere; background: #8882; padding: .1rem .3rem; }
small { opacity: .7; }
</style>
<h1>{{.File}}</h1>
<dl>
<div><dt>Rows</dt><dd>{{.Rows}}</dd></div>
<div><dt>Kind</dt><dd>{{.Kind}}</dd></div>
<div><dt>Examples</dt><dd>{{.Examples}}</dd></div>
<div><dt>Tokens</dt><dd>{{.Tokens}}</dd></div>
<div><dt>Trained tokens</dt><dd>{{.Trained}}</dd></div>
<div><dt>Longest</dt><dd>{{.Longest}}</dd></div>
{{with .Difficulty}}<div><dt>Base's loss, median</dt><dd>{{printf "%.2f" .Half}}</dd></div>{{end}}
<div><dt>Errors</dt><dd>{{.Errors}}</dd></div>
<div><dt>Warnings</dt><dd>{{.Warnings}}</dd></div>
</dl>
{{range $i, $f := .Findings}}<section class="{{.Severity}}">
<h2><b>{{.Severity}}</b> {{.Check}}: {{.Message}}</h2>
{{with .Where}}<p><small>{{.}}</small></p>
{{end}}{{with .Evidence}}<p><code>{{.}}</code></p>
{{end}}{{with .Fix}}<p>To do: {{.}}</p>
{{end}}</section>
{{else}}<p>Nothing was found.</p>
{{end}}</html>
`))
})
