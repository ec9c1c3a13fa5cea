// Asks a partner for quotes each second; logs as winston's simple format with a time does.
const http = require('http');
const https = require('https');
const url = process.argv[2];
const say = (level, text) => console.log(`${new Date().toISOString()} [${level}]: ${text}`);
let n = 0;
setInterval(() => {
  n += 1;
  const get = url.startsWith('https') ? https.get : http.get;
  get(url, { agent: false, timeout: 3000 }, (answer) => {
    let size = 0;
    answer.on('data', (part) => { size += part.length; });
    answer.on('end', () => say('info', `quote ${n} received, ${size} bytes`));
  }).on('error', (problem) => say('error', `quote ${n} failed: ${problem.stack}`)).on('timeout', function late() { this.destroy(new Error('no answer in 3 s')); });
}, 1000);
