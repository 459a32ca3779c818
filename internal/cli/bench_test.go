package cli

import (
	"slices"
	"strings"
	"testing"

	"graft/internal/app/bench"
	"graft/internal/kernel"
)

func TestReadTraining(t *testing.T) {
	var o bench.Options
	if err := readTraining(&o, "1x512", []string{"bf16", "float32"}); err != nil || o.Rows != 1 || o.Length != 512 || !slices.Equal(o.Precisions, []kernel.Precision{kernel.Half, kernel.Full}) {
		t.Errorf("1x512 in bf16 and float32: %+v, %v", o, err)
	}
	for _, c := range []struct{ shape, precision, want string }{
		{"4", "bf16", "--shape"}, {"0x1", "bf16", "--shape"}, {"x", "bf16", "--shape"}, {"4x256x1", "bf16", "--shape"},
		{"4194304x4194304", "bf16", "a million tokens"}, {"4x256", "fp8", "--precision"},
	} {
		if err := readTraining(&o, c.shape, []string{c.precision}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in %s: %v, want an error with %q", c.shape, c.precision, err, c.want)
		}
	}
}
