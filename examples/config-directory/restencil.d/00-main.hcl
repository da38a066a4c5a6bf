# What is for all. Paths are relative to the directory that restencil is started in.
# Where Consul is comes from CONSUL_HTTP_ADDR.

wait {
  min = "100ms"
  max = "1s"
}
