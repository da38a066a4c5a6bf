// Package browser_test opens the page of the status in Chromium, as people do.
package browser_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/daemon"
	"restencil/test/servers"
)

var screenshots = flag.String("screenshots", "", "keep pictures of the page in this directory")

func TestMain(m *testing.M) { os.Exit(binary.Main(m)) }

const token = "tweety-status-token"

// A page is a daemon with its page in a browser.
type page struct {
	t   *testing.T
	ctx context.Context
	dir string
	url string
	log *daemon.Output
}

// open starts a daemon with these files, of which c.hcl is its configuration.
func open(t *testing.T, files map[string]string) *page {
	t.Helper()
	chromium := servers.ChromiumPath(t)
	p := &page{t: t, dir: t.TempDir()}
	for name, text := range files {
		p.write(name, text)
	}
	cmd := exec.Command(binary.Path(t), "-config", "c.hcl", "-local", "data.yaml", "-state-dir", "state", "-log-level", "info",
		"-status-addr", "127.0.0.1:0")
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "RESTENCIL_STATUS_TOKEN="+token)
	d := daemon.Start(t, cmd)
	p.log = &d.Log
	served := regexp.MustCompile(`served at (http://\S+/)`)
	p.await("the status is served", func() error {
		if m := served.FindStringSubmatch(d.Log.String()); m != nil {
			p.url = m[1]
			return nil
		}
		return fmt.Errorf("it is not in the log")
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.WindowSize(1280, 900))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	ctx, cancelBrowser := chromedp.NewExecAllocator(ctx, options...)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(func() { cancelTab(); cancelBrowser(); cancel() })
	p.ctx = ctx
	chromedp.ListenTarget(ctx, func(e any) {
		if e, ok := e.(*runtime.EventExceptionThrown); ok {
			t.Errorf("the page: %s", e.ExceptionDetails.Error())
		}
	})
	return p
}

func (p *page) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) await(what string, check func() error) {
	p.t.Helper()
	if err := await.Poll(await.Timeout, check); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

func (p *page) run(actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) visit() { p.t.Helper(); p.run(chromedp.Navigate(p.url)) }

// click clicks on an element, which the page may be about to replace.
func (p *page) click(selector string) {
	p.t.Helper()
	p.run(chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).click()", selector), nil))
}

// text returns what a person sees of an element.
func (p *page) text(selector string) string {
	p.t.Helper()
	var text string
	p.run(chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector), &text))
	return text
}

// shows waits until an element has this text.
func (p *page) shows(selector, want string) {
	p.t.Helper()
	p.await(fmt.Sprintf("%s shows %q", selector, want), func() error {
		if got := p.text(selector); !strings.Contains(got, want) {
			return fmt.Errorf("it shows %q", got)
		}
		return nil
	})
}

// picture keeps pictures of the page: as it is, dark, and on a phone.
func (p *page) picture(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	take := func(name string, before ...chromedp.Action) {
		var png []byte
		p.run(append(before, chromedp.CaptureScreenshot(&png))...)
		if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
	scheme := func(s string) chromedp.Action {
		return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s}})
	}
	take(name, scheme("light"))
	take(name+"-dark", scheme("dark"))
	take(name+"-phone", scheme("light"), chromedp.EmulateViewport(390, 844))
	p.run(chromedp.EmulateViewport(1280, 900))
}

