// Bare is the least that keeps a file in step with a key: a blocking query, a
// durable write and a rename, again and again. It is what the benchmarks hold
// restencil against.
//
//	bare URL FILE
//
// It is a program of its own, since one that shared its code with the
// benchmark would find it warm in the processor's caches whenever it wakes.
package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	log.Fatal(loop(os.Args[1], os.Args[2]))
}

func loop(url, file string) error {
	for index := "0"; ; {
		value, next, err := query(url + "?wait=60s&index=" + index)
		if err != nil {
			return err
		}
		if next != index {
			if err := write(file, value); err != nil {
				return err
			}
		}
		index = next
	}
}

func query(url string) (value []byte, index string, err error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, "", err
	}
	var pairs []struct{ Value string }
	if err := json.Unmarshal(body, &pairs); err != nil {
		return nil, "", err
	}
	value, err = base64.StdEncoding.DecodeString(pairs[0].Value)
	return value, resp.Header.Get("X-Consul-Index"), err
}

func write(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".out-")
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
