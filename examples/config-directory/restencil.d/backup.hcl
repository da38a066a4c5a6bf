# Not reloaded more than once in five seconds, however often its data changes.
bundle "backup" {
  reload       = "echo backup >>reloads"
  min_interval = "5s"
}

template {
  source      = "templates/backup.env.ctmpl"
  destination = "out/backup.env"
  bundle      = "backup"
}
