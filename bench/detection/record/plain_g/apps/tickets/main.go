// Tickets of the help desk: net/http and the standard library's log. argv: address, folder.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	address, folder := os.Args[1], os.Args[2]
	log.SetFlags(log.LstdFlags | log.Lmsgprefix)
	log.SetPrefix("tickets: ")
	http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/tickets/new", func(w http.ResponseWriter, r *http.Request) {
		file, err := os.CreateTemp(folder, "ticket-*.txt")
		if err == nil {
			_, err = file.Write(make([]byte, 2000))
			file.Close()
		}
		if err != nil {
			log.Printf("error: cannot store ticket: %v", err)
			http.Error(w, "cannot store ticket", http.StatusInternalServerError)
			return
		}
		log.Printf("stored %s", filepath.Base(file.Name()))
	})
	http.HandleFunc("/tickets/", func(w http.ResponseWriter, r *http.Request) {
		found, err := os.ReadDir(folder)
		if err != nil {
			log.Printf("error: cannot list tickets: %v", err)
			http.Error(w, "cannot list tickets", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, len(found))
	})
	log.Printf("listening on %s", address)
	log.Fatal(http.ListenAndServe(address, nil))
}
