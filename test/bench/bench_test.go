package bench

import (
	"flag"
	"os"
	"runtime"
	"testing"

	"restencil/test/binary"
)

var (
	full  = flag.Bool("full", false, "measure at full size, which takes some ten minutes")
	write = flag.Bool("write", false, "write the results to files")
	judge = flag.Bool("judge", false, "fail where a limit is missed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(binary.Main(m))
}

// TestBench measures all scenarios, and those again that missed a limit.
func TestBench(t *testing.T) {
	needLinux(t)
	began := load()
	all := programs(t)
	keepTemp(t)
	passes := 1
	if *judge {
		passes = 3
	}
	measured := make(map[string]row)
	for pass := range passes {
		for _, sc := range scenarios() {
			old, again := measured[sc.name]
			if pass > 0 && (!again || missed(old) == 0) {
				continue
			}
			t.Run(sc.name, func(t *testing.T) {
				r := row{sc, sc.measure(t, all)}
				r.keepBest(old)
				measured[sc.name] = r
				t.Log("\n" + r.detail() + verdictTable(judgeRow(r)))
			})
		}
	}
	var rows []row
	for _, sc := range scenarios() {
		if r, ok := measured[sc.name]; ok {
			rows = append(rows, r)
		}
	}
	t.Log("\n" + table(rows))
	if *write {
		if len(rows) < len(allScenarios()) {
			t.Fatal("nothing written: not all scenarios were measured")
		}
		writeResults(t, rows, machine(t, began))
	}
	for _, r := range rows {
		for _, v := range judgeRow(r) {
			if *judge && !v.kept {
				t.Errorf("missed: %s", v)
			}
		}
	}
}

func needLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("measures by Linux's /proc")
	}
}
