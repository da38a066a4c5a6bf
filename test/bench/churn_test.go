package bench

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// Churn measures what it costs that services change which nobody uses, and how
// soon those that are used are seen to change meanwhile; one program after
// another, each on an agent of its own.
type churn struct {
	work  workload
	nodes int
}

func (m churn) measure(t *testing.T, all []program) map[string]figures {
	of := make(map[string]figures)
	for _, p := range m.work.programs(all) {
		of[p.name] = m.one(t, p)
	}
	return of
}

func (m churn) one(t *testing.T, p program) figures {
	agent := newAgent(t, p, m.work)
	defer agent.Kill()
	s := newSetup(t, agent, p, m.work)
	const others = 100
	for i := range others {
		s.apply(s.instance(otherName(i), 0, 80).register())
	}
	s.start()
	defer s.process.end()
	peak := s.peakConnections()
	if !m.work.rendered(s, m.work.longest()) {
		return figures{timeTaken: math.Inf(1), memory: s.process.peakMemory(), connections: peak()}
	}
	s.process.settle()

	stop, stopped := make(chan struct{}), make(chan struct{})
	defer func() {
		close(stop)
		<-stopped
	}()
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				if ok, _, _, err := s.client.Txn().Txn(s.other(n, others), nil); err != nil || !ok {
					t.Errorf("changing other services: %v", err)
				}
			}
		}
	}()
	span := time.Duration(times(20)) * time.Second
	time.Sleep(span / 4)
	began, slowest := time.Now(), time.Duration(0)
	cpu, agentBefore, answered := s.process.cpu(), cpuOf(agent.PID()), s.answered()
	for n := 0; time.Since(began) < span; n++ {
		slowest = max(slowest, s.changeWatched(n, m.work.services))
		time.Sleep(750 * time.Millisecond)
	}
	seconds := time.Since(began).Seconds()
	return figures{
		timeTaken: slowest.Seconds(), memory: s.process.peakMemory(), connections: peak(),
		cpuTime:  (s.process.cpu() - cpu).Seconds() / seconds,
		agentCPU: (cpuOf(agent.PID()) - agentBefore).Seconds() / seconds,
		requests: (s.answered() - answered) / seconds,
	}
}

func otherName(i int) string { return fmt.Sprintf("other-%03d", i) }

// other returns a change of a service that nobody uses: for ten seconds checks
// flip, then instances come and go.
func (s *setup) other(n, others int) api.TxnOps {
	i := s.instance(otherName(n*37%others), 0, 80)
	switch {
	case n/200%2 == 0 && n/others%2 == 0:
		return api.TxnOps{i.setCheck(api.HealthCritical)}
	case n/200%2 == 0:
		return api.TxnOps{i.setCheck(api.HealthPassing)}
	case n/others%2 == 0:
		return api.TxnOps{i.deregister()}
	default:
		return i.register()
	}
}

// changeWatched makes a change of one of so many services, each time of another
// kind, and waits for it.
func (s *setup) changeWatched(n, services int) time.Duration {
	s.t.Helper()
	s.forgetEvents()
	s.value++
	name := serviceName(s.another(services))
	i := s.instance(name, 0, 10_000+s.value)
	right := func(content string) bool { return strings.Contains(content, i.line()) }
	gone := func(content string) bool { return !strings.Contains(content, i.line()) }
	steps := [][]*api.TxnOp{{i.setService()}, {i.setCheck(api.HealthCritical)}, {i.setCheck(api.HealthPassing)}}
	then := []func(string) bool{right, gone, right}
	switch n % 2 {
	case 1:
		fresh := s.instance(name, 7, 30_000+s.value)
		i = fresh
		tagged := fresh
		tagged.tag = fmt.Sprint("v", s.value)
		steps = [][]*api.TxnOp{fresh.register(), {tagged.setService()}, {fresh.deregister()}}
		then = []func(string) bool{right, func(content string) bool { return strings.Contains(content, i.line()+" http "+tagged.tag) }, gone}
	}
	slowest := time.Duration(0)
	for j, ops := range steps {
		begun := time.Now()
		s.apply(ops)
		s.arrives(s.file("out"), then[j])
		slowest = max(slowest, time.Since(begun))
	}
	return slowest
}
