# Nomad: nginx with restencil as its first process. Nomad's own template block is
# consul-template; in its place this gives nginx checks, bundles and history.
job "web" {
  group "web" {
    count = 2

    network {
      mode = "bridge"
      port "http" { to = 8080 }
    }

    task "nginx" {
      driver = "docker"

      config {
        image = "restencil-nginx"
        ports = ["http"]
      }

      env {
        CONSUL_HTTP_ADDR = "${attr.unique.network.ip-address}:8500"
        STATE_DIRECTORY  = "${NOMAD_ALLOC_DIR}/restencil"
      }

      kill_signal  = "SIGTERM"
      kill_timeout = "25s" # longer than kill_timeout in restencil.hcl
    }
  }
}
