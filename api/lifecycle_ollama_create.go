package api

import (
	"maps"
	"math"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	ollama "github.com/ollama/ollama/api"

	"graft/adapters"
)

// ollamaModel is the body of POST /api/create.
type ollamaModel struct {
	name, from string
	files      map[string]string          // of the adapter: name to digest
	settings   func(s *adapters.Settings) // what template, system and parameters say
	stream     bool
}

// bind refuses what would make another model than one that graft can serve.
func (m *ollamaModel) bind(o *object) {
	ollamaNames(o, &m.name)
	m.stream = true
	o.bool("stream", &m.stream)
	o.string("from", &m.from)
	if v, ok := o.value("adapters"); ok {
		m.files = map[string]string{}
		v.entries(maxFiles, func(key string, item value) { m.files[key] = item.string() })
	}
	o.refuse("files", "whole models are named in the server's configuration; 'from' names one of them")
	o.refuse("quantize", "the base keeps the format it has")
	o.refuse("quantization", "the base keeps the format it has")
	o.refuse("license", "it is not kept: leave it beside the adapter's files")
	o.refuse("messages", "conversations have no fixed beginning here: send it with each request, or as 'system'")
	for _, name := range []string{"renderer", "parser", "requires", "info", "remote_host"} {
		o.refuse(name, "the base decides this")
	}
	m.bindSettings(o)
}

// bindSettings reads template, system and parameters. What Ollama's create leaves
// out the model has not, so they replace those of before; who may use the name is
// not Ollama's business and stays.
func (m *ollamaModel) bindSettings(o *object) {
	var given adapters.Settings
	if v, ok := o.value("template"); ok {
		given.Template = chatTemplate(v)
	}
	o.string("system", &given.System)
	o.object("parameters", func(o *object) { ollamaDefaults(o, &given) })
	m.settings = func(s *adapters.Settings) {
		given := given
		given.Keys, given.RequestsPerMinute, given.TokensPerMinute, given.Pinned = s.Keys, s.RequestsPerMinute, s.TokensPerMinute, s.Pinned
		*s = given
	}
}

// over lays what is given over the settings of the model that `from` names.
func (m *ollamaModel) over(from adapters.Settings) func(s *adapters.Settings) {
	return func(s *adapters.Settings) {
		m.settings(s)
		for _, field := range []struct{ to, from *string }{{&s.Template, &from.Template}, {&s.System, &from.System}} {
			if *field.to == "" {
				*field.to = *field.from
			}
		}
		if s.Stop == nil {
			s.Stop = from.Stop
		}
		inherit(&s.Temperature, from.Temperature)
		inherit(&s.TopP, from.TopP)
		inherit(&s.TopK, from.TopK)
		inherit(&s.MinP, from.MinP)
		inherit(&s.RepetitionPenalty, from.RepetitionPenalty)
		if s.MaxTokens == 0 {
			s.MaxTokens = from.MaxTokens
		}
	}
}

func inherit[T any](to **T, from *T) {
	if *to == nil {
		*to = from
	}
}

// ollamaDefaults reads the parameters that an adapter can have. The others would be
// dropped in silence, so they are refused.
func ollamaDefaults(o *object, s *adapters.Settings) {
	setting(o, "temperature", &s.Temperature, float(0, 2))
	setting(o, "top_p", &s.TopP, float(0, 1))
	setting(o, "top_k", &s.TopK, topK)
	setting(o, "min_p", &s.MinP, float(0, 1))
	setting(o, "repeat_penalty", &s.RepetitionPenalty, float(0.01, 10))
	setting(o, "stop", &s.Stop, stopStrings)
	predict := -1
	if o.integer("num_predict", &predict, -2, math.MaxInt32); predict == 0 {
		o.d.fail(invalid("parameters.num_predict", "invalid_value", "Invalid 'parameters.num_predict': a model that answers nothing is of no use; -1 means no limit."))
	}
	s.MaxTokens = max(predict, 0)
	for _, name := range slices.Sorted(maps.Keys(unsetParameters)) {
		o.refuse(name, unsetParameters[name], unsetNeutral[name])
	}
}

