bundle "prometheus" {
  check  = "promtool check config out/prometheus/prometheus.yml"
  reload = "echo prometheus >>reloads"
}

template {
  source      = "templates/prometheus.yml.ctmpl"
  destination = "out/prometheus/prometheus.yml"
  bundle      = "prometheus"
}

template {
  source      = "templates/alerts.yml.ctmpl"
  destination = "out/prometheus/alerts.yml"
  bundle      = "prometheus"
}
