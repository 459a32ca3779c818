// Package bench measures the embedded engine in this process: the same Backend that
// serves, asked by the same requests, without HTTP. Every figure is the median of
// several rounds in which all figures take turns.
package bench
