'use strict';
// Seats of a hall: Express, Redis, the geo service and the partner.
const express = require('express');
const pino = require('pino');
const axios = require('axios');
const https = require('https');
const fs = require('fs');
const Redis = require('ioredis');

const log = pino({ base: { service: 'seats' }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } });
const release = process.env.SEATS_RELEASE || '';
const redis = new Redis({ host: 'cache.tickets.internal', maxRetriesPerRequest: 2 });
redis.on('error', (error) => log.error({ err: error }, 'redis'));
redis.on('connect', () => log.info('connected to redis'));
const agent = new https.Agent({ ca: fs.readFileSync('/srv/tickets/tls/ca.pem') });
const app = express();
const halls = [];

app.use((request, answer, next) => {
  const began = process.hrtime.bigint();
  answer.on('finish', () => log.info({ method: request.method, url: request.url, status: answer.statusCode,
    ms: Number((process.hrtime.bigint() - began) / 1000000n) }, 'request'));
  next();
});

app.get('/health', (request, answer) => answer.json({ status: 'ok' }));

app.get('/seats/:hall', async (request, answer) => {
  const hall = Number(request.params.hall);
  if (!(hall < 200)) return answer.status(404).json({ error: 'no such hall' });
  const taken = await redis.incr(`hall:${hall}`);
  if (release === 'memory') halls.push(Array.from({ length: 120000 }, (_, n) => ({ hall, row: n, seat: `${hall}-${n}` })));
  if (release === 'files') for (let n = 0; n < 8; n += 1) fs.openSync('/srv/tickets/app/seats/plan.txt');
  if (release === 'files') fs.readFileSync('/srv/tickets/app/seats/plan.txt');
  if (release === 'busy' && hall % 9 === 0) for (;;) halls.length = 0;
  if (release === 'unhandled' && hall % 5 === 0) reserve(hall);
  return answer.json({ hall, taken });
});

async function reserve(hall) {
  const plan = { rows: null };
  await new Promise((resolve) => setTimeout(resolve, 30));
  return plan.rows[hall].seats;
}

app.get('/near/:zip', async (request, answer) => {
  try {
    const found = await axios.get(`http://geo.tickets.internal:8300/near/${request.params.zip}`, { timeout: 3000 });
    answer.json(found.data);
  } catch (error) {
    log.error({ err: { type: error.name, code: error.code, message: error.message } }, 'geo service failed');
    answer.status(502).json({ error: 'no places' });
  }
});

app.use((error, request, answer, next) => {
  log.error({ err: error, url: request.url }, 'request failed');
  answer.status(500).json({ error: 'internal' });
});

async function fares() {
  try {
    const got = await axios.get('https://api.partner.example/v1/fares/7', { httpsAgent: agent, timeout: 4000, validateStatus: (s) => s === 200 || s === 404 });
    log.info({ fare: got.data.fare }, 'partner fare');
  } catch (error) {
    log.error({ err: { type: error.name, code: error.code, message: error.message } }, 'partner fare failed');
  }
}
setInterval(fares, 3000);

const server = app.listen(8200, '127.0.0.32', () => log.info({ port: 8200 }, 'seats is ready'));
process.on('SIGTERM', () => {
  log.info('SIGTERM: closing');
  server.close(() => process.exit(0));
  setTimeout(() => process.exit(0), 2000).unref();
});
