package config

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"restencil/cmd/restencil/config/setting"
)

// configurationPage has a table of settings after each line of the form
//
//	<!-- settings NAME … -->
//
// up to the line <!-- end -->. A NAME is a key with the names of its blocks; it
// stands for the setting and for what is in the block. One that ends in a dot is
// a block whose name the table leaves out: settings of several such blocks that
// have the same key share a row. The flags without a key are below "-".
const configurationPage = "../../../docs/configuration.md"

var settingsTable = regexp.MustCompile(`(?s)<!-- settings ([^>]+) -->\n.*?<!-- end -->`)

// TestConfigurationPage holds the tables of docs/configuration.md to the settings
// that there are. With -update it writes them:
//
//	go test ./cmd/restencil/config -run TestConfigurationPage -update
func TestConfigurationPage(t *testing.T) {
	page := readFile(t, configurationPage)
	left := documentedSettings()
	var names []string
	for _, m := range settingsTable.FindAllStringSubmatch(page, -1) {
		names = append(names, strings.Fields(m[1])...)
	}
	want := settingsTable.ReplaceAllStringFunc(page, func(table string) string {
		head := settingsTable.FindStringSubmatch(table)[1]
		rows := newSettingRows()
		left = slices.DeleteFunc(left, func(s setting.Setting) bool {
			name := longestPrefix(s.Key, names)
			if !slices.Contains(strings.Fields(head), name) {
				return false
			}
			key := strings.TrimPrefix(strings.TrimPrefix(s.Key, "template."), "bundle.")
			if strings.HasSuffix(name, ".") {
				key = strings.TrimPrefix(s.Key, name)
			}
			rows.add(key, s)
			return true
		})
		return "<!-- settings " + head + " -->\n" + rows.String() + "<!-- end -->"
	})
	for _, s := range left {
		t.Errorf("docs/configuration.md has no table with %s", s.Key)
	}
	if page == want {
		return
	}
	if *update {
		if err := os.WriteFile(configurationPage, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("docs/configuration.md is not up to date; write it with -update:\n%s", gocmp.Diff(page, want))
}

// documentedSettings returns every setting, with "template.", "bundle." or
// "verify." before the keys of those blocks, and "-" for the key of a flag that has
// none; but for those that have no effect any more.
func documentedSettings() []setting.Setting {
	c := newConfig(nil)
	all := slices.Collect(setting.All(c.settings))
	for i := range all {
		if all[i].Key == "" {
			all[i].Key = "-" + all[i].Flag
		}
	}
	for prefix, block := range map[string][]setting.Setting{
		"template.":          setting.Add(&c.Templates, (*Template).instance).instance().Settings,
		"bundle.":            setting.Add(&c.Bundles, (*Bundle).instance).instance().Settings,
		"exec.env_template.": setting.Add(new([]*Variable), (*Variable).instance).instance().Settings,
		"verify.":            setting.Add(new([]*Verify), (*Verify).instance).instance().Settings,
	} {
		for s := range setting.All(block) {
			s.Key = prefix + s.Key
			all = append(all, s)
		}
	}
	return slices.DeleteFunc(all, func(s setting.Setting) bool { return s.Deprecated == setting.Nothing })
}

// longestPrefix returns the name that stands for a key, "" if none does.
func longestPrefix(key string, names []string) string {
	longest := ""
	for _, name := range names {
		inside := strings.HasPrefix(key, name) && (name == "-" || strings.HasSuffix(name, "."))
		if (inside || key == name || strings.HasPrefix(key, name+".")) && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}

// settingRows are the rows of a table, by key.
type settingRows struct {
	keys []string
	rows map[string]*settingRow
}

type settingRow struct{ defaults, flags, env, help []string }

func newSettingRows() *settingRows { return &settingRows{rows: make(map[string]*settingRow)} }

func (r *settingRows) add(key string, s setting.Setting) {
	row := r.rows[key]
	if row == nil {
		row = &settingRow{}
		r.rows[key] = row
		r.keys = append(r.keys, key)
	}
	addOnce := func(list *[]string, text string) {
		if text != "" && !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	addOnce(&row.defaults, documentedDefault(s))
	if s.Flag != "" {
		addOnce(&row.flags, "`-"+s.Flag+"`")
	}
	for env := range strings.FieldsSeq(strings.ReplaceAll(s.Env, "!", "")) {
		addOnce(&row.env, "`"+env+"`")
	}
	help := s.Help
	if s.Deprecated != "" {
		help = "An old name: write `" + s.Deprecated + "`."
	}
	addOnce(&row.help, help)
}

// documentedDefault returns what a setting is without being written, "" where that
// is nothing, or follows from other settings.
func documentedDefault(s setting.Setting) string {
	switch text := s.Show(); {
	case s.WhenSet, s.Deprecated != "", strings.Contains(s.Help, "f not given"), text == "", text == `""`, text == "[]", text == "00":
		return ""
	default:
		return "`" + text + "`"
	}
}

// String returns the table, without the columns that would be empty.
func (r *settingRows) String() string {
	columns := []struct {
		head string
		cell func(key string, row *settingRow) string
	}{
		{"key", func(key string, _ *settingRow) string { return "`" + key + "`" }},
		{"flag", func(_ string, row *settingRow) string { return strings.Join(row.flags, ", ") }},
		{"environment", func(_ string, row *settingRow) string { return strings.Join(row.env, ", ") }},
		{"default", func(_ string, row *settingRow) string { return strings.Join(row.defaults, " or ") }},
		{"what it does", func(_ string, row *settingRow) string { return escapeCell.Replace(strings.Join(row.help, " ")) }},
	}
	table := make([]string, len(r.keys)+2)
	for _, c := range columns {
		cells := make([]string, len(r.keys))
		for j, key := range r.keys {
			cells[j] = c.cell(key, r.rows[key])
		}
		if slices.Max(cells) == "" || c.head == "key" && strings.HasPrefix(cells[0], "`-") {
			continue
		}
		for j, cell := range append([]string{c.head, "---"}, cells...) {
			table[j] += "| " + cmp.Or(cell, "–") + " "
		}
	}
	text := ""
	for _, row := range table {
		text += row + "|\n"
	}
	return fmt.Sprintf("\n%s\n", text)
}

var escapeCell = strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`)
