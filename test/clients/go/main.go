// One way through a proxy with net/http: go-client -proxy URL [-ca FILE] [-count N] URL.
// Prints one line of JSON: the status and body of the last answer, and how many connections all took.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

type result struct {
	Status      int    `json:"status,omitempty"`
	Body        string `json:"body,omitempty"`
	Connections int64  `json:"connections,omitempty"`
	Error       string `json:"error,omitempty"`
}

func main() {
	proxy := flag.String("proxy", "", "http://… or socks5://…")
	ca := flag.String("ca", "", "PEM file of the CA to trust")
	count := flag.Int("count", 1, "how many requests, one after the other")
	flag.Parse()

	answer, err := get(*proxy, *ca, flag.Arg(0), *count)
	if err != nil {
		answer.Error = err.Error()
	}
	json.NewEncoder(os.Stdout).Encode(answer)
}

func get(proxy, ca, target string, count int) (answer result, err error) {
	proxyURL, err := url.Parse(proxy)
	if err != nil {
		return answer, err
	}
	roots := x509.NewCertPool()
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return answer, err
		}
		if !roots.AppendCertsFromPEM(pem) {
			return answer, fmt.Errorf("no certificate in %s", ca)
		}
	}

	var connections atomic.Int64
	var dialer net.Dialer
	client := &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			Proxy:           http.ProxyURL(proxyURL),
			TLSClientConfig: &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				connections.Add(1)
				return dialer.DialContext(ctx, network, address)
			},
		},
	}
	for range make([]struct{}, count) {
		response, err := client.Get(target)
		if err != nil {
			return answer, err
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return answer, err
		}
		answer.Status, answer.Body = response.StatusCode, string(body)
	}
	answer.Connections = connections.Load()
	return answer, nil
}
