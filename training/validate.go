package training

import "context"

// Evaluate is the loss of examples under the adapter, without dropout; with a nil
// adapter that of the base.
func (t *Trainer) Evaluate(ctx context.Context, a *Adapter, examples []Example) (s Stats, err error) {
	var b micro
	for len(examples) > 0 {
		b.reset()
		for len(examples) > 0 {
			if len(b.IDs) > 0 && len(b.IDs)+examples[0].used() > t.opts.MicroTokens {
				break
			}
			b.add(examples[0])
			examples = examples[1:]
		}
		if err := t.tape.Forward(ctx, t.model, &b.Batch, Pass{Adapter: a}); err != nil {
			return s, err
		}
		part, err := t.tape.Measure(b.targets, b.weights)
		if err != nil {
			return s, err
		}
		s.Add(part)
	}
	return s, nil
}

// due tells whether the validation set is to be looked at now: before the first step,
// when the model is the base; then every so many steps or after each epoch; at the end.
func (t *Trainer) due() bool {
	step := t.state.Step
	switch {
	case len(t.valid) == 0 || t.state.Validated == step+1:
		return false
	case step == 0 || step == t.total:
		return true
	case t.opts.ValidateEvery > 0:
		return step%t.opts.ValidateEvery == 0
	}
	return t.windows.at(step - 1).last
}

// Validate evaluates the validation set, keeps the parameters when they are the best
// so far, and ends the training when they have not been for too long.
func (t *Trainer) Validate(ctx context.Context) (Report, error) {
	var s Stats
	var err error
	if t.beta > 0 {
		all := make([]int, len(t.valid)/2)
		for i := range all {
			all[i] = i
		}
		s, err = t.pairs(ctx, t.valid, all, 0, false)
	} else {
		s, err = t.Evaluate(ctx, t.adapter, t.valid)
	}
	if err != nil {
		return Report{}, err
	}
	st := &t.state
	r := Report{Step: st.Step, Total: t.total, Epoch: t.epoch(), Loss: s.Mean(), Accuracy: s.Accuracy(), Targets: s.Tokens, Validation: true}
	better := t.best == nil || r.Loss < st.Best
	enough := t.best == nil || r.Loss < st.Best-t.opts.MinDelta
	st.Validated = st.Step + 1
	if st.Worse++; enough {
		st.Worse = 0
	}
	if better && finite(r.Loss) {
		r.Best, st.Best, st.BestStep = true, r.Loss, st.Step
		params := t.adapter.Params()
		if t.best == nil {
			t.best = make([][]float32, len(params))
		}
		for i, p := range params {
			t.best[i] = append(t.best[i][:0], p.Data...)
		}
	}
	st.Stopped = t.opts.Patience > 0 && st.Worse >= t.opts.Patience
	return r, nil
}

// epoch is how many epochs are done.
func (t *Trainer) epoch() float64 {
	if t.state.Step == 0 {
		return 0
	}
	return t.windows.at(t.state.Step - 1).done
}

// Done tells that there are no more steps to do.
func (t *Trainer) Done() bool { return t.state.Stopped || t.state.Step >= t.total }

// Total is how many steps there are when nothing ends the training early.
func (t *Trainer) Total() int { return t.total }

// Tokens is how many tokens an epoch computes.
func (t *Trainer) Tokens() (n int) {
	for _, size := range t.windows.sizes {
		n += size
	}
	return n
}

// Steps is how many steps are done.
func (t *Trainer) Steps() int { return t.state.Step }

// Targets is how many targets have been trained on.
func (t *Trainer) Targets() int { return t.state.Targets }

// Best is the step with the best validation and its loss; ok is false when there was
// none.
func (t *Trainer) Best() (step int, loss float64, ok bool) {
	return t.state.BestStep, t.state.Best, t.best != nil
}

// Adapter is the parameters as they are now.
func (t *Trainer) Adapter() *Adapter { return t.adapter }

// UseBest sets the parameters to those of the best validation. Training on from there
// would be another training, so it comes last.
func (t *Trainer) UseBest() {
	for i, b := range t.best {
		copy(t.adapter.Params()[i].Data, b)
	}
}

// Bytes is the memory that the training takes beside the base, so far: what passes are
// computed in, and of each parameter the number, its gradient, its moments and its best.
func (t *Trainer) Bytes() int64 {
	each := int64(4 * 4)
	if t.best != nil {
		each += 4
	}
	return t.tape.Bytes() + each*int64(t.adapter.Size())
}
