listen '127.0.0.42:8500'
worker_processes 2
timeout 7
