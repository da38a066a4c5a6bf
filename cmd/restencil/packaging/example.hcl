# restencil reads all files of this directory, in the order of their names.
# "systemctl reload restencil" reads them again.

# consul {
#   address = "127.0.0.1:8500"
#   token_file = "/etc/restencil/consul.token"
# }

# template {
#   source      = "/etc/restencil/templates/app.conf.ctmpl"
#   destination = "/run/restencil/app.conf"
# }

# The unit may write in /run/restencil only. For a file elsewhere and for the reload
# of another service it needs a drop-in: /usr/share/restencil/nginx.conf
# is one.
