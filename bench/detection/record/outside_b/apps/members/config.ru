require 'json'
require 'logger'
require 'sinatra/base'
require 'redis'
require 'sidekiq'
require_relative 'jobs'

$stdout.sync = true
LOG = Logger.new($stdout, progname: 'members')

class Members < Sinatra::Base
  set :show_exceptions, false
  set :raise_errors, false
  set :logging, false
  STORE = Redis.new(host: 'cache.tickets.internal', timeout: 2, reconnect_attempts: 0)

  get('/health') { '{"status":"ok"}' }

  get '/members/:id' do
    id = params['id'].to_i
    halt 404, 'no such member' if id > 500
    visits = STORE.incr("member:#{id}")
    File.write("/srv/tickets/data/card-#{id}.txt", "member #{id}, visit #{visits}\n" * 20) if (id % 4).zero?
    Welcome.perform_async(id) if (id % 3).zero?
    LOG.info("member #{id} shown, visit #{visits}")
    card = MEMBER_CARD.call(id)
    JSON.dump(id: id, visits: visits, card: card)
  end

  error do
    failure = env['sinatra.error']
    LOG.error("#{failure.class}: #{failure.message}\n  #{failure.backtrace.first(6).join("\n  ")}")
    status 500
    'sorry'
  end
end
MEMBER_CARD = lambda { |id| "card of #{id}".upcase }
Sidekiq.configure_client { |c| c.redis = { url: 'redis://cache.tickets.internal:6379/2' } }
run Members
