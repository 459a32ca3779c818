package native

import (
	"errors"
	"os"
	"sync"

	"graft/internal/model"
	"graft/internal/tokenizer"
	"graft/internal/weights"
)

// openModel reads the model and the tokenizer at path. The tables of the tokenizer are
// built beside the weights, which workers lay out.
func openModel(path string, workers int) (*model.Model, *tokenizer.Tokenizer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	opts := model.Options{Workers: workers}
	if info.IsDir() {
		return beside(
			func() (*model.Model, error) { return model.Load(path, opts) },
			func() (*tokenizer.Tokenizer, error) { return tokenizer.FromFolder(path) })
	}
	file, err := weights.OpenGGUF(path) // once: its head is long
	if err != nil {
		return nil, nil, err
	}
	meta := file.Meta // outlives the file
	return beside(
		func() (*model.Model, error) { return model.LoadGGUF(path, file, opts) },
		func() (*tokenizer.Tokenizer, error) { return tokenizer.FromGGUF(meta) })
}

// beside reads both at a time. Without one of them there is none.
func beside(readModel func() (*model.Model, error), readTokenizer func() (*tokenizer.Tokenizer, error)) (*model.Model, *tokenizer.Tokenizer, error) {
	var tok *tokenizer.Tokenizer
	var tokErr error
	var done sync.WaitGroup
	done.Go(func() { tok, tokErr = readTokenizer() })
	m, err := readModel()
	done.Wait()
	switch {
	case err != nil && tokErr != nil:
		return nil, nil, errors.Join(tokErr, err)
	case err != nil:
		return nil, nil, err
	case tokErr != nil:
		return nil, nil, errors.Join(tokErr, m.Close())
	}
	return m, tok, nil
}
