# Beside each instance of the site, of which restencil is the parent process, as in
# a container. Paths are relative to the directory that restencil is started in.

consul {
  address = "127.0.0.1:8500" # -consul-addr wins over this
}

bundle "settings" {
  # PostgreSQL must accept the new settings before gunicorn sees them. The check
  # sees them in place, and nobody else does.
  check = "./check.py"
}

template {
  source      = "settings.json.ctmpl"
  destination = "settings.json"
  perms       = 0600
  format      = "json"
  bundle      = "settings"
}

# On SIGHUP gunicorn starts new workers, and lets the old ones finish their requests.
exec {
  command       = ["/usr/bin/gunicorn", "shop.wsgi"]
  reload_signal = "SIGHUP"
  kill_signal   = "SIGTERM"
}
