# A list that no mistake is to empty.
bundle "hosts" {
  reload = "echo hosts >>reloads"

  guard {
    not_empty = true
  }
}

template {
  source      = "templates/hosts.ctmpl"
  destination = "out/hosts"
  bundle      = "hosts"
}
