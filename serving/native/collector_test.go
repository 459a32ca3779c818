package native

import "testing"

func TestCollectorPercent(t *testing.T) {
	for _, c := range []struct {
		weights int64
		want    int
	}{{0, 100}, {garbage, 100}, {2 * garbage, 50}, {8 * garbage, 12}, {1000 * garbage, 5}} {
		if got := collectorPercent(c.weights, 100); got != c.want {
			t.Errorf("%d bytes of weights: %d %%, want %d", c.weights, got, c.want)
		}
	}
	if got := collectorPercent(8*garbage, 10); got != 10 {
		t.Errorf("where Go is set to 10 %%: %d", got)
	}
}
