# Two files that belong together, for a program that runs.
bundle "nginx" {
  check  = "nginx -t -q -p . -c nginx.conf"
  reload = "nginx -p . -c nginx.conf -s reload && echo nginx >>reloads"
}

template {
  source      = "templates/upstreams.conf.ctmpl"
  destination = "out/nginx/upstreams.conf"
  bundle      = "nginx"
}

template {
  source      = "templates/site.conf.ctmpl"
  destination = "out/nginx/site.conf"
  bundle      = "nginx"
}
