// Boarding tokens in Redis.
const http = require('http')
const { createClient } = require('redis')
const winston = require('winston')
const log = winston.createLogger({
  level: 'info',
  format: winston.format.combine(winston.format.timestamp({ format: 'YYYY-MM-DD HH:mm:ss.SSS' }), winston.format.printf(each => `${each.timestamp} ${each.level.toUpperCase()} tokens - ${each.message}`)),
  transports: [new winston.transports.Console()]
})
const redis = createClient({
  socket: { host: 'redis.ferry.lan', port: 6379, connectTimeout: 3000, reconnectStrategy: n => Math.min(n * 300, 3000) },
  username: 'tokens', password: process.env.WORD || 'anchor', disableOfflineQueue: true
})
redis.on('error', error => log.error(`redis client: ${error.code || error.name} ${error.message}`))
redis.on('ready', () => log.info('redis client ready'))
redis.on('reconnecting', () => log.warn('redis client reconnecting'))
const within = (promise, ms) => Promise.race([promise, new Promise((resolve, reject) => setTimeout(() => reject(new Error(`no answer of redis within ${ms} ms`)), ms))])

http.createServer(async (request, response) => {
  const number = (request.url.match(/\d+/) || ['0'])[0]
  try {
    let body
    if (request.method === 'POST') {
      await within(redis.set(`token:${number}`, 'x'.repeat(400), { EX: 900 }), 2500)
      await within(redis.lPush('boarding', number), 2500)
      await within(redis.lTrim('boarding', 0, 500), 2500)
      body = { stored: number }
    } else {
      body = { token: await within(redis.get(`token:${number}`), 2500), waiting: await within(redis.lLen('boarding'), 2500) }
    }
    response.writeHead(request.method === 'POST' ? 201 : 200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(body))
  } catch (error) {
    log.error(`${request.method} ${request.url} failed: ${error.name}: ${error.message}`)
    response.writeHead(503)
    response.end('{"error":"unavailable"}')
  }
}).listen(7000, '127.0.1.44', () => log.info('listening on 127.0.1.44:7000'))
redis.connect().catch(error => log.error(`cannot connect: ${error.message}`))
