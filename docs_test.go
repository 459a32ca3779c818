package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/adapters-broken-elsewhere.md names is there. In its last
// column stands "package: Test, Test; package: Test".
func TestBrokenElsewhereNamesTests(t *testing.T) {
	page, err := os.ReadFile("docs/adapters-broken-elsewhere.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing.T\)`)
	tests := map[string]string{}
	rows := 0
	for line := range strings.SplitSeq(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 4 || !regexp.MustCompile(`^[0-9]+$`).MatchString(cells[0]) {
			continue
		}
		rows++
		for part := range strings.SplitSeq(cells[3], "; ") {
			dir, list, ok := strings.Cut(part, ": ")
			if !ok {
				t.Errorf("row %s: %q is not package: tests", cells[0], part)
				continue
			}
			if _, ok := tests[dir]; !ok {
				files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
				for _, file := range files {
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range names.FindAllStringSubmatch(string(text), -1) {
						tests[dir] += " " + m[1] + " "
					}
				}
			}
			for name := range strings.SplitSeq(list, ", ") {
				if !strings.Contains(tests[dir], " "+name+" ") {
					t.Errorf("row %s: there is no %s in %s", cells[0], name, dir)
				}
			}
		}
	}
	if rows < 31 {
		t.Errorf("only %d rows", rows)
	}
}
