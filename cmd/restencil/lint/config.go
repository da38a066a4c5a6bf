package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/runner"
	"restencil/runner/layout"
	"restencil/template"
	"restencil/watch/lazyregexp"
	"restencil/watch/suggest"
)

// Config looks at a configuration and all its templates, which it reads.
func (l *Linter) Config(cfg *config.Config) {
	for _, w := range cfg.Warnings {
		l.diagnostic(w, Warning)
	}
	l.clusters = cfg.Clusters
	defer func() { l.clusters = nil }()
	opts, err := cfg.Runner()
	unread := joined(err)
	commands := commandsOf(cfg)
	for _, c := range commands {
		l.staged(c)
	}
	for i, t := range cfg.AllTemplates() {
		o := opts.Templates[i]
		if o.Name == "" { // its error is the next one
			why := unread[0]
			if unread = unread[1:]; t.At.Line > 0 {
				why = errors.Unwrap(why) // without the place
			}
			l.at(t.At, Finding{Rule: "template-file", Message: why.Error()})
			continue
		}
		does := l.template(o.Options, l.placeOf(t, o))
		if o.ForEach != "" {
			l.list(o, t.Origin("for_each"))
		}
		if does.private && t.File.Destination != "" {
			l.secretMode(cfg, t)
		}
		for _, c := range commands {
			if does.data && t.File.Destination != "" && slices.Contains(programs(c.args), t.File.Destination) {
				l.at(c.at, Finding{Rule: "shell-data", Message: fmt.Sprintf("this executes %s, of which data from a store is a part", t.File.Destination),
					Hint: "keep the program fixed, and give it the data in a file that it reads"})
			}
		}
	}
}

// list looks at the list of a template with for_each, and at its destination.
func (l *Linter) list(t runner.Template, at setting.Origin) {
	list := t.Options
	list.Name, list.Text = "for_each", t.Destination
	_, err := template.Parse(list, template.Host{})
	if err == nil && layout.FixedDir(t) == "" {
		err = layout.CheckList(t, template.Host{})
	}
	if err != nil {
		l.at(at, Finding{Rule: "syntax", Message: err.Error()})
	}
}

// at adds a finding about a setting.
func (l *Linter) at(o setting.Origin, f Finding) {
	f.File, f.Line, f.Column = o.File, o.Position.Line, o.Position.Column
	l.add(f)
}

var heredoc = lazyregexp.New(`<<-?\w+\s*$`)

// placeOf returns where the text of a template stands.
func (l *Linter) placeOf(t *config.Template, o runner.Template) place {
	if t.Source != "" {
		l.files[o.Name] = strings.Split(o.Text, "\n")
		return place{file: o.Name}
	}
	key := t.Origin("contents").Position
	lines := l.lines(key.File)
	first, _, _ := strings.Cut(o.Text, "\n")
	if 0 < key.Line && key.Line < len(lines) && heredoc.Get().MatchString(lines[key.Line-1]) && strings.HasSuffix(lines[key.Line], first) {
		return place{file: key.File, first: key.Line}
	}
	return place{key: key}
}

// exposing are the mode bits that a file with secrets should not have.
const exposing fs.FileMode = 0o027

// secretMode looks at the mode of a file that holds secrets.
func (l *Linter) secretMode(cfg *config.Config, t *config.Template) {
	where, mode, words := t.At, fs.FileMode(0o644), "0644, unless the file exists with another one"
	switch {
	case t.File.Perm != 0:
		where, mode = t.Origin("perms"), t.File.Perm
	case cfg.Defaults.SecretPerms != 0:
		where, mode = cfg.Origin("secret_perms"), cfg.Defaults.SecretPerms
	}
	if mode&exposing == 0 {
		return
	}
	if where != t.At {
		words = fmt.Sprintf("%04o", mode.Perm())
	}
	l.at(where, Finding{Rule: "secret-mode", Message: fmt.Sprintf("%s holds secrets, and its mode is %s", t.File.Destination, words),
		Hint: "write perms = 0640 or less in the template, or secret_perms for all files with secrets"})
}

// A command is one that the configuration runs.
type command struct {
	at    setting.Origin
	args  []string
	check bool
	about int      // how many files a check is about
	files []string // that it can name: destinations and sources
}

