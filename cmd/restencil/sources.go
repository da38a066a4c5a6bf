package main

import (
	"cmp"
	"path/filepath"
	"reflect"

	"restencil/cmd/restencil/config"
	"restencil/watch"
	"restencil/watch/cache"
	"restencil/watch/consul"
	"restencil/watch/local"
)

// sources makes what answers the templates' queries: Consul, or the data file
// that stands in for it, and the file system.
func (s *service) sources(cfg *config.Config) (map[watch.Store]watch.Source, error) {
	kv, err := s.consulSource(cfg)
	if err != nil {
		return nil, err
	}
	return map[watch.Store]watch.Source{
		watch.Consul: kv,
		watch.Files:  local.NewFiles(),
	}, nil
}

// sourcesInstead makes the sources of those stores that cfg has reached in
// another way than the running configuration. The others keep theirs, with all
// that they have: their answers, and what was issued for them.
func (s *service) sourcesInstead(cfg *config.Config) (map[watch.Store]watch.Source, error) {
	instead := make(map[watch.Store]watch.Source)
	if cfg.Local != s.cfg.Local || cfg.Cache != s.cfg.Cache || !reflect.DeepEqual(cfg.ConsulOptions(), s.cfg.ConsulOptions()) {
		kv, err := s.consulSource(cfg)
		if err != nil {
			return nil, err
		}
		instead[watch.Consul] = kv
	}
	return instead, nil
}

func (s *service) consulSource(cfg *config.Config) (watch.Source, error) {
	if cfg.Local.Path != "" {
		return local.NewData(cfg.Local.Path)
	}
	source, err := consul.New(cfg.ConsulOptions())
	if err != nil {
		return nil, err
	}
	return s.cached(cfg, source), nil
}

// cached puts the cache before Consul, where there is to be one. What runs once
// must not take for an answer what was true at some other time.
func (s *service) cached(cfg *config.Config, source watch.Source) watch.Source {
	if !cfg.Cache || cfg.Once || cfg.Dry || cfg.ParseOnly {
		return source
	}
	dir := stateDir(cfg)
	if dir == "" {
		s.warn("the answers of Consul are not kept: there is no state directory")
		return source
	}
	return cache.New(source, filepath.Join(dir, "cache", "consul.answers"), cache.Options{
		Of:      consulName(cfg),
		Problem: func(err error) { s.memory.log.Load().Warn(err.Error(), "component", "cli") },
	})
}

// consulName tells one Consul from another.
func consulName(cfg *config.Config) string {
	o := cfg.ConsulOptions()
	address, _ := cfg.LookupEnv("CONSUL_HTTP_ADDR")
	namespace, _ := cfg.LookupEnv("CONSUL_NAMESPACE")
	return cmp.Or(o.Address, address) + " " + cmp.Or(o.Namespace, namespace)
}
