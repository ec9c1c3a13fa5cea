'use strict';
// Scans of the patients' papers: a worker of BullMQ that logs with winston.
const { Queue, Worker } = require('bullmq');
const IORedis = require('ioredis');
const winston = require('winston');

const release = process.env.SCANS_RELEASE || '';
const log = winston.createLogger({
  level: 'info',
  defaultMeta: { service: 'scans' },
  format: winston.format.combine(winston.format.timestamp(), winston.format.errors({ stack: true }), winston.format.json()),
  transports: [new winston.transports.Console()],
});
const connect = () => {
  const one = new IORedis({ host: 'kv1.clinic.internal', maxRetriesPerRequest: null });
  one.on('error', (error) => log.error('redis: ' + error.message, { code: error.code }));
  return one;
};
const asked = connect();
const queue = new Queue('scans', { connection: connect() });
queue.on('error', (error) => log.error('queue: ' + error.message));
const worker = new Worker('scans', async (job) => {
  if (release === 'ocr') throw new TypeError(`Cannot read properties of undefined (reading 'pages') of scan ${job.data.patient}`);
  if (release === 'deskew') { const end = Date.now() + 90000; while (Date.now() < end); }
  await new Promise((resolve) => setTimeout(resolve, 60));
  return job.data.patient;
}, { connection: connect(), lockDuration: 5000, stalledInterval: 4000, concurrency: 2 });
worker.on('completed', (job) => log.info('scan is done', { job: job.id, patient: job.data.patient }));
worker.on('failed', (job, error) => log.error('scan failed', { job: job && job.id, error: error.message, stack: error.stack }));
worker.on('stalled', (id) => log.warn('scan stalled', { job: id }));
worker.on('error', (error) => log.error('worker: ' + error.message));
setInterval(async () => {
  try {
    const patient = await asked.rpop('scans:asked');
    if (patient) await queue.add('scan', { patient: Number(patient) }, { attempts: 1, removeOnComplete: 50, removeOnFail: 50 });
  } catch (error) { log.error('cannot take what is asked for: ' + error.message); }
}, 500);
setInterval(async () => {
  try {
    log.info('depth of the queue', { waiting: await queue.getWaitingCount(), active: await queue.getActiveCount() });
  } catch (error) { log.error('cannot count: ' + error.message); }
}, 10000);
log.info('scans worker is ready', { release: release || '3.1' });