// commandsOf returns the commands of a configuration.
func commandsOf(cfg *config.Config) (all []command) {
	change := func(w *setting.Origins, c *config.Change, files []string, about int) {
		all = append(all, command{at: w.Origin("check"), args: c.Check.Args, check: true, about: about, files: files})
		for _, key := range []string{"exec.command", "reload", "command"} {
			if w.IsSet(key) {
				all = append(all, command{at: w.Origin(key), args: c.Exec.Args})
				break
			}
		}
		for _, v := range c.Verify {
			all = append(all, command{at: v.At, args: v.Args})
		}
	}
	files := make(map[string][]string) // of bundles
	for _, t := range cfg.Templates {
		files[t.Bundle] = append(files[t.Bundle], t.File.Destination, t.Source)
	}
	for _, b := range cfg.Bundles {
		change(&b.Origins, &b.Change, files[b.Name], len(files[b.Name])/2)
	}
	for _, t := range cfg.Templates {
		if known := files[t.Bundle]; t.Bundle != "" {
			change(&t.Origins, &t.Change, known, 1)
		} else {
			change(&t.Origins, &t.Change, []string{t.File.Destination, t.Source}, 1)
		}
	}
	return append(all, command{at: cfg.Origin("exec.command"), args: cfg.Exec.Args})
}

var (
	action = lazyregexp.New(`\{\{-?\s*\.(Staged|Files?|Bundle)\b[^}]*\}\}`)
	named  = lazyregexp.New("\\.Staged\\s+[\"`]([^\"`]+)[\"`]")
	single = lazyregexp.New(`\{\{-?\s*\.(Staged|File)\s*-?\}\}`)

	// elsewhere are programs by which a process does the work that does not see what
	// the check sees: in a container, on another host, a daemon that runs already.
	elsewhere = lazyregexp.New(`^(docker|docker-compose|podman|nerdctl|crictl|ctr|kubectl|oc|nomad|lxc|incus|ssh|nsenter|machinectl|systemctl|sv|supervisorctl)$`)

	// program is the beginning of a command up to the program's name, past what runs
	// it. Arguments of their own have NUL between.
	program = lazyregexp.New(`(?:^|[;&|(])\s*(?:(?:sudo|exec|env|source|\.|(?:\S*/)?(?:ba|da|z|k|a)?sh|\w+=[^\s\x00]*|-[\w-]+)[\s\x00]+)*([^\s\x00;&|()]+)`)
)

// programs returns the programs that a command runs, as far as they can be told.
func programs(args []string) []string {
	var found []string
	for _, m := range program.Get().FindAllStringSubmatch(strings.Join(args, "\x00"), -1) {
		found = append(found, m[1])
	}
	return found
}

// staged looks at what a command says of staged files, and at whether a check sees
// the files that it is about.
func (l *Linter) staged(c command) {
	text := strings.Join(c.args, " ")
	add := func(s Severity, message, hint string) {
		l.at(c.at, Finding{Rule: "check-file", Severity: s, Message: message, Hint: hint})
	}
	if found := action.Get().FindString(text); found != "" && !c.check {
		add(Error, found+" stands for a staged file in a check alone; here it stays as it is", "write the path of the file")
	}
	if !c.check {
		return
	}
	if found := single.Get().FindString(text); found != "" && c.about > 1 {
		add(Error, found+" fails: the bundle has several files", "say which: {{ .Staged `NAME` }}")
	}
	var bases []string
	for _, path := range c.files {
		bases = append(bases, filepath.Base(path))
	}
	for _, m := range named.Get().FindAllStringSubmatch(text, -1) {
		if !slices.Contains(c.files, m[1]) && !slices.Contains(bases, m[1]) {
			add(Error, fmt.Sprintf("no file of this bundle is called %q", m[1]), didYouMean(suggest.Nearest(m[1], bases)))
		}
	}
	for _, path := range programs(c.args) {
		if elsewhere.Get().MatchString(filepath.Base(path)) && !strings.Contains(text, "{{") && !strings.Contains(text, "RESTENCIL_STAGED") {
			add(Warning, path+" lets another process do the work, which sees the old files and not the new ones",
				"give it the staged file, {{ .Staged `NAME` }}, or test the file with a program of this host")
		}
	}
}

// didYouMean returns the hint that names what may be meant, "" for nothing.
func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", name)
}
