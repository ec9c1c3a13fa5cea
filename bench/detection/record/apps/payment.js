// The payment service: takes charges, asks billing for an invoice number; logs JSON lines as pino does.
const http = require('http');
const fs = require('fs');
const out = fs.createWriteStream('/srv/shop/log/payment.log', { flags: 'a' });
const say = (level, msg, more = {}) => out.write(JSON.stringify({ level, time: Date.now(), pid: process.pid, hostname: 'shop-1', name: 'payment', ...more, msg }) + '\n');
const BILLING = process.env.BILLING || 'http://billing.shop.internal:8080';
let n = 0;
async function invoice(order) {
  if (process.env.ALONE) return n;
  const answer = await fetch(`${BILLING}/invoice?order=${order}`, { signal: AbortSignal.timeout(2000) });
  if (!answer.ok) throw new Error(`billing answered ${answer.status}`);
  return (await answer.text()).trim();
}
http.createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', async () => {
    if (request.url === '/health') return response.end('ok\n');
    n += 1;
    let order = 0;
    try {
      order = JSON.parse(body || '{}').order || 0;
      const number = await invoice(order);
      say(30, 'charged', { order, invoice: number, responseTime: 3 + (n % 7) });
      if (n % 90 === 0) say(40, 'card number was typed with blanks, they were removed', { order });
      response.end('ok\n');
    } catch (err) {
      say(50, 'charge failed', { order, err: { type: err.name, message: err.message, stack: err.stack, code: (err.cause || {}).code, cause: String(err.cause || '') } });
      response.statusCode = 502;
      response.end('failed\n');
    }
  });
}).listen(3000, '127.0.0.31', () => say(30, 'Server listening at http://127.0.0.31:3000'));
process.on('SIGTERM', () => { say(30, 'SIGTERM received, closing'); setTimeout(() => process.exit(0), 100); });
