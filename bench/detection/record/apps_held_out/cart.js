// The cart: keeps carts as files, and asks a partner for shipping prices; plain text lines.
const fs = require('fs');
const folder = '/srv/shop/carts';
const partner = process.argv[2];
const say = (level, text) => console.log(`${new Date().toISOString().replace('T', ' ').replace('Z', '')} ${level.padEnd(5)} cart ${text}`);
let n = 0;
setInterval(() => {
  n += 1;
  fs.writeFile(`${folder}/cart-${n % 60}.json`, JSON.stringify({ n, items: 'x'.repeat(20000) }), (problem) => {
    if (problem) say('ERROR', `cart ${n} not saved: ${problem.stack}`);
    else say('INFO', `cart ${n} saved`);
  });
  if (n % 70 === 69) say('WARN', `cart ${n} has an unknown coupon, ignored`);
  if (partner && n % 2) {
    fetch(partner, { signal: AbortSignal.timeout(3000) }).then((answer) => {
      if (!answer.ok) throw new Error(`shipping price: partner answered ${answer.status} ${answer.statusText}`);
      say('INFO', `shipping price for cart ${n} read`);
    }).catch((problem) => say('ERROR', `${problem.message}${problem.cause ? `: ${problem.cause.message || problem.cause.code}` : ''}`));
  }
}, 700);