// unsetParameters are those that an adapter cannot have, and why.
var unsetParameters = map[string]string{
	"num_ctx": "the context is the server's (engine.context)", "num_keep": "the context is the server's", "num_batch": "the server decides it (engine.max_batch_tokens)",
	"num_gpu": "graft computes on processors", "main_gpu": "graft computes on processors", "low_vram": "graft computes on processors",
	"num_thread": "the server decides it (engine.threads)", "use_mmap": "the server decides it", "use_mlock": "the server decides it", "numa": "the server decides it",
	"repeat_last_n": "repetitions are looked for in the whole text: leave it out, or set it to -1",
	"seed":          "a seed belongs to a request", "presence_penalty": "it belongs to a request", "frequency_penalty": "it belongs to a request",
	"typical_p": "it is not implemented", "tfs_z": "it is not implemented", "mirostat": "it is not implemented",
	"mirostat_eta": "it is not implemented", "mirostat_tau": "it is not implemented", "penalize_newline": "it is not implemented",
}

// unsetNeutral are values of them that ask for nothing.
var unsetNeutral = map[string]string{"repeat_last_n": "-1", "typical_p": "1", "tfs_z": "1"}

// ollamaCreate is POST /api/create. Everything is done before the first line, so
// that an error has its status.
func (h adaptersHandler) ollamaCreate(c *gin.Context) {
	var m ollamaModel
	err := h.read(c, m.bind)
	if err == nil {
		err = h.createModel(c, &m)
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	last := ollama.ProgressResponse{Status: "success"}
	if !m.stream {
		h.writeJSON(c, http.StatusOK, last)
		return
	}
	out := h.openLines(c)
	defer out.close()
	for _, line := range []ollama.ProgressResponse{{Status: "adapter checked against " + m.from}, {Status: "writing manifest"}, last} {
		data, err := marshal(line)
		if err != nil || out.line(data) != nil {
			return
		}
	}
}

func (h adaptersHandler) createModel(c *gin.Context, m *ollamaModel) error {
	ctx := c.Request.Context()
	if m.from == "" {
		return invalid("from", "missing_required_parameter", "neither 'from' or 'files' was specified: 'from' names the model that the adapter is for")
	}
	exchangeOf(c).model = m.from
	req := addition{AddRequest: adapters.AddRequest{Name: m.name, Replace: true}, settings: m.settings}
	from := strings.TrimSuffix(m.from, ":latest")
	base, err := findModel(ctx, h.models, from)
	if err != nil {
		e, found := h.entry(c, from)
		switch {
		case found != nil:
			return err
		case len(m.files) > 0:
			return invalid("from", "invalid_value", "Invalid 'from': '%.100s' is an adapter already, and adapters are not stacked when they are made: name its base '%s', and send both adapters' names with the request.", m.from, e.Base)
		}
		req.settings = m.over(e.Settings)
		return h.copy(c, e, req)
	}
	if len(m.files) == 0 {
		return invalid("adapters", "missing_required_parameter", "'adapters' is missing: a name here stands for an adapter. Send adapter_config.json and adapter_model.safetensors, or one .gguf file, to /api/blobs, and their digests here.")
	}
	done, err := h.begin()
	if err != nil {
		return err
	}
	defer done()
	files, closeAll, err := h.blobFiles(m.files)
	if err != nil {
		return err
	}
	defer closeAll()
	req.Base, req.Files = base.ID, files
	_, err = h.add(c, req)
	return err
}

// blobFiles opens the files of an adapter. A GGUF file is known by its first bytes,
// as in Ollama, where names need no ending.
func (h adaptersHandler) blobFiles(digests map[string]string) (files []adapters.File, closeAll func(), err error) {
	var open []*os.File
	closeAll = func() {
		for _, f := range open {
			f.Close()
		}
	}
	ggufs := 0
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		var f *os.File
		if f, err = h.openBlob(digests[name]); err != nil {
			break
		}
		open = append(open, f)
		file := adapters.File{Name: path.Base(name), Reader: f}
		magic := make([]byte, 4)
		if n, _ := f.ReadAt(magic, 0); n == 4 && string(magic) == "GGUF" {
			ggufs++
			file.Name = "adapter.gguf"
		}
		files = append(files, file)
	}
	if err == nil && ggufs > 1 {
		err = &Error{Status: http.StatusBadRequest, Type: invalidRequest, Param: "adapters", Code: "invalid_value",
			Message: "only one adapter is currently supported: make a model of each, and mix them in a request (\"adapters\": [{\"name\": …, \"weight\": …}])"}
	}
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	return files, closeAll, nil
}
