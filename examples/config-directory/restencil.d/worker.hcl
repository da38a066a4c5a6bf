bundle "worker" {
  reload = "echo worker >>reloads"
}

template {
  source      = "templates/worker.toml.ctmpl"
  destination = "out/worker.toml"
  bundle      = "worker"
  format      = "toml"
}
