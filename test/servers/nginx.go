package servers

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// A Web is a running nginx, with a master and workers as in production. Its
// nginx.conf is fixed and includes conf.d/*.conf inside of http { }; what to
// listen on and where to pass it is for the files there to say.
type Web struct {
	t       testing.TB
	path    string
	dir     string
	ports   []int // the test's own, and the one that tells that nginx is ready
	process *process
}

// Everything stays below the prefix. Only as root may the workers be given a
// user, and there they need one that may read the test's directory.
var nginxConf = template.Must(template.New("nginx.conf").Parse(`
{{- if .Root }}user root;
{{ end -}}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path temp/body;
	proxy_temp_path temp/proxy;
	fastcgi_temp_path temp/fastcgi;
	uwsgi_temp_path temp/uwsgi;
	scgi_temp_path temp/scgi;
	server {
		listen {{ .Ready }};
		return 204;
	}
	include conf.d/*.conf;
}
`))

// Nginx starts nginx with an empty conf.d and returns when it answers. It ends
// with the test. Without nginx on the system the test is skipped.
func Nginx(t testing.TB) *Web {
	t.Helper()
	w := &Web{t: t, path: NginxPath(t), dir: t.TempDir()}
	t.Cleanup(w.end)
	if err := w.startFirst(); err != nil {
		t.Fatal(err)
	}
	return w
}

// Addr returns a free loopback address for the configuration to listen on.
// Nothing listens there before a file in ConfDir says so.
func (w *Web) Addr() string { return loopback(w.ports[0]) }

// ConfDir returns the directory of the files that nginx includes.
func (w *Web) ConfDir() string { return filepath.Join(w.dir, "conf.d") }

// ReloadCommand returns the shell command that has nginx read its
// configuration again. It fails, and nginx goes on as before, if that
// configuration is wrong.
func (w *Web) ReloadCommand() string { return w.command("-s reload") }

// TestCommand returns the shell command that checks the configuration.
func (w *Web) TestCommand() string { return w.command("-t") }

func (w *Web) command(does string) string {
	return fmt.Sprintf("%s -p %s/ -c nginx.conf %s", w.path, w.dir, does)
}

// startFirst starts nginx, and again on other ports where one was taken.
func (w *Web) startFirst() error {
	const attempts = 3
	var err error
	for range attempts {
		w.ports = Ports(w.t, 2)
		if err = w.start(); err == nil || !portTaken(err) {
			return err
		}
	}
	return err
}

func (w *Web) start() error {
	if err := w.writeConf(); err != nil {
		return err
	}
	cmd := exec.Command(w.path, "-p", w.dir+"/", "-c", "nginx.conf")
	cmd.Dir = w.dir
	cmd.SysProcAttr = ownGroup(syscall.SIGTERM) // so that the master ends its workers
	p, err := startProcess(cmd, filepath.Join(w.dir, "nginx.log"))
	if err != nil {
		return err
	}
	w.process = p
	return p.waitReady(w.ready)
}

func (w *Web) writeConf() error {
	for _, name := range []string{"conf.d", "temp"} {
		if err := os.MkdirAll(filepath.Join(w.dir, name), 0o755); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	err := nginxConf.Execute(&text, map[string]any{"Root": os.Getuid() == 0, "Ready": loopback(w.ports[1])})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "nginx.conf"), text.Bytes(), 0o644)
}

func (w *Web) ready() error {
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: time.Second}
	response, err := client.Get("http://" + loopback(w.ports[1]))
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// end stops nginx at the end of the test. It is asked first, so that the
// master takes its workers along.
func (w *Web) end() {
	if w.process == nil {
		return
	}
	w.process.stop()
	if w.t.Failed() {
		w.t.Logf("the end of nginx's log:\n%s", w.process.log())
	}
}
