# Paths are relative to the directory that restencil is started in. Where Consul is
# comes from CONSUL_HTTP_ADDR.

bundle "web" {
  # What nginx does not accept never reaches it.
  check = "nginx -t -q -p . -c nginx.conf"

  # nginx reads the files after this has ended, and if it cannot use them, goes on with
  # the old ones and says so in its own log only.
  reload = "nginx -p . -c nginx.conf -s reload"

  # So it is asked at the address of the new file. If it does not answer, the old file is
  # put back, and nginx reloaded.
  verify {
    command = "curl -fsS --max-time 2 http://$(awk '/listen/ { print $2 }' conf.d/web.conf)/alive"
    within  = "3s"
  }

  # Changes that come together make one reload: wait until it has been quiet for
  # 100 ms, but never longer than 1 s.
  wait {
    min = "100ms"
    max = "1s"
  }
}

template {
  source      = "web.conf.ctmpl"
  destination = "conf.d/web.conf"
  bundle      = "web"
}
