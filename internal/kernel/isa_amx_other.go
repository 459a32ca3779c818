//go:build amd64 && !linux && !purego

package kernel

// tilesWork: other systems than Linux are not asked for the tile registers.
func tilesWork() bool { return false }
