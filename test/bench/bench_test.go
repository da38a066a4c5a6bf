package bench

import (
	"flag"
	"os"
	"runtime"
	"slices"
	"testing"

	"restencil/test/binary"
	"restencil/test/servers"
)

var (
	full  = flag.Bool("full", false, "measure at full size, which takes some ten minutes")
	write = flag.Bool("write", false, "write the results to files")
	judge = flag.Bool("judge", false, "fail where a limit is missed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	servers.Need("consul")
	os.Exit(binary.Main(m))
}

// TestBench runs all scenarios.
func TestBench(t *testing.T) {
	needLinux(t)
	began := load()
	if *full && began > 0.5 {
		t.Logf("others use this machine (load %.1f): times mean little, and limits may be missed for that", began)
	}
	all := contenders(t)
	var rows []row
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			r := row{scenario: sc.name, per: sc.per, of: sc.measure(t, all)}
			t.Log("\n" + detail(r))
			rows = append(rows, r)
		})
	}
	verdicts := judgeAll(rows, limits())
	t.Log("\n" + table(rows) + "\n" + verdictTable(verdicts))
	if *write {
		if len(rows) < len(scenarios()) {
			t.Fatal("nothing written: not all scenarios were measured")
		}
		writeResults(t, rows, verdicts, machine(t, began))
	}
	for _, v := range verdicts {
		if *judge && !v.kept {
			t.Errorf("missed: %s", v)
		}
	}
}

// A scenario is one thing that all contenders are measured at.
type scenario struct {
	name    string
	per     string // what the figures are for: "change", "start"
	smoke   bool   // is run at tiny size too
	measure func(t *testing.T, all []contender) map[string]figures
}

// scenarios returns those to run: all, or at tiny size one of each sort.
func scenarios() []scenario {
	all := allScenarios()
	if *full {
		return all
	}
	return slices.DeleteFunc(all, func(sc scenario) bool { return !sc.smoke })
}

func allScenarios() []scenario {
	return []scenario{
		{"latency", "change", true, turns{scene: oneKey(), full: 400, shared: true}.measure},
		{"pair", "pair", false, turns{scene: pair(), full: 200, shared: true}.measure},
		{"burst", "burst", false, turns{scene: burst(), full: 3, shared: true}.measure},
		{"fan-out 1,000", "change", false, turns{scene: fanOut(size(1000)), full: 30}.measure},
		{"shared 300", "change", false, turns{scene: sharedKey(size(300)), full: 30, shared: true, rested: true}.measure},
		{"cold 1,000 keys", "start", true, starts{scene: manyKeys(size(1000)), full: 7}.measure},
		{"cold 10,000 keys", "start", false, starts{scene: manyKeys(size(10_000)), full: 5}.measure},
		{"service of 2,000", "change", false, turns{scene: oneService(size(2000)), full: 50}.measure},
		{"500 services, cold", "start", false, starts{scene: manyServices(size(500)), full: 5}.measure},
		{"500 services, one changes", "change", false, turns{scene: manyServices(size(500)), full: 20}.measure},
		{"idle, 500 keys", "minute", false, idle{scene: manyKeys(size(500))}.measure},
		{"limit, 2,000 keys", "change", false, limited{scene: manyKeys(size(2000))}.measure},
		{"limit, 500 services", "change", true, limited{scene: manyServices(size(500))}.measure},
	}
}

// size scales a number of things down where figures do not matter.
func size(n int) int {
	if *full {
		return n
	}
	return max(3, n/200)
}

func needLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("measures by Linux's /proc")
	}
}
