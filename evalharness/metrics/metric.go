package metrics

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Case is one answer with what counts as right.
type Case struct {
	Prediction string
	References []string // at least one, for metrics that compare
	Failed     bool     // the answer never came: it scores as an empty one

	Question string // what was asked, for judges
	Opponent string // the answer it is compared with, for preferences; "" of one that never came
}

// text is what a case scores on.
func (c *Case) text() string {
	if c.Failed {
		return ""
	}
	return c.Prediction
}

// Kind says which statistics fit a metric.
type Kind string

const (
	Binary     Kind = "binary"     // 0 or 1 per case; the aggregate is their mean
	Continuous Kind = "continuous" // a number per case; the aggregate is their mean
	CorpusKind Kind = "corpus"     // only a set has a value
	// PreferenceKind: 1, ½ or 0 per case, against an opponent's answer to the same case.
	PreferenceKind Kind = "preference"
)

// Metric is a measure of a set of answers.
type Metric struct {
	Name      string
	Signature string // program, version and options; values with other signatures do not compare
	Doc       string
	Kind      Kind
	Margin    float64 // least difference that matters, unless the user says otherwise; in the value's unit
	Scale     float64 // the best value: 1 or 100

	// Prepare does what may fail or take long (embeddings of the texts, a judge's
	// opinion), so that Cases and Corpus can do neither. Nil for most. Without it, or
	// after its error, cases that it did not get to are NaN; and so are, after it, those
	// of which a judge said nothing that could be read. Calls must not overlap.
	Prepare func(context.Context, []Case) error
	// Cases gives a value for each case; nil for metrics that have none. For a corpus
	// metric it is for display only: the corpus value is not its mean.
	Cases func([]Case) []float64
	// Corpus is the reported value; 0 for no cases.
	Corpus func([]Case) float64
	// Details are numbers that tell more of the value, by name; nil: there are none.
	Details func([]Case) map[string]float64
}

// EmbedFunc gives the embedding of each text, all of one width.
type EmbedFunc func(ctx context.Context, texts []string) ([][]float32, error)

// Tokenwise are the hidden states of one text.
type Tokenwise struct {
	Vectors [][]float32 // [T][D], special tokens included, not normalised
	IDs     []int32     // [T]
	Special []bool      // [T], of [CLS] and [SEP]: they weigh 0 but may be matched to
}

// EncodeFunc gives the hidden states of each text's tokens, alone, without padding.
// Texts that are too long for the encoder are cut.
type EncodeFunc func(ctx context.Context, texts []string) ([]Tokenwise, error)

// Options are what a metric can be told. The zero value is right for most.
type Options struct {
	Labels    []string // of a classification: the only answers that are valid
	RawLabels bool     // F1 over every string that occurs, as scikit-learn does by itself
	FoldCase  bool     // labels match without regard to case
	Stem      bool     // ROUGE on stems
	Unicode   bool     // ROUGE on letters and digits of all scripts, not only a-z and 0-9
	Fields    []string // json_fields: top-level fields that count; none stands for the reference's

	Embed      EmbedFunc // embedding_similarity
	EmbedModel string    // what Embed is computed with, for the signature

	Encode      EncodeFunc // bertscore
	EncodeModel string     // what Encode is computed with, for the signature
	Layer       int        // whose output Encode gives, from 1; 0: the last
	IDF         bool       // tokens that are rare in IDFTexts weigh more
	IDFTexts    []string   // all references of the set that is scored
	Baseline    *Baseline  // values are rescaled by it

	Judge      Judge  // judge, judge_pairwise
	JudgeModel string // who that is, for the signature
	Rubric     string // what it goes by; "": correctness
	Parallel   int    // judgements in flight; 0: one
}

// Info describes a metric without making it.
type Info struct {
	Name   string  `json:"name"`
	Doc    string  `json:"doc"`
	Kind   Kind    `json:"kind"`
	Margin float64 `json:"margin"`
	Least  float64 `json:"least"`           // the worst value
	Scale  float64 `json:"scale"`           // the best
	Needs  string  `json:"needs,omitempty"` // "labels", "embeddings", "encoder", "judge": what New refuses to do without
	// Options are the keys of a task's metric that change it, beside its name.
	Options []string `json:"options,omitempty"`
	Aliases []string `json:"aliases,omitempty"` // other names that New takes
}

type entry struct {
	Info
	make func(Options) (*Metric, error)
}

// registry and aliases are filled by the families' init functions.
var (
	registry = map[string]entry{}
	aliases  = map[string]string{"em_squad": "exact_match", "f1": "f1_macro", "chrfpp": "chrf++", "rouge_l": "rougeL"}
)

func register(info Info, make func(Options) (*Metric, error)) {
	if _, taken := registry[info.Name]; taken {
		panic("metrics: two metrics are named " + info.Name)
	}
	for alias, name := range aliases {
		if name == info.Name {
			info.Aliases = append(info.Aliases, alias)
		}
	}
	slices.Sort(info.Aliases)
	registry[info.Name] = entry{info, make}
}

// Lookup describes the metric of a name, or of another name for it.
func Lookup(name string) (Info, bool) {
	if full, ok := aliases[name]; ok {
		name = full
	}
	e, ok := registry[name]
	return e.Info, ok
}

// New makes a metric. The error names the metrics there are, or the option that lacks.
func New(name string, o Options) (*Metric, error) {
	if full, ok := aliases[name]; ok {
		name = full
	}
	e, ok := registry[name]
	if !ok {
		return nil, fmt.Errorf("metric %q: there is none of that name; there are %s", name, strings.Join(slices.Sorted(maps.Keys(registry)), ", "))
	}
	m, err := e.make(o)
	if err != nil {
		return nil, fmt.Errorf("metric %s: %w", e.Name, err)
	}
	m.Name, m.Doc, m.Kind, m.Margin, m.Scale = e.Name, e.Doc, e.Kind, e.Margin, e.Scale
	if m.Corpus == nil {
		m.Corpus = func(cases []Case) float64 { return mean(m.Cases(cases)) }
	}
	return m, nil
}

// List describes all metrics, sorted by name.
func List() []Info {
	infos := make([]Info, 0, len(registry))
	for _, name := range slices.Sorted(maps.Keys(registry)) {
		infos = append(infos, registry[name].Info)
	}
	return infos
}

// mean of values; 0 of none.
func mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// each makes Cases of a function of one case's text and references.
func each(f func(prediction string, references []string) float64) func([]Case) []float64 {
	return func(cases []Case) []float64 {
		values := make([]float64, len(cases))
		for i := range cases {
			values[i] = f(cases[i].text(), cases[i].References)
		}
		return values
	}
}

// best makes a measure of several references of one of a single reference.
func best(f func(prediction, reference string) float64) func(string, []string) float64 {
	return func(prediction string, references []string) float64 {
		var top float64
		for _, r := range references {
			top = max(top, f(prediction, r))
		}
		return top
	}
}
