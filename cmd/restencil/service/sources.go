package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/stores"
	"restencil/cmd/restencil/statedir"
	"restencil/watch"
	"restencil/watch/cache"
	"restencil/watch/consul"
	"restencil/watch/filewatch"
	"restencil/watch/local"
	"restencil/watch/nomad"
	"restencil/watch/vault"
)

// revokeTimeout bounds how long revoking leases delays the end of the program.
const revokeTimeout = 5 * time.Second

// sources makes the sources that answer the templates' queries: the clusters of Consul or
// the data file in their place, those of Vault and Nomad, and the file system. None of them
// connects before a template asks.
//
// With an old configuration, it makes only the sources of stores that cfg reaches in
// another way, nil for those that cfg lacks. The other stores keep their sources, with
// answers and leases.
func (s *service) sources(cfg, old *config.Config) (map[watch.Store]watch.Source, error) {
	made := make(map[watch.Store]watch.Source)
	var before map[watch.Store]stores.Reach
	if old != nil {
		before = old.Reaches()
	} else {
		made[watch.Files] = filewatch.NewSource()
	}
	now := cfg.Reaches()
	for store, r := range now {
		was, ok := before[store]
		was.RevokeOnExit = r.RevokeOnExit // which is for the end
		system, cluster := store.Split()
		if ok && reflect.DeepEqual(r, was) && (system != watch.Consul || cfg.State.Cache == old.State.Cache) {
			continue
		}
		var err error
		switch o := r.Options.(type) {
		case consul.Options:
			made[store], err = s.consulSource(cfg, store, o)
		case vault.Options:
			made[store], err = s.vaultSource(store, o)
		case nomad.Options:
			made[store], err = s.nomadSource(store, r.Local, o)
		}
		if err != nil && cluster != "" {
			err = fmt.Errorf("%s: %w", store, err)
		}
		if err != nil {
			return nil, err
		}
	}
	for store := range before {
		if _, ok := now[store]; !ok {
			made[store] = nil
		}
	}
	return made, nil
}

// vaultSource makes the source for a Vault, which takes over what the one before it holds.
func (s *service) vaultSource(store watch.Store, o vault.Options) (watch.Source, error) {
	o.Notice, o.Log = s.warner(string(store)), s.log.Logger
	source, err := vault.New(o)
	if err != nil {
		return nil, err
	}
	if old := s.vaults[store]; old != nil {
		source.Succeed(old)
	}
	return source, nil
}

// keepVaults keeps the sources of Vaults that made has, for the end. One that is removed
// stays: its leases may be revoked then.
func (s *service) keepVaults(made map[watch.Store]watch.Source) {
	if s.vaults == nil {
		s.vaults = make(map[watch.Store]*vault.Source)
	}
	for store, source := range made {
		if v, ok := source.(*vault.Source); ok {
			s.vaults[store] = v
		}
	}
}

// revoke revokes the leases of Vaults, and the tokens of logins.
func (s *service) revoke(ctx context.Context, which func(watch.Store) bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	var revoking sync.WaitGroup
	for store, v := range s.vaults {
		if !which(store) {
			continue
		}
		revoking.Go(func() {
			if err := v.Revoke(ctx); err != nil {
				s.warn(string(store), fmt.Errorf("not all leases were revoked: %w", err))
			}
		})
	}
	revoking.Wait()
}

// nomadSource makes the source for a Nomad, or the data file in its place.
func (s *service) nomadSource(store watch.Store, file string, o nomad.Options) (watch.Source, error) {
	if file != "" {
		return local.NewData(file)
	}
	o.Notice, o.Log = s.warner(string(store)), s.log.Logger
	return nomad.New(o)
}

// consulSource makes the source for a Consul, with the cache in front of it if that
// is configured. Once and dry runs have none: their result must not be out of date.
func (s *service) consulSource(cfg *config.Config, store watch.Store, o consul.Options) (watch.Source, error) {
	if cfg.Consul.Local != "" {
		return local.NewData(cfg.Consul.Local)
	}
	o.Notice, o.Log = s.warner(string(store)), s.log.Logger
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
	name := strings.ReplaceAll(string(store), "/", ".") + ".answers"
	return cache.New(source, filepath.Join(dir, "cache", name), cache.Options{
		Of: o.Address + " " + o.Namespace,
		Problem: func(err error) {
			level := slog.LevelWarn
			if errors.Is(err, cache.ErrOtherVersion) { // as after every upgrade
				level = slog.LevelInfo
			}
			s.log.Log(context.Background(), level, err.Error(), "component", "cli")
		},
	}), nil
}
