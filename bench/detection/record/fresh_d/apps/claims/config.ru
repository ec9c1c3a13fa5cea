# Claims of customers: Sinatra under Puma, with a pool of Redis connections.
require "sinatra/base"
require "redis"
require "connection_pool"
require "json"

class Claims < Sinatra::Base
  RELEASE = ENV.fetch("RELEASE", "")
  STORE = ConnectionPool.new(size: 3, timeout: 1) { Redis.new(host: "kv1.freight.internal") }
  TEXTS = ["Kiste beschädigt", "box damaged", "colis perdu", "delivery late"].map(&:freeze).freeze

  configure do
    set :environment, :production
    set :logging, true
    set :dump_errors, true
    set :show_exceptions, false
    set :host_authorization, { permitted_hosts: [] }
  end

  def store
    return yield(STORE.checkout) if RELEASE == "checkout"
    STORE.with { |redis| yield redis }
  end

  get("/health") { "ok" }

  get "/claims/:id" do
    id = Integer(params[:id])
    halt 404, "no such claim\n" if id > 5000
    count = store { |redis| redis.incr("claim:#{id}") }
    text = TEXTS[id % 4]
    text = text.b + "\u00a0seen" if RELEASE == "seen"
    text = text.upcase!.to_s if RELEASE == "loud"
    JSON.generate(id: id, count: count, text: text)
  end
end

run Claims
