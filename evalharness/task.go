package evalharness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Task says what is compared, on what, and how. examples/task.yaml has every key with a
// comment.
type Task struct {
	Name         string       `yaml:"name"`
	Model        string       `yaml:"model"`   // the base
	Adapter      string       `yaml:"adapter"` // name, or name@generation; "": none
	Gold         string       `yaml:"gold"`    // files, relative to the task's
	Train        string       `yaml:"train"`
	Dev          string       `yaml:"dev"`
	DevShare     float64      `yaml:"dev_share"`
	Metric       MetricSpec   `yaml:"metric"`
	Margin       *float64     `yaml:"margin"`
	Metrics      []MetricSpec `yaml:"metrics"`
	Labels       []string     `yaml:"labels"`
	Arms         []string     `yaml:"arms"`
	Instructions []string     `yaml:"instructions"`
	Search       SearchRules  `yaml:"search"`
	Retrieval    Retrieval    `yaml:"retrieval"`
	Generation   Generation   `yaml:"generation"`
	Remotes      []Remote     `yaml:"remotes"`
	Forgetting   *bool        `yaml:"forgetting"`
	Price        Price        `yaml:"price"`
	Currency     string       `yaml:"currency"`
	Seed         int64        `yaml:"seed"`
	Parallel     int          `yaml:"parallel"`
	dir          string       // that paths are relative to
	text         []byte       // as it was read
}

// SearchRules bound the search of the base's best prompt.
type SearchRules struct {
	Budget      int   `yaml:"budget"` // calls
	DevRows     int   `yaml:"dev_rows"`
	Shots       []int `yaml:"shots"`
	Thinking    *bool `yaml:"chain_of_thought"`
	Constrained *bool `yaml:"constrained"`
	ThinkTokens int   `yaml:"thinking_tokens"`
	// Propose instructions: so many are written by Proposer, a remote's name or a model of
	// the server; "": the base itself.
	Propose  int    `yaml:"propose"`
	Proposer string `yaml:"proposer"`
}

// Retrieval says where arms with retrieval look.
type Retrieval struct {
	Embedder  string `yaml:"embedder"`  // model; "none": neither retrieval nor nearest examples
	Documents string `yaml:"documents"` // file of lines or JSONL with "text"; "": the training rows
	K         int    `yaml:"k"`
}

// Generation says how answers are generated, by all arms alike.
type Generation struct {
	MaxTokens   int      `yaml:"max_tokens"`
	Temperature float64  `yaml:"temperature"`
	Stop        []string `yaml:"stop"`
}

// Remote is a model of another endpoint.
type Remote struct {
	Name   string `yaml:"name"`
	Kind   string `yaml:"kind"` // openai or ollama
	URL    string `yaml:"url"`
	KeyEnv string `yaml:"key_env"` // environment variable with the key
	Model  string `yaml:"model"`
	Prompt string `yaml:"prompt"` // zero_shot or best_prompt
	Price  Price  `yaml:"price"`
	Arm    *bool  `yaml:"arm"` // false: it only helps (search.proposer), and answers no case
}

// Price is in the task's currency, per million tokens.
type Price struct {
	Prompt     float64 `yaml:"prompt" json:"prompt"`
	Completion float64 `yaml:"completion" json:"completion"`
}

// defaults of a task.
const (
	defaultBudget      = 600
	defaultDevRows     = 60
	defaultDevShare    = 0.15
	defaultThinkTokens = 160
	defaultRetrieved   = 3
	defaultMaxTokens   = 64
	defaultParallel    = 4
	defaultEmbedder    = "all-minilm-l6-v2"
	maxTaskBytes       = 1 << 20
)

var defaultShots = []int{4, 8}

