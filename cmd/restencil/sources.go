package main

import (
	"restencil/cmd/restencil/config"
	"restencil/watch"
	"restencil/watch/consul"
	"restencil/watch/local"
)

// sources makes what answers the templates' queries: Consul, or the data file
// that stands in for it, and the file system.
func sources(cfg *config.Config) (map[watch.Store]watch.Source, error) {
	kv, err := consulSource(cfg)
	if err != nil {
		return nil, err
	}
	return map[watch.Store]watch.Source{
		watch.Consul: kv,
		watch.Files:  local.NewFiles(),
	}, nil
}

func consulSource(cfg *config.Config) (watch.Source, error) {
	if cfg.Local.Path != "" {
		return local.NewData(cfg.Local.Path)
	}
	return consul.New(cfg.ConsulOptions())
}
