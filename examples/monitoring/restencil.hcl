# What is watched here; the status is served where -status-addr says.
bundle "web" {
  check   = "! grep -q bogus web.conf"
  command = "true"
}

template {
  source      = "web.conf.ctmpl"
  destination = "web.conf"
  bundle      = "web"
}
