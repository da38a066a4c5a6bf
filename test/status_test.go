package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/servers"
)

// saying returns a check that a command ends with an exit code and prints what fits
// a pattern. It is made again and again, as the daemon comes to it.
func saying(t *testing.T, code int, pattern string, args ...string) func() error {
	return func() error {
		cmd := exec.Command(binary.Path(t), args...)
		cmd.Env = append(os.Environ(), "STATE_DIRECTORY=") // the arguments say which
		out, _ := cmd.Output()
		if got := cmd.ProcessState.ExitCode(); got != code || !regexp.MustCompile(pattern).Match(out) {
			return fmt.Errorf("restencil %q ends with %d, want %d, and prints\n%s\nwant %q", args, got, code, out, pattern)
		}
		return nil
	}
}

// Of a datacenter that is away the first line says so, and the second what to do.
// What others ask stays well.
func TestStatusOfDeadDatacenter(t *testing.T) {
	agent := servers.Consul(t)
	put(t, agent.Client(), "a", "1")
	dir := t.TempDir()
	tpl, out := filepath.Join(dir, "t"), filepath.Join(dir, "out")
	writeFile(t, tpl, `{{ key "a" }}{{ keyOrDefault "b@nowhere" "" }}`)
	good := filepath.Join(dir, "good")
	writeFile(t, good, `{{ key "a" }}`)
	config := filepath.Join(dir, "c.hcl")
	writeFile(t, config, fmt.Sprintf("state_dir = %q\nconsul { address = %q }\ntemplate {\n source = %q\n destination = %q\n}\ntemplate {\n source = %q\n destination = %q\n}\n",
		filepath.Join(dir, "state"), agent.Addr(), tpl, out, good, good+".out"))
	start(t, "-config", config)
	await.Eventually(t, await.Holds(good+".out", "1"))
	await.Eventually(t, saying(t, 1, `\Aconsul, datacenter nowhere: no answers since [^\n]*No path to datacenter[^\n]*\n  other queries are answered, and the files stay as they are: check that the datacenter nowhere is up, or take it out of the templates\n`,
		"status", "-check", "-config", config))
	await.Eventually(t, saying(t, 0, `\Aall is well: 1 bundle applied, 1 query current\n`, "status", "-check", "-config", config, good+".out"))
	await.Eventually(t, saying(t, 0, `\Aconsul key a: answered [^\n]*, size 1, index [0-9]+; kept current: a blocking query of its own\n  consul: answering; datacenter nowhere away since [^\n]*; 2 queries, 1 failing; [0-9]+ requests made, [0-9]+ under way\n`,
		"explain", "-config", config, "a"))
}
