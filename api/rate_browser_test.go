package api

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"graft/internal/browsertest"
)

// counter waits until the page shows a place.
func counter(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	browsertest.Run(t, ctx, chromedp.Poll(fmt.Sprintf(`document.getElementById("count").textContent === %q`, want), nil, chromedp.WithPollingTimeout(10*time.Second)))
}

// press is a key as a person presses it.
func press(key string) chromedp.Action { return chromedp.KeyEvent(key) }

// demoRound is a round that reads like a real one, hostile answers included.
func demoRound() [][3]string {
	return [][3]string{
		{"My parcel says delivered, but it is not here. What now?", "I am sorry about that. Please look with your neighbours and at the back door first. If it is nowhere, reply with the order number: I open a trace with the carrier today, and you hear from us within two working days.", "Delivered parcels are sometimes left with a neighbour. Contact the carrier."},
		{"Can I change the delivery address of order 4471?", "Yes, until it is packed. Order 4471 is not packed yet: send me the new address, and I change it right away.", "You can change the address in your account under Orders, if the order has not been shipped."},
		{"<script>document.title='x'</script> how do I reset my password?", "<img src=x onerror=\"document.title='owned'\"> Open Sign in, then “Forgot password”.", "Use the link\n\n\t\"Forgot password\"\n\non the page where you sign in."},
		{"Do you ship to Norway?", "", "Yes, in 3 to 5 working days."},
		{"Is the blue one in stock?", "It is, in S and L.", "Please check our web site."},
	}
}

// A person rates by keys, undoes, and reads the help; then another on a phone, by
// touch; the lock reveals what was what.
func TestRatingInABrowser(t *testing.T) {
	ctx := browsertest.Open(t)
	h, service := ratingServer(t)
	server := httptest.NewServer(h)
	defer server.Close()
	round := testRound(5, false)
	for i, texts := range demoRound() {
		round.Items[i].Messages[0].Content, round.Items[i].Outputs = texts[0], [2]string{texts[1], texts[2]}
	}
	tokens := begin(t, h, round, "Ada", "Ben")
	link := server.URL + "/rate/eval_1#"

	browsertest.Run(t, ctx, chromedp.EmulateViewport(1200, 760), chromedp.Navigate(link+tokens[0]), chromedp.WaitVisible("#pair"))
	counter(t, ctx, "1 of 6")
	if got := browsertest.Evaluate[string](t, ctx, `getComputedStyle(document.querySelector(".answers")).gridTemplateColumns`); len(strings.Fields(got)) != 2 {
		t.Errorf("the answers are not side by side: %s", got)
	}
	keys := []string{"1", kb.ArrowRight, "2", "3", kb.ArrowLeft, "2"}
	for i, key := range keys {
		if i == 2 {
			browsertest.Run(t, ctx, press("u"))
			counter(t, ctx, "2 of 6")
			browsertest.Run(t, ctx, press(keys[1]))
			counter(t, ctx, "3 of 6")
		}
		if i == 0 {
			browsertest.Screenshot(t, ctx, "rate")
			browsertest.Run(t, ctx, press("?"), chromedp.WaitVisible("#guide"), press("3"), press(kb.Escape), chromedp.WaitNotVisible("#guide"))
			counter(t, ctx, "1 of 6") // no vote from within the help
		}
		for _, side := range []string{"left", "right"} {
			shown := browsertest.Evaluate[string](t, ctx, `document.getElementById("`+side+`").textContent`)
			known := false
			for _, texts := range demoRound() {
				known = known || shown == texts[1] || shown == texts[2]
			}
			if !known {
				t.Errorf("an answer is not shown as it is: %q", shown)
			}
		}
		if browsertest.Evaluate[bool](t, ctx, `document.activeElement !== document.getElementById("question")`) {
			t.Errorf("pair %d: the focus is not on the question", i+1)
		}
		browsertest.Run(t, ctx, press(key))
		if i+1 < len(keys) {
			counter(t, ctx, fmt.Sprintf("%d of 6", i+2))
		}
	}
	counter(t, ctx, "6 of 6 rated")
	if title := browsertest.Evaluate[string](t, ctx, `document.title`); title != "Compare answers" {
		t.Errorf("an answer has changed the page: %q", title)
	}
	votes, err := service.Store.Votes(ctx, "eval_1")
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, v := range votes {
		got = append(got, v.Choice)
	}
	if fmt.Sprint(got) != "[-1 1 0 1 -1 0]" {
		t.Errorf("the keys came in as %v", got)
	}
	for _, word := range secretWords[:4] {
		if strings.Contains(browsertest.Evaluate[string](t, ctx, `document.documentElement.outerHTML + document.title + location.href`), word) {
			t.Errorf("%q is in the page", word)
		}
	}

	phone(t, ctx, link+tokens[1])

	if _, err := service.Lock(ctx, "eval_1", false); err != nil {
		t.Fatal(err)
	}
	browsertest.Run(t, ctx, chromedp.EmulateViewport(1200, 760), chromedp.Reload(), chromedp.WaitVisible("#reveal"))
	if arms := browsertest.Evaluate[string](t, ctx, `document.getElementById("reveal").innerText`); !strings.Contains(arms, "adapter-support") || !strings.Contains(arms, "base-best-prompt") {
		t.Errorf("after the lock the page says %q", arms)
	}
	browsertest.Screenshot(t, ctx, "rate-locked")
}

