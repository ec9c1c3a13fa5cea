// Lamps of the mill listen on NATS; the beacon publishes and asks, and keeps a stream of alarms.
const { connect, StringCodec } = require('nats')
const winston = require('winston')
const role = process.argv[2]
const log = winston.createLogger({
  level: 'info',
  format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
  defaultMeta: { service: role },
  transports: [new winston.transports.Console()]
})
const code = StringCodec()
const sleep = ms => new Promise(done => setTimeout(done, ms))

async function lamps (nc) {
  const taken = nc.subscribe('lamp.*', { queue: 'lamps' })
  let n = 0
  for await (const message of taken) {
    if (require('fs').existsSync('/tmp/lamps-busy')) { const end = Date.now() + 4000; while (Date.now() < end); }
    message.respond(code.encode('lit'))
    if (++n % 40 === 0) log.info('lamps lit', { count: n })
  }
}

async function beacon (nc) {
  const stream = nc.jetstream()
  const manager = await nc.jetstreamManager()
  await manager.streams.add({ name: 'ALARMS', subjects: ['alarm.>'], max_age: 600e9 }).catch(error => log.warn('stream: ' + error.message))
  for (let n = 0; ; n++) {
    if (nc.isClosed()) throw new Error('connection closed')
    await nc.request(`lamp.${n % 9}`, code.encode(String(n)), { timeout: 2000 }).catch(error => log.error('lamp does not answer', { lamp: n % 9, code: error.code, error: error.message }))
    await stream.publish('alarm.dust', code.encode('dust '.repeat(400)), { timeout: 2000 }).catch(error => log.error('alarm not stored', { code: error.code, error: error.message }))
    if (n % 30 === 0) log.info('beacon turns', { turn: n })
    await sleep(600)
  }
}

(async () => {
  while (true) {
    try {
      const nc = await connect({ servers: 'nats.mill.lan:4222', name: role, user: role, pass: process.env.WORD || 'light', timeout: 4000, reconnect: false, pingInterval: 5000, maxPingOut: 2 })
      nc.closed().then(error => { if (error) log.error('connection to nats lost', { code: error.code, error: error.message }) })
      log.info('connected', { server: nc.getServer() })
      await (role === 'lamps' ? lamps(nc) : beacon(nc))
      throw new Error('disconnected')
    } catch (error) {
      log.error('nats: ' + error.message, { code: error.code })
      await sleep(3000)
    }
  }
})()
