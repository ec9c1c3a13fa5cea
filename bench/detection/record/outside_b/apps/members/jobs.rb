require 'sidekiq'
Sidekiq.configure_server { |c| c.redis = { url: 'redis://cache.tickets.internal:6379/2' } }

class Welcome
  include Sidekiq::Worker
  sidekiq_options retry: 3

  def perform(id)
    sleep 0.03
    logger.info("letter to member #{id} written")
  end
end
