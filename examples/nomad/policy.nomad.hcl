namespace "default" {
  capabilities = ["read-job"] # services

  variables {
    path "nomad/jobs/web" {
      capabilities = ["read"]
    }
  }
}
