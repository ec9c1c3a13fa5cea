'use strict';
// Bookings of a room: Koa with bunyan.
const Koa = require('koa');
const bunyan = require('bunyan');
const { Pool } = require('pg');

const release = process.env.BOOKING_RELEASE || '';
const log = bunyan.createLogger({ name: 'booking', serializers: bunyan.stdSerializers });
const pool = new Pool({ host: 'db1.clinic.internal', user: 'clinic', password: process.env.BOOKING_PASSWORD || 'camomile', database: 'clinic', max: 4,
  connectionTimeoutMillis: 4000, application_name: 'booking' });
pool.on('error', (error) => log.error({ err: error }, 'idle connection lost'));
const app = new Koa();
const kept = [];
app.on('error', (error, ctx) => log.error({ err: error, path: ctx.path }, 'request failed'));
app.use(async (ctx) => {
  if (ctx.path === '/health') { ctx.body = 'ok'; return; }
  const number = Number(ctx.path.split('/').pop());
  if (release === 'events' && number % 4 === 0) setImmediate(() => { throw new RangeError(`room of visit ${number} is out of range`); });
  if (release === 'calendar') kept.push(Array.from({ length: 300000 }, (_, n) => ({ day: n })));
  const rows = (await pool.query('select id, ward, note from visit where id = $1', [number])).rows;
  if (rows.length === 0) { ctx.status = 404; return; }
  if (release === 'rooms') ctx.throw(500, `no plan of ward ${rows[0].ward}`);
  ctx.body = rows[0];
});
app.listen(8200, '127.0.0.45', () => log.info({ release: release || '2.0' }, 'booking is ready'));
