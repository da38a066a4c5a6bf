# Paths are relative to the directory that restencil is started in. Where Consul is
# comes from CONSUL_HTTP_ADDR.

bundle "web" {
  # What HAProxy does not accept never reaches it.
  check = "haproxy -c -f haproxy.cfg -f conf.d"

  # The master process reads the files again and starts another worker, which takes
  # over the sockets of the old one. The signal says nothing of how that ends.
  reload = "kill -USR2 $(cat haproxy.pid)"

  # So HAProxy is asked at the address of the new file. If it does not answer, the old
  # file is put back, and HAProxy reloaded.
  verify {
    command = "curl -fsS --max-time 2 http://$(awk '/bind/ { print $2 }' conf.d/web.cfg)/alive"
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
  source      = "web.cfg.ctmpl"
  destination = "conf.d/web.cfg"
  bundle      = "web"
}
