bundle "agent" {
  reload = "echo agent >>reloads"
}

template {
  source      = "templates/agent.hcl.ctmpl"
  destination = "out/agent.hcl"
  bundle      = "agent"
  format      = "hcl"
}
