package native

import "slices"

// queue holds the sequences that wait. Those that were preempted come first;
// then the clients take turns, so that the thousand requests of one do not stand
// before the single request of another.
type queue struct {
	preempted []*sequence
	clients   []*clientQueue // next in turn first; none is empty
}

type clientQueue struct {
	client string
	seqs   []*sequence
}

// len counts the sequences that were never admitted.
func (q *queue) len() int {
	n := 0
	for _, c := range q.clients {
		n += len(c.seqs)
	}
	return n
}

func (q *queue) empty() bool { return len(q.preempted) == 0 && len(q.clients) == 0 }

func (q *queue) of(client string) *clientQueue {
	for _, c := range q.clients {
		if c.client == client {
			return c
		}
	}
	return nil
}

// push puts s behind the other sequences of its client.
func (q *queue) push(s *sequence) { q.insert(s, false) }

// pushFront puts s before the other sequences of its client.
func (q *queue) pushFront(s *sequence) { q.insert(s, true) }

func (q *queue) insert(s *sequence, front bool) {
	s.state = stateWaiting
	c := q.of(s.client)
	if c == nil {
		c = &clientQueue{client: s.client}
		q.clients = append(q.clients, c)
	}
	if front {
		c.seqs = slices.Insert(c.seqs, 0, s)
	} else {
		c.seqs = append(c.seqs, s)
	}
}

// pushPreempted puts s before everybody.
func (q *queue) pushPreempted(s *sequence) {
	s.state = stateWaiting
	q.preempted = slices.Insert(q.preempted, 0, s)
}

// peek is the sequence whose turn it is, nil when nobody waits.
func (q *queue) peek() *sequence {
	switch {
	case len(q.preempted) > 0:
		return q.preempted[0]
	case len(q.clients) > 0:
		return q.clients[0].seqs[0]
	}
	return nil
}

// pop removes the sequence that peek returned and ends its client's turn.
func (q *queue) pop() {
	if len(q.preempted) > 0 {
		q.preempted = slices.Delete(q.preempted, 0, 1)
		return
	}
	c := q.clients[0]
	q.clients = slices.Delete(q.clients, 0, 1)
	c.seqs = slices.Delete(c.seqs, 0, 1)
	if len(c.seqs) > 0 {
		q.clients = append(q.clients, c)
	}
}

// remove takes s out, wherever it waits.
func (q *queue) remove(s *sequence) {
	same := func(x *sequence) bool { return x == s }
	q.preempted = slices.DeleteFunc(q.preempted, same)
	for i, c := range q.clients {
		c.seqs = slices.DeleteFunc(c.seqs, same)
		if len(c.seqs) == 0 {
			q.clients = slices.Delete(q.clients, i, i+1)
			return
		}
	}
}

// last is the newest request of the client that has not begun, or nil.
func (c *clientQueue) last() *sequence {
	for _, s := range slices.Backward(c.seqs) {
		if !s.late {
			return s
		}
	}
	return nil
}

// greediest is the client with the most waiting sequences.
func (q *queue) greediest() *clientQueue {
	var most *clientQueue
	for _, c := range q.clients {
		if most == nil || len(c.seqs) > len(most.seqs) {
			most = c
		}
	}
	return most
}

// each visits all that wait, in no particular order of turns.
func (q *queue) each(f func(*sequence)) {
	for _, s := range q.preempted {
		f(s)
	}
	for _, c := range q.clients {
		for _, s := range c.seqs {
			f(s)
		}
	}
}
