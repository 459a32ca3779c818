package chat

// Delta is a piece of an answer: text, reasoning, or a piece of a call.
type Delta struct {
	Text      string
	Reasoning string
	Call      *CallDelta
}

// CallDelta is a piece of a tool call. Index counts the calls of one answer;
// ID and Name come with the first piece, Arguments is a piece of JSON text.
type CallDelta struct {
	Index     int
	ID        string
	Name      string
	Arguments string
}

type pieceKind uint8

const (
	textPiece pieceKind = iota + 1
	reasoningPiece
	argumentsPiece
)

// deltas gathers what one Push yields, joining neighbours of a kind.
type deltas struct {
	list []Delta
	kind pieceKind // of tail, which is not yet in list
	tail []byte
	call CallDelta // the call that tail belongs to
}

func (d *deltas) emit(kind pieceKind, text []byte) {
	if len(text) == 0 {
		return
	}
	if d.kind != kind {
		d.settle()
		d.kind = kind
	}
	d.tail = append(d.tail, text...)
}

// begin starts a call; the arguments that follow belong to it.
func (d *deltas) begin(c CallDelta) {
	d.settle()
	d.call = c
	d.kind = argumentsPiece
}

func (d *deltas) settle() {
	text := string(d.tail)
	switch d.kind {
	case textPiece:
		d.list = append(d.list, Delta{Text: text})
	case reasoningPiece:
		d.list = append(d.list, Delta{Reasoning: text})
	case argumentsPiece:
		c := d.call
		c.Arguments = text
		d.list = append(d.list, Delta{Call: &c})
		d.call.ID, d.call.Name = "", ""
	}
	d.kind, d.tail = 0, d.tail[:0]
}

func (d *deltas) flush() []Delta {
	if d.kind != 0 {
		d.settle()
	}
	out := d.list
	d.list = nil
	return out
}
