bundle "haproxy" {
  check  = "haproxy -c -q -f out/haproxy.cfg"
  reload = "echo haproxy >>reloads"
}

template {
  source      = "templates/haproxy.cfg.ctmpl"
  destination = "out/haproxy.cfg"
  bundle      = "haproxy"

  guard {
    max_shrink = "50%"
  }
}
