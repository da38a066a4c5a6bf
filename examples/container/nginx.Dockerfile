# nginx's own image with restencil as its first process: it renders, starts nginx,
# reloads it, and passes on the signals of the engine.
FROM nginx:1.29
COPY --from=restencil /usr/bin/restencil /usr/bin/restencil
COPY web.conf.ctmpl restencil.hcl /etc/restencil/
ENTRYPOINT ["restencil", "-config", "/etc/restencil/restencil.hcl"]
STOPSIGNAL SIGTERM
