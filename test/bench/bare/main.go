// Bare does what must be done to keep files in step with a Consul, and nothing
// else: a blocking query, a durable write and a rename, again and again. It is
// what the benchmarks hold restencil against.
//
//	bare key URL FILE      the value of a key
//	bare files URL FILE... the same, in many files
//	bare tree URL FILE     the values of all keys below a prefix
//	bare service URL FILE  the addresses and ports of a service's instances
//
// It is a program of its own, since one that shared its code with the
// benchmark would find it warm in the processor's caches whenever it wakes.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: bare key|files|tree|service URL FILE...")
	}
	log.Fatal(follow(os.Args[1], os.Args[2], os.Args[3:]))
}

// follow keeps the files in step with what url answers, until that fails.
func follow(kind, url string, files []string) error {
	content, ok := map[string]func(body []byte) ([]byte, error){
		"key": key, "files": key, "tree": tree, "service": service,
	}[kind]
	if !ok {
		return fmt.Errorf("there is no %q", kind)
	}
	if kind == "tree" {
		url += "?recurse"
	}
	// Over loopback, compressing takes longer than sending.
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	for index := "0"; ; {
		body, next, err := query(client, url, index)
		if err != nil {
			return err
		}
		if next != index {
			text, err := content(body)
			if err != nil {
				return err
			}
			if err := writeAll(files, text); err != nil {
				return err
			}
		}
		index = next
	}
}

// query returns an answer that is newer than index, or after a minute the
// same, and its index.
func query(client *http.Client, url, index string) (body []byte, next string, err error) {
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	resp, err := client.Get(url + separator + "wait=60s&index=" + index)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return body, resp.Header.Get("X-Consul-Index"), err
}
