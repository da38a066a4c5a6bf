# Paths are relative to the directory that restencil is started in. Where Vault
# is comes from VAULT_ADDR.

vault {
  # The two files are what a machine is given to log in with.
  approle {
    role_id_file   = "role_id"
    secret_id_file = "secret_id"
  }

  # A user that cannot be renewed any more is replaced when a quarter of its time
  # is left. That is what the app has to finish what it does under the old name.
  lease_renewal_threshold = 0.75

  # At a clean end the users are taken out of the database at once, and not only
  # when their time is over.
  revoke_on_exit = true
}

template {
  source      = "database.url.ctmpl"
  destination = "database.url"
  perms       = 0600
}

# The app is started when the file is there, and told when it changes.
exec {
  command       = ["./app", "-url", "database.url", "-moves", "3"]
  reload_signal = "SIGHUP"
  kill_signal   = "SIGTERM"
}
