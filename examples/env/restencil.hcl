# The site is configured by its environment alone: no file of settings, and nothing of
# the secret on disk. When a variable changes, gunicorn is ended and started again.
exec {
  command     = ["/usr/bin/gunicorn", "site_of_env:application"]
  kill_signal = "SIGTERM"

  env_template "SITE_TITLE" {
    contents = "{{ key \"site/title\" }}"
  }
  env_template "SITE_HOSTS" {
    contents = "{{ range service \"site\" }}{{ .Address }} {{ end }}127.0.0.1"
  }
  env_template "SITE_SECRET_KEY" {
    contents = "{{ key \"site/secret_key\" }}"
  }
}
