package bench

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/binary"
)

var soak = flag.Duration("soak", 0, "how long to soak; zero skips it")

// What a soak has.
const (
	soakKeys      = 20_000 // in as many templates as there are thousands
	soakServices  = 1000   // in as many templates as there are hundreds
	soakInstances = 2      // of each service
	keysEach      = 1000
	servicesEach  = 100
)

// TestSoak has restencil keep many keys and services on one agent with default
// limits, while five keys and a service change each second, and sees that it
// stays within its connections and its memory and loses nothing.
func TestSoak(t *testing.T) {
	needSoak(t)
	us := program{name: restencil, path: binary.Path(t)}
	keepTemp(t)
	w := soaking()
	s := newSetup(t, newAgent(t, us, w), us, w)
	s.start()
	peak := s.peakConnections()
	began := time.Now()
	s.ready()
	t.Logf("rendered after %s, with %s of CPU", duration(time.Since(began)), duration(s.process.cpu()))

	resident := s.disturb(*soak)
	s.sameAsStore()
	held := peak()
	t.Logf("%d changes, %s of CPU, %.0f connections", s.value, duration(s.process.cpu()), held)
	if most := 150.0; held > most {
		t.Errorf("%.0f connections at once, at most %.0f", held, most)
	}
	checkFlat(t, resident)
}

// TestGrowth sees that twenty times the keys take at most twenty times the CPU
// and the memory.
func TestGrowth(t *testing.T) {
	needSoak(t)
	const few, times = 1000, 20
	us := program{name: restencil, path: binary.Path(t)}
	keepTemp(t)
	small, large := typical(t, us, manyKeys(few)), typical(t, us, manyKeys(times*few))
	for _, f := range []figure{cpuTime, memory} {
		t.Logf("%s: %s for %d keys, %s for %d", f, f.text(small[f]), few, f.text(large[f]), times*few)
		if large[f] > times*small[f] {
			t.Errorf("%s grows faster than the keys", f)
		}
	}
}

// typical returns the figures of some starts.
func typical(t *testing.T, p program, w workload) figures {
	t.Helper()
	var all []figures
	for range 5 {
		all = append(all, starts{work: w}.one(t, p, false))
	}
	return figures{cpuTime: betterHalf(valuesOf(cpuTime, all)), memory: betterHalf(valuesOf(memory, all))}
}

func needSoak(t *testing.T) {
	t.Helper()
	needLinux(t)
	if *soak == 0 {
		t.Skip("takes long: run make soak")
	}
}

func soaking() workload {
	return workload{
		fill: func(s *setup) {
			s.setKeys(soakKeys)
			for i := range soakServices {
				s.setInstances(serviceName(i), soakInstances)
			}
		},
		templates: func(s *setup) []tmpl {
			var all []tmpl
			for i := range soakKeys / keysEach {
				all = append(all, tmpl{text: s.keysText(i), file: s.file(fmt.Sprint("keys-", i))})
			}
			for i := range soakServices / servicesEach {
				all = append(all, tmpl{text: servicesText(i), file: s.file(fmt.Sprint("services-", i))})
			}
			return all
		},
		rendered: func(s *setup, most time.Duration) bool {
			files, content := s.stored()
			return allArrive(most, files, func(i int) string { return content[i] })
		},
	}
}

func (s *setup) keysText(part int) string {
	var b strings.Builder
	for i := range keysEach {
		b.WriteString(callKey(s.key(part*keysEach+i)) + "\n")
	}
	return b.String()
}

func servicesText(part int) string {
	var b strings.Builder
	for i := range servicesEach {
		fmt.Fprintf(&b, "{{ range service %q }}%s{{ end }}", serviceName(part*servicesEach+i), server)
	}
	return b.String()
}

// disturb makes changes for that long, and returns what was resident after
// each second.
func (s *setup) disturb(long time.Duration) (resident []float64) {
	const keysASecond = 5
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for end := time.Now().Add(long); time.Now().Before(end); {
		for range keysASecond {
			s.put(s.key(rand.IntN(soakKeys)))
		}
		s.value++
		i := s.instance(serviceName(rand.IntN(soakServices)), rand.IntN(soakInstances), 10_000+s.value)
		s.apply(api.TxnOps{i.setService()})
		<-second.C
		resident = append(resident, s.process.memory())
	}
	return resident
}

// sameAsStore fails the test unless all files soon hold what the store does.
func (s *setup) sameAsStore() {
	s.t.Helper()
	const soon = 10 * time.Second
	files, content := s.stored()
	if allArrive(soon, files, func(i int) string { return content[i] }) {
		return
	}
	for i, file := range files {
		got, _ := os.ReadFile(file)
		if string(got) != content[i] {
			s.t.Errorf("%s is not what the store holds", file)
		}
	}
}

// stored returns what the files of a soak have to hold, by the store.
func (s *setup) stored() (files, content []string) {
	s.t.Helper()
	pairs, _, err := s.client.KV().List(s.name+"/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for part := range slices.Chunk(pairs, keysEach) { // in the order of their names
		var b strings.Builder
		for _, p := range part {
			b.WriteString(string(p.Value) + "\n")
		}
		files, content = append(files, s.file(fmt.Sprint("keys-", len(files)))), append(content, b.String())
	}
	for part := range soakServices / servicesEach {
		var b strings.Builder
		for i := range servicesEach {
			b.WriteString(s.storedService(serviceName(part*servicesEach + i)))
		}
		files, content = append(files, s.file(fmt.Sprint("services-", part))), append(content, b.String())
	}
	return files, content
}

func (s *setup) storedService(name string) string {
	s.t.Helper()
	instances, _, err := s.client.Health().Service(name, "", true, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	for _, i := range instances {
		fmt.Fprintf(&b, "server %s:%d\n", i.Service.Address, i.Service.Port)
	}
	return b.String()
}

// checkFlat fails the test where the second half of a soak had more resident
// than the first, by more than the garbage collector may do.
func checkFlat(t *testing.T, resident []float64) {
	t.Helper()
	const slack = 1.15
	half := len(resident) / 2
	first, second := slices.Max(resident[:half]), slices.Max(resident[half:])
	t.Logf("resident: %s at most in the first half, %s in the second", memory.text(first), memory.text(second))
	if second > slack*first {
		t.Error("memory grows")
	}
}
