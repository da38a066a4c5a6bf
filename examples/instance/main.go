// Instance plays a container and the registrar beside it. For each port that the
// container exposes, it listens on a free port of loopback, and registers that with
// Consul under the name and the tags that a container registrar gives it. Asked to
// end, it deregisters, goes on answering until nobody has asked for a second, and
// ends.
//
// These variables of its environment count, as those of a container do; PORT is one of
// the exposed ports, and its variable comes before the one without.
//
//	SERVICE_NAME, SERVICE_PORT_NAME   the name, instead of the image's
//	SERVICE_TAGS, SERVICE_PORT_TAGS   tags, with commas between them
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/consul/api"
)

const (
	idle = time.Second      // without a request, after which an instance may end
	most = 20 * time.Second // until it ends all the same
)

func main() {
	name := flag.String("name", "", "the container's `name`, which it answers with")
	image := flag.String("image", "web", "its `image`, which names the service")
	ports := flag.String("ports", "80", "the `ports` that it exposes, with commas between them")
	down := flag.String("down", "", "fail the health check while this `file` exists")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *name, *image, strings.Split(*ports, ","), *down); err != nil {
		fmt.Fprintf(os.Stderr, "instance %s: %v\n", *name, err)
		os.Exit(1)
	}
}

// run is the life of an instance, until ctx ends.
func run(ctx context.Context, name, image string, ports []string, down string) error {
	consul, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	page := &page{name: name, down: down}
	server := &http.Server{Handler: page.handler()}
	ended := make(chan error, len(ports))
	var ids []string
	for _, port := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go func() { ended <- server.Serve(listener) }()
		service := registration(host, name, image, port, len(ports) > 1)
		service.Port = listener.Addr().(*net.TCPAddr).Port
		service.Check.HTTP = fmt.Sprintf("http://127.0.0.1:%d/health", service.Port)
		if err := consul.Agent().ServiceRegister(service); err != nil {
			return fmt.Errorf("registering %s: %w", service.Name, err)
		}
		ids = append(ids, service.ID)
	}
	<-ctx.Done()
	for _, id := range ids {
		err = errors.Join(err, consul.Agent().ServiceDeregister(id))
	}
	if err == nil { // else Consul has ended, and with it the demonstration
		page.waitIdle()
	}
	server.Close()
	for range ports {
		<-ended
	}
	return nil
}

// registration returns what a registrar tells Consul of an exposed port. With
// several ports, the port is a part of the name.
func registration(host, name, image, port string, several bool) *api.AgentServiceRegistration {
	service := cmp.Or(os.Getenv("SERVICE_NAME"), path.Base(image))
	if several {
		service += "-" + port
	}
	var tags []string
	if list := cmp.Or(os.Getenv("SERVICE_"+port+"_TAGS"), os.Getenv("SERVICE_TAGS")); list != "" {
		tags = strings.Split(list, ",")
	}
	return &api.AgentServiceRegistration{
		ID:      host + ":" + name + ":" + port,
		Name:    cmp.Or(os.Getenv("SERVICE_"+port+"_NAME"), service),
		Tags:    tags,
		Address: "127.0.0.1",
		Check:   &api.AgentServiceCheck{Interval: "1s", Timeout: "5s", Status: api.HealthPassing},
	}
}

// A page is what an instance serves: its health at /health, and its name elsewhere.
type page struct {
	name, down string
	asked      atomic.Int64 // when it was asked last, in nanoseconds
}

func (p *page) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Store(time.Now().UnixNano())
		io.WriteString(w, p.name+"\n")
	})
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := os.Stat(p.down); err == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	return mux
}

// waitIdle returns when nobody has asked for a while.
func (p *page) waitIdle() {
	begin := time.Now()
	p.asked.CompareAndSwap(0, begin.UnixNano())
	tick := time.NewTicker(idle / 10)
	defer tick.Stop()
	for now := range tick.C {
		if quiet := min(now.Sub(begin), now.Sub(time.Unix(0, p.asked.Load()))); quiet >= idle || now.Sub(begin) >= most {
			return
		}
	}
}
