package template

import (
	"os"
	"time"

	"restencil/funcs"
)

// fill sets what h leaves out.
func (h Host) fill(env *funcs.Env) {
	if env.LookupEnv == nil {
		env.LookupEnv = os.LookupEnv
	}
	if env.Now == nil {
		env.Now = time.Now
	}
}
