package template

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"restencil/watch"
)

// A benchCase is a template and what it is executed on.
type benchCase struct {
	name  string
	text  string
	world world
}

var (
	//go:embed testdata/nginx.ctmpl
	nginx string
	//go:embed testdata/settings.ctmpl
	settings string
	//go:embed testdata/haproxy.ctmpl
	haproxy string
	//go:embed testdata/sprig.ctmpl
	sprig string
)

func cases() []benchCase {
	return []benchCase{
		{"one-key", `port = {{ key "app/port" }}`, shop()},
		{"nginx", nginx, shop()},
		{"settings", settings, shop()},
		{"haproxy", haproxy, shop()},
		{"sprig-50-lines", sprig, shop()},
		{"key-1000", keyCalls(1000), world{keys: numbered("app", 1000)}},
		{"range-5000-instances", "{{ range service \"web\" }}server {{ .Address }}:{{ .Port }};\n{{ end }}", crowd()},
		{"filter-5000-instances", filter, crowd()},
		{"byTag-5000-instances", "{{ range $tag, $list := service \"web\" | byTag }}{{ $tag }} {{ len $list }}\n{{ end }}", crowd()},
		{"range-tree-10000", "{{ range tree \"conf\" }}{{ .Key }} = {{ .Value }}\n{{ end }}", forest()},
		{"tree-explode-10000", `{{ with tree "conf" | explode }}{{ len . }}{{ end }}`, forest()},
	}
}

const filter = `{{ range service "web" }}{{ if .Tags | contains "v1" -}}
server {{ .ID }} {{ .Address }}:{{ .Port }} weight {{ index .ServiceMeta "weight" }};
{{ end }}{{ end }}`

// keyCalls asks each of the n keys of numbered("app", n), a line each.
func keyCalls(n int) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(numbered("app", n))) {
		fmt.Fprintf(&b, "{{ key %q }}\n", key)
	}
	return b.String()
}

// shop is what a small installation keeps in Consul.
func shop() world {
	return world{
		keys: map[string]string{
			"app/port": "8080", "app/workers": "4", "app/debug": "false", "app/title": "Shop",
			"app/tls": "true", "app/hosts": "shop.example.com, www.example.com",
			"app/limits":        `{"rate": 10, "burst": 20, "zones": ["eu", "us"]}`,
			"app/database/host": "db.example.com", "app/database/port": "5432", "app/database/name": "shop",
			"app/feature/search": "on", "app/feature/cart": "on", "app/feature/reviews": "off",
		},
		services: map[string][]*watch.HealthService{
			"web": instances("web", 8), "api": instances("api", 4), "cache": instances("cache", 2), "mail": instances("mail", 2),
		},
	}
}

func crowd() world {
	return world{services: map[string][]*watch.HealthService{"web": instances("web", 5000)}}
}

func forest() world { return world{keys: numbered("conf", 10_000)} }