// phone rates all pairs by touch, on a narrow dark screen.
func phone(t *testing.T, ctx context.Context, link string) {
	t.Helper()
	browsertest.Run(t, ctx, chromedp.Navigate("about:blank"), chromedp.EmulateViewport(390, 780, chromedp.EmulateMobile, chromedp.EmulateTouch),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}),
		chromedp.Navigate(link), chromedp.WaitVisible("#pair"))
	counter(t, ctx, "1 of 6")
	browsertest.Screenshot(t, ctx, "rate-phone")
	if w := browsertest.Evaluate[int](t, ctx, `document.documentElement.scrollWidth`); w > 390 {
		t.Errorf("the page is %d pixels wide on a phone of 390", w)
	}
	small := browsertest.Evaluate[[]string](t, ctx, `[...document.querySelectorAll("button")].filter(b => b.offsetParent && (b.offsetHeight < 44 || b.offsetWidth < 44)).map(b => b.textContent)`)
	if len(small) > 0 {
		t.Errorf("too small to touch: %q", small)
	}
	for i := range 6 {
		browsertest.Run(t, ctx, chromedp.Click(fmt.Sprintf("[data-choice=%s]", []string{"left", "neither", "right"}[i%3])))
		if i < 5 {
			counter(t, ctx, fmt.Sprintf("%d of 6", i+2))
		}
	}
	counter(t, ctx, "6 of 6 rated")
	browsertest.Run(t, ctx, emulation.SetEmulatedMedia().WithFeatures(nil))
}

// Whatever has a name for the eye has one for the ear, and enough contrast (WCAG 2.1
// AA: 4.5 to 1) in both schemes.
func TestRatingPageIsAccessible(t *testing.T) {
	ctx := browsertest.Open(t)
	h, _ := ratingServer(t)
	server := httptest.NewServer(h)
	defer server.Close()
	tokens := begin(t, h, testRound(5, false), "Ada")
	for _, scheme := range []string{"light", "dark"} {
		browsertest.Run(t, ctx, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
			chromedp.Navigate("about:blank"), chromedp.Navigate(server.URL+"/rate/eval_1#"+tokens[0]), chromedp.WaitVisible("#pair"))
		counter(t, ctx, "1 of 6")
		browsertest.Run(t, ctx, chromedp.Evaluate(`document.querySelectorAll("[hidden]").forEach(e => e.hidden = false)`, nil))
		browsertest.CheckContrast(t, ctx, scheme, 12)
		if unnamed := browsertest.Evaluate[int](t, ctx, `[...document.querySelectorAll("button, input, progress, dialog")].filter(e => !(e.textContent.trim() || e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || (e.labels && e.labels.length))).length`); unnamed > 0 {
			t.Errorf("%d controls have no name", unnamed)
		}
	}
}
