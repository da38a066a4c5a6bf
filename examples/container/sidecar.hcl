# Beside nginx, in a container of its own. Both have the directory /shared, the
# process namespace and the user. nginx includes /shared/web.conf, and its PID file is
# /shared/nginx.pid. Consul's address comes from CONSUL_HTTP_ADDR.
template {
  source      = "/etc/restencil/web.conf.ctmpl"
  destination = "/shared/web.conf"

  # nginx may start later than restencil. There is nothing to reload then.
  command = "test ! -s /shared/nginx.pid || kill -HUP $(cat /shared/nginx.pid)"
}
