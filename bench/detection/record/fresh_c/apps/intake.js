// Grain deliveries into RabbitMQ, each confirmed by the broker.
const amqp = require('amqplib')
const say = (level, text) => console.log(`${new Date().toISOString()} [intake] ${level}: ${text}`)
const sleep = ms => new Promise(done => setTimeout(done, ms))
let sent = 0

async function work () {
  const conn = await amqp.connect({ hostname: 'rmq.mill.lan', username: 'intake', password: process.env.WORD || 'grain', vhost: 'mill', heartbeat: 8 }, { timeout: 5000 })
  let closed = null
  conn.on('error', error => { closed = error })
  conn.on('close', error => { closed = closed || error || new Error('connection closed') })
  conn.on('blocked', why => say('WARN', `broker blocks publishing: ${why}`))
  conn.on('unblocked', () => say('INFO', 'broker accepts publishing again'))
  const channel = await conn.createConfirmChannel()
  channel.on('error', error => { closed = error })
  channel.on('return', message => say('ERROR', `delivery ${message.properties.messageId} was returned: nobody takes ${message.fields.routingKey}`))
  say('INFO', 'connected to rmq.mill.lan')
  while (!closed) {
    await sleep(700)
    if (closed) break
    const id = `d${++sent}`
    const waited = await Promise.race([
      new Promise(done => channel.publish('', 'grain', Buffer.from(JSON.stringify({ id, tons: sent % 40 })), { persistent: true, mandatory: true, messageId: id },
        error => done(error ? `rejected by the broker (${error.message})` : ''))),
      sleep(5000).then(() => 'not confirmed within 5000 ms')
    ])
    if (waited) say('ERROR', `delivery ${id} lost: ${waited}`)
    else if (sent % 20 === 0) say('INFO', `${sent} deliveries sent`)
  }
  throw closed
}

(async () => {
  while (true) {
    try { await work() } catch (error) { say('ERROR', `${error.message}; reconnecting in 3 s`) }
    await sleep(3000)
  }
})()
process.on('uncaughtException', error => say('ERROR', `uncaught ${error.stack}`))
