# Berths of a harbour in PostgreSQL, read by name and by number.
require "pg"
require "connection_pool"
require "json"
require "logger"

LOG = Logger.new($stdout)
$stdout.sync = true
WORD = ENV.fetch("PGWORD", "tide")
Line = Struct.new(:conn)
POOL = ConnectionPool.new(size: 5, timeout: 3) { Line.new(nil) }

def connect
  PG.connect(host: "pgmain.harbor.lan", dbname: "harbor", user: "berths", password: WORD, connect_timeout: 3,
             sslmode: ENV.fetch("SSLMODE", "disable"), sslrootcert: ENV.fetch("ROOTCERT", "none"), application_name: "berths")
end

def ask(text, *values)
  POOL.with do |line|
    begin
      line.conn ||= connect
      line.conn.exec_params(text, values).to_a
    rescue PG::UnableToSend, PG::ConnectionBad, PG::AdminShutdown
      line.conn&.close unless line.conn&.finished?
      line.conn = nil
      raise
    end
  end
end

def answer(request)
  case [request.request_method, request.path_info]
  in ["POST", "/calls"]
    body = JSON.parse(request.body.read)
    [201, ask("insert into calls (ship, note) values ($1, $2) returning id", body["customer"], body["note"])]
  in ["GET", %r{\A/ships/(\d+)\z}]
    found = ask("select id, name, tonnage from ships where id = $1", $1.to_i)
    found.empty? ? [404, { error: "no such ship" }] : [200, found]
  in ["GET", "/lately"]
    [200, ask("select ship, count(*) from calls where id > (select max(id) - 200 from calls) group by ship limit 10")]
  else
    [404, { error: "not found" }]
  end
end

app = lambda do |env|
  request = Rack::Request.new(env)
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  begin
    status, body = answer(request)
  rescue PG::Error, ConnectionPool::TimeoutError => e
    LOG.error("#{e.class}: #{e.message.strip} (#{request.request_method} #{request.path_info})")
    e.backtrace.to_a.first(4).each { |each| LOG.error("  #{each}") } if rand < 0.2
    status, body = 500, { error: "internal" }
  end
  took = ((Process.clock_gettime(Process::CLOCK_MONOTONIC) - started) * 1000).round(1)
  LOG.info("#{request.request_method} #{request.path_info} #{status} #{took}ms")
  [status, { "Content-Type" => "application/json" }, [JSON.generate(body)]]
end
run app