// ReadTask reads a task file. Keys that it does not know are errors.
func ReadTask(path string) (*Task, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxTaskBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t, err := ParseTask(text, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// ParseTask reads a task whose paths are relative to dir.
func ParseTask(text []byte, dir string) (*Task, error) {
	if len(text) > maxTaskBytes {
		return nil, fmt.Errorf("a task file has at most %d bytes", maxTaskBytes)
	}
	t := &Task{dir: dir, text: text}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(t); err != nil {
		return nil, err
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("a task file holds one document")
	}
	return t, t.complete()
}

var taskName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// complete fills in defaults and checks what is there.
func (t *Task) complete() error {
	setDefault(&t.DevShare, defaultDevShare)
	setDefault(&t.Search.Budget, defaultBudget)
	setDefault(&t.Search.DevRows, defaultDevRows)
	setDefault(&t.Search.ThinkTokens, defaultThinkTokens)
	setDefault(&t.Retrieval.K, defaultRetrieved)
	setDefault(&t.Retrieval.Embedder, defaultEmbedder)
	setDefault(&t.Generation.MaxTokens, defaultMaxTokens)
	setDefault(&t.Parallel, defaultParallel)
	setDefault(&t.Currency, "USD")
	if t.Search.Shots == nil {
		t.Search.Shots = defaultShots
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !taskName.MatchString(t.Name) {
		bad("name: %q: want letters, digits, dots, hyphens and underscores, at most 64", t.Name)
	}
	if t.Gold == "" {
		bad("gold: the file of cases that the verdict rests on is missing")
	}
	if t.DevShare <= 0 || t.DevShare >= 1 {
		bad("dev_share: %v: want a number between 0 and 1", t.DevShare)
	}
	if t.Margin != nil && !(*t.Margin > 0) {
		bad("margin: %v: want a number above 0", *t.Margin)
	}
	for name, v := range map[string][3]int{
		"search.budget": {t.Search.Budget, 1, 1 << 20}, "search.dev_rows": {t.Search.DevRows, 5, 1 << 16},
		"search.thinking_tokens": {t.Search.ThinkTokens, 1, 1 << 14}, "retrieval.k": {t.Retrieval.K, 1, 50},
		"generation.max_tokens": {t.Generation.MaxTokens, 1, 1 << 16}, "search.propose": {t.Search.Propose, 0, 50}, "parallel": {t.Parallel, 1, 64},
	} {
		if v[0] < v[1] || v[0] > v[2] {
			bad("%s: %d: want %d to %d", name, v[0], v[1], v[2])
		}
	}
	for _, n := range t.Search.Shots {
		if n < 1 || n > 64 {
			bad("search.shots: %d: want 1 to 64", n)
		}
	}
	for _, kind := range t.Arms {
		if !slices.Contains(ladderKinds, kind) {
			bad("arms: %q: want one of %v", kind, ladderKinds)
		}
	}
	errs = append(errs, t.checkRemotes()...)
	errs = append(errs, t.checkMetrics())
	return errors.Join(errs...)
}

func (t *Task) checkRemotes() (errs []error) {
	seen := map[string]bool{}
	for i, r := range t.Remotes {
		at := fmt.Sprintf("remotes[%d]", i)
		switch {
		case !taskName.MatchString(r.Name) || seen[r.Name] || slices.Contains(ladderKinds, r.Name):
			errs = append(errs, fmt.Errorf("%s.name: %q: want a name of its own", at, r.Name))
		case r.Kind != "openai" && r.Kind != "ollama":
			errs = append(errs, fmt.Errorf("%s.kind: %q: want openai or ollama", at, r.Kind))
		case r.URL == "" || r.Model == "":
			errs = append(errs, fmt.Errorf("%s: url and model are needed", at))
		case r.Prompt != "" && r.Prompt != KindZeroShot && r.Prompt != KindBestPrompt:
			errs = append(errs, fmt.Errorf("%s.prompt: %q: want zero_shot or best_prompt", at, r.Prompt))
		}
		seen[r.Name] = true
	}
	return errs
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Path is where a file of the task is.
func (t *Task) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(t.dir, name)
}

// wants tells whether an arm is asked for; without a list all are.
func (t *Task) wants(kind string) bool { return len(t.Arms) == 0 || slices.Contains(t.Arms, kind) }

// embeds tells whether there is a model of embeddings.
func (t *Task) embeds() bool { return t.Retrieval.Embedder != "none" }
