# Paths are relative to the directory that restencil is started in.

consul {
  address = "127.0.0.1:8500" # -consul-addr wins over this
}

template {
  source      = "web.conf.ctmpl"
  destination = "conf.d/web.conf"

  # If nginx does not accept what it reads, it goes on with what it had.
  command = "nginx -p . -c nginx.conf -s reload"

  # Changes that come together make one reload: wait until it has been quiet
  # for 100 ms, but never longer than 1 s.
  wait {
    min = "100ms"
    max = "1s"
  }
}
