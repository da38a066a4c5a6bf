bundle "redis" {
  check  = "grep -Eqx 'maxmemory [0-9]+mb' {{ .Staged `redis.conf` }}"
  reload = "echo redis >>reloads"
}

template {
  source      = "templates/redis.conf.ctmpl"
  destination = "out/redis.conf"
  bundle      = "redis"
  perms       = 0640
}
