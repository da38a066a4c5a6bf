package config

import "fmt"

// Parse reads the command line (without the program's name), the files that it
// names, and the environment, in the form of os.Environ. It is called again to
// reload: the files are then read anew.
//
// An error is an [*Error], which tells the exit status. With ShowHelp in
// Config.Action nothing but the command line has been looked at.
func Parse(args, environ []string) (*Config, error) {
	c := newConfig(environ)
	local := newConfig(environ)
	inline := newSource(localConfig, c.environ.get(localConfig))
	if err := local.decode(inline); err != nil {
		return nil, failed(ExitFlags, err)
	}
	asked, flags, err := parseFlags(args)
	if err != nil {
		return nil, failed(ExitFlags, err)
	}
	if asked.Action == ShowHelp {
		return asked, nil
	}
	for _, path := range asked.Paths {
		if err := c.load(path); err != nil {
			return nil, failed(ExitConfig, err)
		}
	}
	if err := c.decode(inline); err != nil {
		return nil, failed(ExitFlags, err)
	}
	if err := c.apply(flags); err != nil {
		return nil, failed(ExitFlags, err)
	}
	c.finish()
	if err := c.validate(); err != nil {
		return nil, failed(ExitConfig, err)
	}
	return c, nil
}

// newConfig returns a Config with every setting at its default.
func newConfig(environ []string) *Config {
	c := &Config{environ: environ, origins: make(map[string]Origin)}
	reset(c.settings())
	return c
}

// String is for messages and tests.
func (a Action) String() string {
	names := []string{"run", "help", "version", "config"}
	if int(a) < len(names) {
		return names[a]
	}
	return fmt.Sprintf("Action(%d)", int(a))
}
