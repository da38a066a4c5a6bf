# As the first process of nginx's image. Consul's address comes from CONSUL_HTTP_ADDR.
bundle "nginx" {
  check = "nginx -t"
}

template {
  source      = "/etc/restencil/web.conf.ctmpl"
  destination = "/etc/nginx/conf.d/default.conf"
  bundle      = "nginx"
}

exec {
  command       = ["nginx", "-g", "daemon off;"]
  reload_signal = "SIGHUP"
  kill_signal   = "SIGQUIT" # nginx answers the requests that it has, and ends
  kill_timeout  = "20s"
}
