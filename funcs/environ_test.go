package funcs

import "testing"

func TestEnviron(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ env "HOME" }} {{ env "EMPTY" | toJSON }} {{ env "NONE" | toJSON }} {{ env "" | toJSON }}`, want: `ada "" "" ""`},
		{text: `{{ mustEnv "HOME" }}`, want: "ada"},
		{text: `{{ mustEnv "EMPTY" }}`, fail: "error calling mustEnv: required environment variable EMPTY is empty"},
		{text: `{{ mustEnv "NONE" }}`, fail: "required environment variable NONE is empty"},
		{text: `{{ envOrDefault "HOME" "x" }} {{ envOrDefault "EMPTY" "x" | toJSON }} {{ envOrDefault "NONE" "x" }}`, want: `ada "" x`},
		{text: `{{ env 1 }}`, fail: "expected string; found 1"},
	})
}
