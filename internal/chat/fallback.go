package chat

// messages maps the conversation to turns.
func (t *Template) messages(in Input) ([]turn, error) {
	turns := make([]turn, len(in.Messages))
	for i, m := range in.Messages {
		var err error
		if turns[i], err = t.turn(m, i); err != nil {
			return nil, err
		}
	}
	return turns, nil
}
