package chat

import "crypto/rand"

const idLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// callID is an id in OpenAI's form.
func callID() string { return "call_" + randomText(24) }

// randomText is n random letters and digits; Mistral's templates insist on 9.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = idLetters[int(b[i])%len(idLetters)]
	}
	return string(b)
}
