//go:build !amd64 || purego

package kernel

func (t *digitCall) scores() { t.scoresGeneric() }
func (t *digitCall) values() { t.valuesGeneric() }

func splitDigits(high, low []int8, x []float32, next int) (scale float32, sum int32) {
	return splitDigitsGeneric(high, low, x, next)
}

func (f *digitSoftmax) fast() bool { return false }

func (kv *KV) putValuesFast(values []byte, x []digits, slot int) bool { return false }
