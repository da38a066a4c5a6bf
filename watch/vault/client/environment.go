package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"restencil/watch/transport"
)

const defaultAddress = "https://127.0.0.1:8200"

// An environment is the values of the VAULT_* variables of Vault's own library
// (COMPAT 1.8).
type environment struct {
	address    string // "" if not set
	timeout    time.Duration
	resends    int           // how often a request is sent again
	limiter    *rate.Limiter // or nil
	srv        bool          // look up a host without a port in DNS
	noRedirect bool
	wrapTTL    string // of wrapped answers; "" for no wrapping
	header     http.Header
}

func readEnvironment(getenv func(string) string) (environment, error) {
	e := environment{
		address: cmp.Or(getenv("VAULT_AGENT_ADDR"), getenv("VAULT_ADDR")),
		timeout: time.Minute,
		resends: 2,
		wrapTTL: getenv("VAULT_WRAP_TTL"),
		header:  http.Header{"X-Vault-Request": {"true"}},
	}
	if namespace := getenv("VAULT_NAMESPACE"); namespace != "" {
		e.header.Set("X-Vault-Namespace", namespace)
	}
	var ignored bool // Options.TLS has it
	for name, parse := range map[string]func(text string) error{
		"VAULT_CLIENT_TIMEOUT": func(text string) (err error) {
			e.timeout, err = parseTimeout(text)
			return err
		},
		"VAULT_DISABLE_REDIRECTS": parseBool(&e.noRedirect),
		"VAULT_HEADERS":           e.addHeaders,
		"VAULT_MAX_RETRIES": func(text string) error {
			n, err := strconv.ParseUint(text, 10, 31)
			e.resends = int(n)
			return err
		},
		"VAULT_RATE_LIMIT": func(text string) error { // requests a second, perhaps with :burst
			perSecond, atOnce, both := strings.Cut(text, ":")
			limit, err := strconv.ParseFloat(perSecond, 64)
			burst := int(limit)
			if both && err == nil {
				burst, err = strconv.Atoi(atOnce)
			}
			e.limiter = rate.NewLimiter(rate.Limit(limit), burst)
			return err
		},
		"VAULT_SKIP_VERIFY": parseBool(&ignored),
		"VAULT_SRV_LOOKUP":  parseBool(&e.srv),
	} {
		if text := getenv(name); text != "" {
			if err := parse(text); err != nil {
				return e, fmt.Errorf("error encountered setting up default configuration: could not parse %s: %w", name, err)
			}
		}
	}
	return e, nil
}

func parseBool(to *bool) func(string) error {
	return func(text string) (err error) {
		*to, err = strconv.ParseBool(text)
		return err
	}
}

// parseTimeout parses a duration, or a number of seconds, or of days as in 1d. Zero
// means a minute.
func parseTimeout(text string) (time.Duration, error) {
	timeout, err := time.ParseDuration(text)
	if n, notSeconds := strconv.Atoi(text); notSeconds == nil {
		timeout, err = time.Duration(n)*time.Second, nil
	} else if n, notDays := strconv.Atoi(strings.TrimSuffix(text, "d")); notDays == nil {
		timeout, err = time.Duration(n)*24*time.Hour, nil
	}
	return cmp.Or(timeout, time.Minute), err
}

// addHeaders adds a JSON object of headers. Its values may be secret.
func (e *environment) addHeaders(text string) error {
	var own map[string]string
	if json.Unmarshal([]byte(text), &own) != nil {
		return errors.New("it is not a JSON object of strings")
	}
	for name, value := range own {
		if strings.HasPrefix(name, "X-Vault-") {
			return fmt.Errorf("header %s is reserved for Vault", name)
		}
		e.header.Add(name, value)
	}
	return nil
}

// tlsFromEnv returns o with zero fields set from the environment, except
// SkipVerify.
func tlsFromEnv(o transport.TLS, getenv func(string) string) transport.TLS {
	if o.Cert == "" && o.Key == "" {
		o.Cert, o.Key = getenv("VAULT_CLIENT_CERT"), getenv("VAULT_CLIENT_KEY")
	}
	o.CACert = cmp.Or(o.CACert, getenv("VAULT_CACERT"))
	o.CACertBytes = cmp.Or(o.CACertBytes, getenv("VAULT_CACERT_BYTES"))
	o.CAPath = cmp.Or(o.CAPath, getenv("VAULT_CAPATH"))
	o.ServerName = cmp.Or(o.ServerName, getenv("VAULT_TLS_SERVER_NAME"))
	return o
}
