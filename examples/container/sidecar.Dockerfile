# restencil with the shell and kill of busybox, which the reload of sidecar.hcl needs.
FROM busybox:1.37
COPY --from=restencil / /
COPY web.conf.ctmpl sidecar.hcl /etc/restencil/
USER 101:101
ENV STATE_DIRECTORY=/tmp/restencil
ENTRYPOINT ["restencil", "-config", "/etc/restencil/sidecar.hcl"]
