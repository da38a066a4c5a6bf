# What each of the hosts has. At most two reload at a time; one whose reload fails stops
# the others, until somebody says that they may go on.
bundle "web" {
  command  = "./reload web.conf"
  rollback = true

  rolling {
    limit           = 2
    key             = "restencil/web"
    stop_on_failure = true
  }
}

template {
  contents    = "workers {{ key \"web/workers\" }}\n"
  destination = "web.conf"
  bundle      = "web"
}
