bundle "features" {
  reload = "echo features >>reloads"
}

template {
  source      = "templates/features.yaml.ctmpl"
  destination = "out/features.yaml"
  bundle      = "features"
  format      = "yaml"
}