// accessible has axe-core look for what keeps people from using the page, in light
// and in dark.
func (p *page) accessible() {
	p.t.Helper()
	source, err := os.ReadFile(servers.AxePath(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	p.run(chromedp.Evaluate(string(source), nil))
	for _, scheme := range []string{"light", "dark"} {
		var found []string
		p.run(
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
			chromedp.Evaluate(`axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.impact + ": " + v.help + ": " + n.html)))`, &found,
				func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		for _, f := range found {
			p.t.Errorf("%s: %s", scheme, f)
		}
	}
}

func TestEmpty(t *testing.T) {
	p := open(t, map[string]string{"c.hcl": "", "data.yaml": "keys: {}"})
	p.visit()
	p.shows("#summary", "All is well: 0 bundles")
	p.shows("#nothing", "There is no bundle yet")
	p.picture("empty")
	p.accessible()
}

const healthy = `
bundle "web" {
  check = "! grep -q bogus web.conf"
  command = "true"
}
template {
  contents = "listen {{ key \"web/port\" }};\n{{ range service \"web\" }}server {{ .Address }}:{{ .Port }};\n{{ end }}"
  destination = "web.conf"
  bundle = "web"
}
template {
  contents = "name {{ key \"web/name\" }} port {{ key \"web/port\" }}"
  destination = "names.conf"
  bundle = "web"
}
template {
  contents = "{{ key \"app/greeting\" }}"
  destination = "greeting.txt"
  command = "true"
}
`

const data = `
keys: {web/port: "80", web/name: front, app/greeting: hello}
services: {web: [10.0.0.1:8080, 10.0.0.2:8080]}
`

// TestLive follows a bundle that changes, fails its check, and is well again.
func TestLive(t *testing.T) {
	p := open(t, map[string]string{"c.hcl": healthy, "data.yaml": data})
	p.visit()
	p.shows("#summary", "All is well: 2 bundles, 2 applied")
	p.shows("#list", "greeting.txt")
	p.click(`a[href="#b=web"]`)
	p.shows("#detail-title", "web")
	p.shows("#graph", "kv.get(web/port) current")
	p.shows("#graph", "run true")
	p.write("data.yaml", strings.Replace(data, `"80"`, `"81"`, 1))
	p.shows("#timeline", "kv.get(web/port) changed")
	p.shows("#timeline", "Generation 2: 2 files changed")
	p.run(chromedp.Evaluate(`document.querySelector("#timeline details").open = true`, nil))
	p.shows("#timeline pre", "-listen 80;")
	p.picture("healthy")
	p.accessible()

	p.write("data.yaml", strings.Replace(data, `"80"`, "bogus", 1))
	p.shows("#summary", "1 problem: 2 bundles, 1 failed, 1 applied")
	p.shows("#problems", "web: check failed")
	p.shows("#pending", "+listen bogus;")
	p.write("data.yaml", data)
	p.shows("#summary", "All is well")
}

// TestBroken: what is wrong comes first, with what to do.
func TestBroken(t *testing.T) {
	p := open(t, map[string]string{"c.hcl": healthy + `template { contents = "x" destination = "x.txt" }`, "data.yaml": `keys: {web/port: bogus, web/name: front}`})
	p.visit()
	p.shows("#summary", "2 problems: 3 bundles,")
	p.shows("#problems", "web: check failed")
	p.shows("#problems", "greeting.txt: waiting")
	p.shows("#list li", "web")
	p.click(`a[href="#b=greeting.txt"]`)
	p.shows("#graph", "kv.get(app/greeting) waiting it does not exist")
	p.run(chromedp.Evaluate(`location.hash = "#b=web"`, nil))
	p.shows("#pending", "+listen bogus;")
	p.picture("broken")
	p.accessible()
}

// TestChanges: with the token, a generation is put back.
func TestChanges(t *testing.T) {
	p := open(t, map[string]string{"c.hcl": healthy, "data.yaml": data})
	p.visit()
	p.shows("#summary", "All is well")
	p.run(chromedp.Evaluate(`window.confirm = () => true; window.alert = (m) => { document.title = m }; location.hash = "#b=web"`, nil))
	p.shows("#timeline", "Generation 1")
	p.write("data.yaml", strings.Replace(data, `"80"`, `"81"`, 1))
	p.shows("#timeline", "Generation 2")
	if strings.Contains(p.text("#timeline"), "Roll back") {
		t.Error("without the token, there is a button")
	}
	p.click("footer summary")
	p.run(
		chromedp.SetValue("#token", token, chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("#token").dispatchEvent(new Event("change")); document.querySelector('details[data-key="1"]').open = true`, nil))
	p.click(`details[data-key="1"] button`)
	p.await("the file is back", func() error {
		got, err := os.ReadFile(filepath.Join(p.dir, "web.conf"))
		if err == nil && !strings.HasPrefix(string(got), "listen 80;") {
			err = fmt.Errorf("it holds %q", got)
		}
		return err
	})
	p.shows("#problems", "held") // the change that was rolled back
	var html string
	p.run(chromedp.Evaluate("document.documentElement.outerHTML", &html))
	if strings.Contains(html, token) || strings.Contains(p.log.String(), token) {
		t.Error("the token is shown")
	}
}

// TestKeyboard reaches a bundle without a mouse.
func TestKeyboard(t *testing.T) {
	p := open(t, map[string]string{"c.hcl": healthy, "data.yaml": data})
	p.visit()
	p.shows("#summary", "All is well")
	p.run(chromedp.KeyEvent("/"), chromedp.KeyEvent("greeting"))
	p.shows("#found", "1 of 2 bundles match")
	p.run(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"))
	p.shows("#detail-title", "greeting.txt")
	var focused string
	p.run(chromedp.Evaluate("document.activeElement.id", &focused))
	if focused != "detail" {
		t.Errorf("the focus is at %q", focused)
	}
}

// TestLarge: 1,000 files of 10,000 queries are there within a second.
func TestLarge(t *testing.T) {
	var config, keys strings.Builder
	keys.WriteString("keys:\n")
	for i := range 1000 {
		fmt.Fprintf(&config, "template {\n  destination = \"out/%04d.conf\"\n  contents = \"", i)
		for k := range 10 {
			fmt.Fprintf(&config, `{{ key \"app/%04d/%d\" }} `, i, k)
			fmt.Fprintf(&keys, "  app/%04d/%d: v\n", i, k)
		}
		config.WriteString("\"\n}\n")
	}
	p := open(t, map[string]string{"c.hcl": config.String(), "data.yaml": keys.String()})
	p.await("all is rendered", func() error {
		_, err := os.Stat(filepath.Join(p.dir, "out/0999.conf"))
		return err
	})
	p.visit()
	p.shows("#summary", "All is well: 1,000 bundles, 1,000 applied")
	var painted, listed float64 // milliseconds since the page was asked for
	p.run(chromedp.Reload(),
		chromedp.WaitVisible("#list li", chromedp.ByQuery),
		chromedp.Evaluate("performance.now()", &listed),
		chromedp.Evaluate(`performance.getEntriesByName("first-contentful-paint")[0].startTime`, &painted))
	t.Logf("painted after %.0f ms, and listed after %.0f ms at most", painted, listed)
	if painted > 1000 && servers.Required() {
		t.Errorf("painted after %.0f ms", painted)
	}
	p.run(chromedp.SendKeys("#search", "app/0777/3", chromedp.ByQuery))
	p.shows("#found", "1 of 1,000 bundles match")
	p.shows("#list", "out/0777.conf")
	p.run(chromedp.Evaluate(`document.querySelector("#search").value = ""; document.querySelector("#search").dispatchEvent(new Event("input")); location.hash = "#b=" + encodeURIComponent("out/0007.conf")`, nil))
	p.shows("#graph", "kv.get(app/0007/9) current")
	p.picture("large")
}
