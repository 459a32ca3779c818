package metrics

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// JudgeMessage is a message of what a judge is asked.
type JudgeMessage struct{ Role, Content string }

// Judge asks a model, which is to answer with one JSON object of the schema. Its errors
// are those of asking, such as an endpoint that is down: they end the scoring. An error
// that is ErrUnread does not: this question can have no answer, as when it is too long for
// the model. What the model makes of the question is read here.
type Judge func(ctx context.Context, messages []JudgeMessage, schema json.RawMessage) (string, error)

// judgeTries is how often a judge is asked for one judgement: whose reply cannot be read
// is told so, and may try again.
const judgeTries = 3

// ErrUnread: there is no judgement of a case, since no reply could be read in all tries.
var ErrUnread = errors.New("the judge said nothing that can be read")

// ask asks until read takes the reply.
func ask(ctx context.Context, judge Judge, prompt string, schema string, read func(reply string) error) error {
	messages := []JudgeMessage{{"user", prompt}}
	for try := 1; ; try++ {
		reply, err := judge(ctx, messages, json.RawMessage(schema))
		if err != nil {
			return fmt.Errorf("judge: %w", err)
		}
		if err = read(reply); err == nil {
			return nil
		}
		if try == judgeTries {
			return fmt.Errorf("%w: %w", ErrUnread, err)
		}
		messages = append(messages, JudgeMessage{"assistant", clip(reply)}, JudgeMessage{"user",
			"That is not what was asked for: " + err.Error() + ". Reply with the one JSON object that was asked for and nothing else."})
	}
}

// maxReply bounds what of a wrong reply is shown to the judge again, in bytes.
const maxReply = 2000

func clip(s string) string {
	if len(s) > maxReply {
		s = strings.ToValidUTF8(s[:maxReply], "") + "…"
	}
	return s
}

// readReply reads one JSON object, alone or in a fence of code: never a number that
// happens to stand somewhere.
func readReply(reply string, into any) error {
	text := trim(reply)
	if inner, ok := strings.CutPrefix(text, "```"); ok {
		inner, _ = strings.CutSuffix(trim(strings.TrimPrefix(inner, "json")), "```")
		text = trim(inner)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("it is no JSON object (%w)", err)
	}
	return nil
}

// judgePrompt puts what is judged in a JSON object, so that no text of it can pass
// for the instruction's.
func judgePrompt(instruction string, of map[string]any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(of); err != nil {
		return "", err
	}
	return instruction + "\n\n" + b.String(), nil
}

// judgeNeeds checks what both metrics of judges need.
func judgeNeeds(o Options) error {
	if o.Judge == nil {
		return errors.New("it needs a model that judges: give its model")
	}
	return nil
}

// judgeSignature names the judge and all that it is told: other words are another metric.
func judgeSignature(name string, o Options, instruction string) string {
	sum := sha256.Sum256([]byte(instruction))
	return fmt.Sprintf("%s|graft:1|judge:%s|prompt:%s|tries:%d", name, o.JudgeModel, hex.EncodeToString(sum[:6]), judgeTries)
}

// judgeAll asks for many judgements at once, at most parallel; the first error ends all.
func judgeAll(ctx context.Context, n, parallel int, one func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(max(parallel, 1), n) {
		wg.Go(func() {
			for i := range next {
				if err := one(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
