// Package rating lets people compare the answers of two arms without knowing which
// arm is which.
//
//	Result ─ Round: the cases that both arms answered, differently
//	   │
//	secret seed ─ HMAC ─ slots of each rater: order, sides, flipped repeats
//	   │
//	votes ─ as shown: left, neither, right (internal/store; each is saved at once)
//	   │
//	lock ─ no vote after it; nothing is computed or told before
//	   │
//	Panel ─ votes turned to the arms, one value a case; agreement; a guard of the verdict
//
// What a rater is sent (Next) is made from Shown alone, which holds no arm, model,
// generation or case id.
package rating
