// Package harness starts graft and the programs it is compared with, loads them
// alike, and prints what it measured. Machines are shared and noisy: every case
// runs its candidates in turn, several rounds, and compares medians.
package harness
