package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/watch"
	"restencil/watch/cache"
	"restencil/watch/consul"
	"restencil/watch/filewatch"
	"restencil/watch/local"
	"restencil/watch/vault"
)

// sources makes what answers the templates' queries: Consul, or the data file
// that stands in for it, Vault, and the file system. None of them contacts
// anybody before a template asks.
func (s *service) sources(cfg *config.Config) (map[watch.Store]watch.Source, error) {
	kv, err := s.consulSource(cfg)
	if err != nil {
		return nil, err
	}
	if s.vault, err = s.vaultSource(cfg); err != nil {
		return nil, err
	}
	return map[watch.Store]watch.Source{
		watch.Consul: kv,
		watch.Vault:  s.vault,
		watch.Files:  filewatch.NewSource(),
	}, nil
}

// sourcesInstead makes the sources of those stores that cfg has reached in
// another way than the running configuration. The others keep theirs, with all
// that they have: their answers, and what was issued for them.
func (s *service) sourcesInstead(cfg *config.Config) (map[watch.Store]watch.Source, error) {
	instead := make(map[watch.Store]watch.Source)
	if cfg.Consul.Local != s.cfg.Consul.Local || cfg.State.Cache != s.cfg.State.Cache || !reflect.DeepEqual(cfg.ConsulOptions(), s.cfg.ConsulOptions()) {
		kv, err := s.consulSource(cfg)
		if err != nil {
			return nil, err
		}
		instead[watch.Consul] = kv
	}
	if !reflect.DeepEqual(cfg.VaultOptions(), s.cfg.VaultOptions()) {
		secrets, err := s.vaultSource(cfg)
		if err != nil {
			return nil, err
		}
		secrets.Succeed(s.vault)
		instead[watch.Vault] = secrets
	}
	return instead, nil
}

func (s *service) vaultSource(cfg *config.Config) (*vault.Source, error) {
	o := cfg.VaultOptions()
	o.Notice = func(err error) { s.memory.log.Load().Warn(err.Error(), "component", "vault") }
	return vault.New(o)
}

// revokeTimeout is how long the end of the program may take for what is given
// back to Vault.
const revokeTimeout = 5 * time.Second

// revoke gives back to Vault what was issued, where that is asked for. What
// runs once leaves it to those that read its files.
func (s *service) revoke() {
	if !s.cfg.Vault.RevokeOnExit || s.cfg.Once {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
	defer cancel()
	if err := s.vault.Revoke(ctx); err != nil {
		s.log.Warn("not all leases were given back: "+err.Error(), "component", "vault")
	}
}

func (s *service) consulSource(cfg *config.Config) (watch.Source, error) {
	if cfg.Consul.Local != "" {
		return local.NewData(cfg.Consul.Local)
	}
	o := cfg.ConsulOptions()
	o.Notice = func(err error) { s.memory.log.Load().Warn(err.Error(), "component", "consul") }
	source, err := consul.New(o)
	if err != nil {
		return nil, err
	}
	return s.cached(cfg, source), nil
}

// cached puts the cache before Consul, where there is to be one. What runs once
// must not take for an answer what was true at some other time.
func (s *service) cached(cfg *config.Config, source watch.Source) watch.Source {
	if !cfg.State.Cache || cfg.Once || cfg.Dry || cfg.ParseOnly {
		return source
	}
	dir := stateDir(cfg)
	if dir == "" {
		s.warn("the answers of Consul are not kept: there is no state directory")
		return source
	}
	return cache.New(source, filepath.Join(dir, "cache", "consul.answers"), cache.Options{
		Of: consulName(cfg),
		Problem: func(err error) {
			level := slog.LevelWarn
			if errors.Is(err, cache.ErrOtherVersion) { // as after every upgrade
				level = slog.LevelInfo
			}
			s.memory.log.Load().Log(context.Background(), level, err.Error(), "component", "cli")
		},
	})
}

// consulName tells one Consul from another.
func consulName(cfg *config.Config) string {
	o := cfg.ConsulOptions()
	address, _ := cfg.LookupEnv("CONSUL_HTTP_ADDR")
	namespace, _ := cfg.LookupEnv("CONSUL_NAMESPACE")
	return cmp.Or(o.Address, address) + " " + cmp.Or(o.Namespace, namespace)
}
