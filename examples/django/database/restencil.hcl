# Beside PostgreSQL. Paths are relative to the directory that restencil is started in.

consul {
  address = "127.0.0.1:8500" # -consul-addr wins over this
}

bundle "users" {
  # Nothing is published that PostgreSQL has not accepted. If this fails, it is
  # run again until it succeeds.
  command = "./apply.sh"

  retry {
    backoff     = "1s"
    max_backoff = "2s"
  }
}

template {
  source      = "users.json.ctmpl"
  destination = "users.json"
  perms       = 0600
  format      = "json"
  bundle      = "users"
}
