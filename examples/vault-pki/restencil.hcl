# Paths are relative to the directory that restencil is started in. Where Vault
# is and the token come from VAULT_ADDR and VAULT_TOKEN.

vault {
  # A certificate is replaced after two thirds of its life: the rest is for all
  # that can go wrong. The default is 0.9.
  lease_renewal_threshold = 0.66
}

# The three files come from one certificate, and are replaced together. nginx is
# told after that, and once.
bundle "tls" {
  check = "nginx -t -q -p . -c nginx.conf"

  # nginx cannot run before it has its first certificate.
  reload = "test ! -s nginx.pid || nginx -p . -c nginx.conf -s reload"

  # A client that knows the root alone must be content. If it is not, the old
  # files are put back, and nginx is told again.
  verify {
    command = "curl -s --noproxy '*' --cacert root.pem --connect-to ::$LISTEN https://web.example/"
  }
}

template {
  source      = "cert.pem.ctmpl"
  destination = "tls/cert.pem"
  bundle      = "tls"
  format      = "x509" # not expired, and one of a pair with the key
}

template {
  source      = "key.pem.ctmpl"
  destination = "tls/key.pem"
  bundle      = "tls"
  format      = "x509"
  perms       = 0600
}

template {
  source      = "chain.pem.ctmpl"
  destination = "tls/chain.pem"
  bundle      = "tls"
  format      = "x509"
}
