//go:build !amd64 || purego

package kernel

import "math"

// There is no assembly for this machine: of any number of numbers, none is done.

func mulScaledFast(y, x, w []float32, s float32) int             { return 0 }
func scaleFast(y, x []float32, s float32) int                    { return 0 }
func shiftFast(y, x []float32, s float32) int                    { return 0 }
func addFast(y, a, b []float32) int                              { return 0 }
func mulAddFast(y, a []float32, w float32, b []float32) int      { return 0 }
func rotateFast(y, x, cos, sin []float32) int                    { return 0 }
func dotLanes(sum *[lanes]float32, x, y []float32) int           { return 0 }
func sumLanes(sum *[lanes]float32, x []float32) int              { return 0 }
func sumWide(sum *[lanes]float64, x []float32) int               { return 0 }
func siluBackFast(gg, gu, gy, gate, up []float32) int            { return 0 }
func maxLanes(top *[lanes]float32, x []float32) int              { return 0 }
func softCapFast(y, x []float32, c float32) int                  { return 0 }
func expShiftedFast(y, x []float32, m float32) int               { return 0 }
func activateFast(y, x, w []float32, act Activation) int         { return 0 }
func decodeF32Fast(dst []float32, src []byte) int                { return 0 }
func encodeF32Fast(dst []byte, src []float32) int                { return 0 }
func decodeF16Fast(dst []float32, src []byte) int                { return 0 }
func encodeF16Fast(dst []byte, src []float32) int                { return 0 }
func decodeBF16Fast(dst []float32, src []byte) int               { return 0 }
func decodeKeysQ8Fast(dst []float32, q, s []byte, n, m int) bool { return false }
func decodeValuesQ8Fast(dst []float32, q, s []byte, n int) bool  { return false }

func largestFast([]float32) (top float32, n int) { return float32(math.Inf(-1)), 0 }
