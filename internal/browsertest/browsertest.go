// Package browsertest lets tests look at pages in a real browser. Only tests import it.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Open starts a browser that ends with the test, or skips the test and says why. With
// GRAFT_TEST_BROWSER set there must be one.
func Open(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("GRAFT_TEST_BROWSER") != "" {
			t.Fatal("GRAFT_TEST_BROWSER is set, but there is no chromium")
		}
		t.Skip("there is no chromium on this machine (apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(func() { cancel(); end(); stop() })
	return ctx
}

// Run does what is to be done, or fails the test.
func Run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// Evaluate returns what an expression of the page is.
func Evaluate[T any](t *testing.T, ctx context.Context, expression string) (v T) {
	t.Helper()
	Run(t, ctx, chromedp.Evaluate(expression, &v))
	return v
}

// Screenshot keeps a picture in the folder that GRAFT_SCREENSHOTS names, if any.
func Screenshot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("GRAFT_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	err := chromedp.Run(ctx, chromedp.Sleep(300*time.Millisecond), chromedp.CaptureScreenshot(&png))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// CheckContrast fails the test for texts of the page that stand out too little from
// what is behind them: 4.5 to 1, by WCAG 2.1 AA. least is how many texts must be seen.
func CheckContrast(t *testing.T, ctx context.Context, what string, least int) {
	t.Helper()
	type text struct {
		Text  string
		Ratio float64
	}
	texts := Evaluate[[]text](t, ctx, contrasts)
	if len(texts) < least {
		t.Errorf("%s: only %d texts were looked at", what, len(texts))
	}
	for _, p := range texts {
		if p.Ratio < 4.5 {
			t.Errorf("%s: contrast %.1f of %.80q", what, p.Ratio, p.Text)
		}
	}
}

// contrasts lists the texts of a page with the contrast to what is behind them, by
// the formula of WCAG 2.1.
const contrasts = `(() => {
  const rgb = (s) => s.match(/[\d.]+/g).map(Number);
  const lum = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const s = getComputedStyle(e).backgroundColor; if (!s.startsWith("rgb")) continue; const c = rgb(s); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const list = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = walk.nextNode());) {
    const e = n.parentElement;
    if (!n.textContent.trim() || !e.offsetParent || e.closest(":disabled")) continue;
    const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(behind(e))].sort((x, y) => y - x);
    list.push({ Text: n.textContent.trim(), Ratio: (a + .05) / (b + .05) });
  }
  return list;
})()`
