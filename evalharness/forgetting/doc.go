// Package forgetting measures what an adapter has unlearnt: general knowledge that no
// task is about, scored by log-probabilities so that the style of answers does not hide
// it; arithmetic; instructions whose following a program can check; and bits per byte of
// a neutral text. Base and adapter get the same items with the same plain prompt.
//
// The suite general/1 is written for graft and of its licence. Figures of one version
// are comparable with each other only.
package forgetting
