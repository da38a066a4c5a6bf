package funcs

import "testing"

// The sums are those of the shell's sha256sum, md5sum and openssl.
func TestHash(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ sha256Hex "restencil" }}`, want: "7cac2ace5d855054b1d0403c01385612d6ea3831815506c8a3c371969cad4eee"},
		{text: `{{ md5sum "é" }} {{ md5sum "" }}`, want: "66ddcd97cfdeabb2f6fb8a999b4bc76f d41d8cd98f00b204e9800998ecf8427e"},
		{text: `{{ hmacSHA256Hex "message" "secret" }} {{ "secret" | hmacSHA256Hex "" }}`, want: "8b5f48702995c1598c573db1e21866a9b825d4a794d169d7060a03605796360b f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169"},
		{text: `{{ sha256Hex 1 }}`, fail: "expected string; found 1"},
		{text: `{{ hmacSHA256Hex "message" }}`, fail: "wrong number of args for hmacSHA256Hex: want 2 got 1"},
	})
}
