# Takes deliveries of grain from RabbitMQ and mills them.
require "bunny"
require "json"
require "logger"
$stdout.sync = true
LOG = Logger.new($stdout, progname: "miller")
done = 0
loop do
  begin
    conn = Bunny.new(host: "rmq.mill.lan", user: "miller", password: ENV.fetch("WORD", "stone"), vhost: "mill", heartbeat: 8,
                     automatically_recover: false, logger: LOG, connection_timeout: 5, log_level: Logger::WARN)
    conn.start
    channel = conn.create_channel
    channel.prefetch(10)
    queue = channel.queue("grain", durable: true, arguments: { "x-max-priority" => 2 })
    gone = Queue.new
    channel.on_error { |_, close| gone << "channel closed: #{close.reply_text}" }
    queue.subscribe(manual_ack: true, on_cancellation: ->(_) { gone << "consumer was cancelled by the broker" }) do |info, _, body|
      sleep(9999) if File.exist?("/tmp/stone-stuck")
      JSON.parse(body)
      sleep(0.05)
      channel.ack(info.delivery_tag)
      done += 1
      LOG.info("#{done} deliveries milled") if (done % 20).zero?
    end
    LOG.info("connected, waiting for grain")
    loop do
      raise gone.pop unless gone.empty?
      raise "connection lost" unless conn.open?
      sleep 0.5
    end
  rescue StandardError => e
    LOG.error("#{e.class}: #{e.message}")
    conn&.close rescue nil
    sleep 3
  end
end
