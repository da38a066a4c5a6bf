package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// key returns the value of the only key of an answer.
func key(body []byte) ([]byte, error) {
	var pairs []struct{ Value []byte } // base64, which is what json takes bytes for
	if err := json.Unmarshal(body, &pairs); err != nil {
		return nil, err
	}
	return pairs[0].Value, nil
}

// tree returns the values of an answer, a line each.
func tree(body []byte) ([]byte, error) {
	var pairs []struct{ Value []byte }
	if err := json.Unmarshal(body, &pairs); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, p := range pairs {
		b.Write(p.Value)
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// service returns the instances of an answer, a line each.
func service(body []byte) ([]byte, error) {
	var instances []struct {
		Service struct {
			Address string
			Port    int
		}
	}
	if err := json.Unmarshal(body, &instances); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, i := range instances {
		fmt.Fprintf(&b, "server %s:%d\n", i.Service.Address, i.Service.Port)
	}
	return b.Bytes(), nil
}
