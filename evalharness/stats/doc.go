// Package stats says what paired measurements of two arms on the same cases show: tests,
// intervals, what a set of cases could have shown, how far raters agree, and the verdict.
// The unit is the case: who has several answers or raters for one takes their mean first.
//
// Everything is a function of its arguments; what is drawn is drawn from a seed.
package stats
