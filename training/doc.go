// Package training fits LoRA adapters to a frozen model of package model, in
// whatever format its weights are: what is differentiated is what is computed, with
// the numbers that the weights dequantise to.
//
// A Tape is the model.Ops that training runs an architecture on. It keeps what the
// backward pass needs, computes the rest again, and adds up gradients of the
// adapter's parameters alone. A Trainer is the loop over it: windows of examples,
// AdamW, validation, checkpoints.
//
// Letters in shapes are those of package model.
package training
