bundle "api" {
  reload = "echo api >>reloads"
}

template {
  source      = "templates/api.json.ctmpl"
  destination = "out/api.json"
  bundle      = "api"
  format      = "json"
}
