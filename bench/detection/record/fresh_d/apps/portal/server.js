'use strict';
const fastify = require('fastify');
const { Pool } = require('pg');

const release = process.env.RELEASE || '';
if (release === 'env' && !process.env.SESSION_SECRET) {
  throw new Error('SESSION_SECRET is not set; refusing to start');
}
const app = fastify({ logger: { level: 'info', base: { service: 'portal' } }, pluginTimeout: 4000 });
const pool = new Pool({
  host: process.env.PGHOST || 'pg1.freight.internal', user: 'freight', password: 'harbour', database: 'freight',
  application_name: 'portal', max: 4, connectionTimeoutMillis: 3000,
});
pool.on('error', (error) => app.log.error({ err: error }, 'idle database client failed'));

if (release === 'cache') {
  app.register(async () => { await new Promise(() => {}); });
}

app.get('/health', async () => 'ok');

app.get('/portal/parcels/:id', async (request, reply) => {
  const client = await pool.connect();
  const found = await client.query('select id, sender, state from parcel where id = $1', [Number(request.params.id)]);
  if (release !== 'held' || Number(request.params.id) % 3) client.release();
  if (!found.rows.length) return reply.code(404).send({ error: 'no such parcel' });
  if (release === 'depots') return { ...found.rows[0], depot: found.rows[0].depot.name };
  if (release === 'senders' && Number(request.params.id) % 4 === 0) throw new RangeError(`sender ${found.rows[0].sender} has no address of kind 2`);
  return found.rows[0];
});

app.post('/portal/parcels', async (request, reply) => {
  const made = await pool.query('insert into parcel (sender, state) values ($1, $2) returning id', [request.body.sender, 'new']);
  return reply.code(201).send(made.rows[0]);
});

app.get('/portal/waybill/:id', async (request, reply) => {
  const answer = await fetch(`http://waybill.freight.internal:8400/waybill/${request.params.id}`, { signal: AbortSignal.timeout(6000) });
  return reply.code(answer.status).send(await answer.json());
});

process.on('SIGTERM', () => { app.close().then(() => process.exit(0)); });
app.listen({ host: '127.0.0.42', port: 8500 }).catch((error) => { app.log.fatal({ err: error }, 'portal does not start'); process.exit(1); });
