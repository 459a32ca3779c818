package adapters

import (
	"fmt"
	"os"
	"path/filepath"

	"graft/internal/model"
)

// Read reads an adapter in any format it knows: a PEFT folder or a GGUF file. base
// is the configuration of the model it is for.
func Read(path string, base *model.Config, limits Limits) (*Adapter, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch ext := filepath.Ext(path); {
	case st.IsDir():
		return ReadPEFT(path, limits)
	case ext == ".gguf":
		return ReadGGUF(path, base, limits)
	case ext == ".bin" || ext == ".pt" || ext == ".pth" || ext == ".pkl":
		return nil, fmt.Errorf("adapter %s: a pickle runs code when it is opened: save it as a PEFT folder with %s", path, peftTensors)
	case ext == ".safetensors":
		return nil, fmt.Errorf("adapter %s: want the folder that also holds %s", path, peftConfig)
	}
	return nil, fmt.Errorf("adapter %s: want a PEFT folder or a .gguf file", path)
}
