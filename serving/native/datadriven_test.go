package native

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected output of scenario files")

// scenarios runs every file of dir: commands, each followed by ---- and the
// output that run returns for it, up to an empty line. Lines before a command
// that begin with # say what the scenario shows.
func scenarios(t *testing.T, dir string, start func(t *testing.T) (run func(t *testing.T, cmd string) string)) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			run := start(t)
			var out strings.Builder
			for i, part := range strings.Split(strings.TrimRight(string(data), "\n"), "\n\n") {
				if i > 0 {
					out.WriteString("\n")
				}
				input, _, _ := strings.Cut(part, "----")
				input = strings.TrimRight(input, "\n")
				out.WriteString(input + "\n")
				var cmds []string
				for _, line := range strings.Split(input, "\n") {
					if line != "" && !strings.HasPrefix(line, "#") {
						cmds = append(cmds, line)
					}
				}
				if len(cmds) == 0 {
					continue
				}
				out.WriteString("----\n")
				for _, cmd := range cmds {
					out.WriteString(run(t, cmd))
				}
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(data), out.String()); diff != "" {
				t.Errorf("%s differs (-want +got); go test -run %s -rewrite accepts it:\n%s", file, t.Name(), diff)
			}
		})
	}
}

// arguments reads "name key=value flag" into the name and a map.
func arguments(cmd string) (verb, name string, args map[string]string) {
	args = map[string]string{}
	for i, f := range strings.Fields(cmd) {
		key, value, ok := strings.Cut(f, "=")
		switch {
		case i == 0:
			verb = f
		case !ok && i == 1:
			name = f
		default:
			args[key] = value
		}
	}
	return verb, name, args
}
