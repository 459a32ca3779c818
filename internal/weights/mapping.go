package weights

import (
	"fmt"
	"math"
	"os"
)

// mappableSize is the length of f in bytes.
func mappableSize(f *os.File) (int, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !st.Mode().IsRegular() {
		return 0, fmt.Errorf("%s: not a regular file", f.Name())
	}
	if st.Size() > math.MaxInt {
		return 0, fmt.Errorf("%s: %d bytes are more than this machine can address", f.Name(), st.Size())
	}
	return int(st.Size()), nil
}
