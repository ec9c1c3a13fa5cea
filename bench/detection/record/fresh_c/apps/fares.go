// Fares of a ferry: asks the carrier's API for each price. Arguments: name, address.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

type quote struct {
	Route string  `json:"route"`
	Price float64 `json:"price"`
}

var client *http.Client

func ask(route string) (quote, error) {
	var got quote
	answer, err := client.Get("https://api.carrier.example:8443/v2/price?route=" + route)
	if err != nil {
		return got, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil {
		return got, fmt.Errorf("reading price: %w", err)
	}
	if answer.StatusCode != 200 {
		return got, fmt.Errorf("carrier answered %s: %s", answer.Status, strings.TrimSpace(string(body)))
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return got, fmt.Errorf("carrier's answer cannot be read: %w", err)
	}
	return got, nil
}

func fares(w http.ResponseWriter, r *http.Request) {
	route := strings.TrimPrefix(r.URL.Path, "/fares/")
	began := time.Now()
	got, err := ask(route)
	if err != nil {
		log.Printf("level=error route=%s took=%s err=%q", route, time.Since(began).Round(time.Millisecond), err)
		http.Error(w, `{"error":"no price"}`, http.StatusBadGateway)
		return
	}
	if _, err := os.Stat("/tmp/verbose-cookies"); err == nil {
		w.Header().Set("Set-Cookie", "basket="+strings.Repeat("a1b2c3d4", 2400))
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(got)
	log.Printf("level=info route=%s price=%.2f took=%s", route, got.Price, time.Since(began).Round(time.Millisecond))
}

func upload(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		log.Printf("level=warn upload err=%q", err)
		return
	}
	w.WriteHeader(201)
	fmt.Fprintf(w, `{"bytes":%d}`, n)
}

func main() {
	pem, err := os.ReadFile("/etc/ssl/ferry-ca.pem")
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client = &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true,
	}}
	http.HandleFunc("/fares/", fares)
	http.HandleFunc("/upload", upload)
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	log.Printf("level=info %s listening on %s", os.Args[1], os.Args[2])
	log.Fatal((&http.Server{Addr: os.Args[2]}).ListenAndServe())
}
