package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/statedir"
	"restencil/watch"
	"restencil/watch/cache"
	"restencil/watch/consul"
	"restencil/watch/filewatch"
	"restencil/watch/local"
	"restencil/watch/vault"
)

// sources makes the sources that answer the templates' queries: Consul or the data
// file in its place, Vault, and the file system. None of them connects before a
// template asks.
//
// With an old configuration, it makes only the sources of stores that cfg reaches in
// another way. The other stores keep their sources, with answers and leases.
func (s *service) sources(cfg, old *config.Config) (map[watch.Store]watch.Source, error) {
	made := make(map[watch.Store]watch.Source)
	if old == nil {
		made[watch.Files] = filewatch.NewSource()
	}
	if old == nil || cfg.Consul.Local != old.Consul.Local || cfg.State.Cache != old.State.Cache ||
		cfg.Consul.Files != old.Consul.Files || !reflect.DeepEqual(cfg.ConsulOptions(), old.ConsulOptions()) {
		source, err := s.consulSource(cfg)
		if err != nil {
			return nil, err
		}
		made[watch.Consul] = source
	}
	if old == nil || cfg.Vault.Files != old.Vault.Files || !reflect.DeepEqual(cfg.VaultOptions(), old.VaultOptions()) {
		o := cfg.VaultOptions()
		o.Notice, o.Log = s.warner("vault"), s.log.Logger
		source, err := vault.New(o)
		if err != nil {
			return nil, err
		}
		if old != nil {
			source.Succeed(s.vault)
		}
		made[watch.Vault] = source
	}
	return made, nil
}

// consulSource makes the source for Consul, with the cache in front of it if that
// is configured. Once and dry runs have none: their result must not be out of date.
func (s *service) consulSource(cfg *config.Config) (watch.Source, error) {
	if cfg.Consul.Local != "" {
		return local.NewData(cfg.Consul.Local)
	}
	o := cfg.ConsulOptions()
	o.Notice, o.Log = s.warner("consul"), s.log.Logger
	source, err := consul.New(o)
	if err != nil {
		return nil, err
	}
	if !cfg.State.Cache || cfg.Once || cfg.Dry || cfg.ParseOnly {
		return source, nil
	}
	dir := statedir.Of(cfg)
	if dir == "" {
		s.warn("cli", errors.New("the answers of Consul are not kept: there is no state directory"))
		return source, nil
	}
	address, _ := cfg.LookupEnv("CONSUL_HTTP_ADDR")
	namespace, _ := cfg.LookupEnv("CONSUL_NAMESPACE")
	return cache.New(source, filepath.Join(dir, "cache", "consul.answers"), cache.Options{
		Of: cmp.Or(o.Address, address) + " " + cmp.Or(o.Namespace, namespace),
		Problem: func(err error) {
			level := slog.LevelWarn
			if errors.Is(err, cache.ErrOtherVersion) { // as after every upgrade
				level = slog.LevelInfo
			}
			s.log.Log(context.Background(), level, err.Error(), "component", "cli")
		},
	}), nil
}
