# The application: an nginx for each instance, which answers with its number and the
# Authorization header of the request. On your system this is the job that you have.
job "web" {
  update {
    health_check     = "task_states"
    min_healthy_time = "0s"
  }

  group "web" {
    count = 2

    network {
      port "http" {}
    }

    service {
      name     = "web"
      port     = "http"
      provider = "nomad"
    }

    task "web" {
      driver = "raw_exec"

      config {
        command = "nginx"
        args    = ["-p", "${NOMAD_TASK_DIR}", "-c", "nginx.conf"]
      }

      template {
        destination = "local/nginx.conf"
        data        = <<-END
          daemon off;
          pid nginx.pid;
          error_log stderr;
          events {}
          http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            server {
              listen {{ env "NOMAD_ADDR_http" }};
              return 200 "{{ env "NOMAD_ALLOC_INDEX" }} $http_authorization\n";
            }
          }
        END
      }

      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
