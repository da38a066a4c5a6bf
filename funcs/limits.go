package funcs

import "fmt"

// maxResult bounds what one call may make out of a number that it is given,
// in bytes: a slip of the pen in a template must not cost the daemon its
// memory. It is far beyond any file that a program reads as configuration.
const maxResult = 256 << 20

// fits tells whether a result of count parts of size bytes is within
// maxResult. Negative numbers fit: what they mean is the caller's business.
func fits(function string, size, count int) error {
	if size <= 0 || count <= maxResult/size {
		return nil
	}
	return fmt.Errorf("%s: the result would be larger than %d MiB", function, maxResult>>20)
}
