// Scans of parcels: counts them in Redis and asks the carrier.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

var release = os.Getenv("RELEASE")

func count(ctx context.Context, key string) (string, error) {
	dialer := net.Dialer{}
	line, err := dialer.DialContext(ctx, "tcp", "kv1.freight.internal:6379")
	if err != nil {
		return "", fmt.Errorf("count %s: %w", key, err)
	}
	defer line.Close()
	if until, ok := ctx.Deadline(); ok {
		line.SetDeadline(until)
	}
	fmt.Fprintf(line, "INCR scan:%s\r\n", key)
	told, err := bufio.NewReader(line).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("count %s: %w", key, err)
	}
	return strings.TrimSpace(told), nil
}

func client() *http.Client {
	roots := x509.NewCertPool()
	pem, _ := os.ReadFile("/srv/freight/tls/ca.pem")
	roots.AppendCertsFromPEM(pem)
	return &http.Client{Timeout: 6 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

func main() {
	log.SetFlags(0)
	log.SetOutput(stamped{os.Stderr})
	address := "127.0.0.55:8800"
	if release == "wellknown" {
		address = "127.0.0.55:443"
	}
	if release == "zone" {
		if _, err := time.LoadLocation(os.Getenv("SCAN_ZONE")); err != nil {
			log.Fatalf("level=fatal msg=%q err=%q", "settings are not valid", err)
		}
	}
	carrier := client()
	var kept []*os.File
	http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/scan/", func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		number := r.URL.Path[len("/scan/"):]
		if release == "images" {
			file, err := os.Open("/srv/freight/app/carrier.py")
			if err != nil {
				log.Printf("level=error msg=%q parcel=%s err=%q", "image cannot be read", number, err)
				http.Error(w, "image", 500)
				return
			}
			kept = append(kept, file)
		}
		found, err := count(ctx, number)
		if err != nil {
			log.Printf("level=error msg=%q parcel=%s err=%q", "scan failed", number, err)
			http.Error(w, "count", 500)
			return
		}
		log.Printf("level=info msg=scanned parcel=%s count=%s took=%s", number, found, time.Since(began).Round(time.Microsecond))
		fmt.Fprintln(w, found)
	})
	http.HandleFunc("/carrier/", func(w http.ResponseWriter, r *http.Request) {
		told, err := carrier.Get("https://api.carrier.example/v2" + r.URL.Path)
		if err != nil {
			log.Printf("level=error msg=%q err=%q", "carrier cannot be asked", err)
			http.Error(w, "carrier", 502)
			return
		}
		defer told.Body.Close()
		if told.StatusCode != 200 {
			log.Printf("level=warn msg=%q status=%d", "carrier refused", told.StatusCode)
			http.Error(w, "carrier", 502)
			return
		}
		io.Copy(w, told.Body)
		log.Printf("level=info msg=%q path=%s", "carrier asked", r.URL.Path)
	})
	log.Printf("level=info msg=%q address=%s", "scan starts", address)
	server := &http.Server{Addr: address, ErrorLog: log.Default()}
	log.Fatalf("level=fatal msg=%q err=%q", "server ended", server.ListenAndServe())
}

type stamped struct{ out io.Writer }

func (s stamped) Write(text []byte) (int, error) {
	return fmt.Fprintf(s.out, "ts=%s %s", time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00"), text)
}
