# The files of all sites are one bundle: nginx is reloaded once for each change, and only
# with files that it accepts. A mistake that takes more than two sites away is held.
bundle "sites" {
  check   = "nginx -p . -c nginx.conf -t -q"
  command = "nginx -p . -c nginx.conf -s reload && echo reloaded >>reloads"

  guard {
    max_removed = 2
  }
}

template {
  for_each    = "ls \"sites\""
  source      = "site.conf.ctmpl"
  destination = "sites/{{ .Key }}.conf"
  bundle      = "sites"
}
