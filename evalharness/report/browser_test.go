package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"graft/internal/browsertest"
)

// The page reads well in a real browser, light and dark, wide and on a phone, and no
// word of an answer runs.
func TestReportInABrowser(t *testing.T) {
	ctx := browsertest.Open(t)
	dir := t.TempDir()
	for name, text := range map[string]func(int) string{"plain": plain, "evil": evil} {
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(render(t, demo(text), "html")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1200, 390} {
			browsertest.Run(t, ctx, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
				chromedp.EmulateViewport(width, 900), chromedp.Navigate("file://"+filepath.Join(dir, "plain.html")), chromedp.WaitVisible("#repeat"))
			where := scheme + map[int64]string{1200: "", 390: "-phone"}[width]
			browsertest.Screenshot(t, ctx, "report-"+where)
			if w := browsertest.Evaluate[int64](t, ctx, `document.documentElement.scrollWidth`); w > width {
				t.Errorf("%s: the page is %d pixels wide", where, w)
			}
			for _, part := range []string{"intervals", "ladder", "confusion", "training", "cases"} {
				browsertest.Run(t, ctx, chromedp.Evaluate(`document.documentElement.style.scrollBehavior = "auto"; document.getElementById("`+part+`").scrollIntoView()`, nil))
				if part == "cases" {
					browsertest.Run(t, ctx, chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => d.open = true)`, nil))
					browsertest.CheckContrast(t, ctx, where, 500)
					browsertest.Run(t, ctx, chromedp.Evaluate(`document.querySelectorAll(".case").forEach((d, i) => d.open = i == 2); document.getElementById("cases").scrollIntoView()`, nil))
				}
				browsertest.Screenshot(t, ctx, "report-"+where+"-"+part)
			}
		}
	}
	browsertest.Run(t, ctx, chromedp.Navigate("file://"+filepath.Join(dir, "evil.html")), chromedp.WaitVisible("#repeat"))
	if title := browsertest.Evaluate[string](t, ctx, `document.title`); !strings.HasPrefix(title, "debian-sections") {
		t.Errorf("an answer has changed the title to %q", title)
	}
	// The filter works without a program.
	all := browsertest.Evaluate[int](t, ctx, `[...document.querySelectorAll(".case")].filter(e => e.offsetParent).length`)
	browsertest.Run(t, ctx, chromedp.Click(`label[for="show-lost"]`))
	lost := browsertest.Evaluate[int](t, ctx, `[...document.querySelectorAll(".case")].filter(e => e.offsetParent).length`)
	if want := demo(evil).Comparisons[0].Verdict.Losses; all != 96 || lost != want {
		t.Errorf("%d cases are shown, and %d of those lost, not 96 and %d", all, lost, want)
	}
}
