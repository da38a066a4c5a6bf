# Paths are relative to the directory that restencil is started in.

consul {
  # An agent of one datacenter is enough: its servers ask those of the others.
  address = "127.0.0.1:8500" # -consul-addr wins over this
}

template {
  source      = "web.conf.ctmpl"
  destination = "web.conf"
}
