# Paths are relative to the directory that restencil is started in. Where Nomad is and the
# token come from NOMAD_ADDR and NOMAD_TOKEN; policy.nomad.hcl has what the token needs.

# How long a request may wait for news; then it is made again, which shows a right that the
# token has lost.
block_query_wait = "5s"

bundle "web" {
  check  = "nginx -t -q -p . -c nginx.conf"
  reload = "nginx -p . -c nginx.conf -s reload"

  wait {
    min = "100ms"
    max = "1s"
  }
}

template {
  source      = "web.conf.ctmpl"
  destination = "conf.d/web.conf"
  perms       = "0640" # it has a password
  bundle      = "web"
}
