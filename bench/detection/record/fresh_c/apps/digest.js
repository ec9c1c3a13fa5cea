// A digest of gifts, read from the replica; pooled connections.
const mysql = require('mysql2/promise')
const pool = mysql.createPool({ host: 'mdb-ro.parish.lan', user: 'digest', password: 'wax', database: 'parish', connectionLimit: 3, connectTimeout: 4000 })
const say = (level, text) => process.stdout.write(`level=${level} ts=${new Date().toISOString()} app=digest msg=${JSON.stringify(text)}\n`)
let n = 0
setInterval(async () => {
  try {
    const [rows] = await pool.query({ sql: 'SELECT count(*) AS n, max(id) AS last, timestampdiff(second, max(at), now()) AS age FROM gifts', timeout: 4000 })
    if (rows[0].age > 20) say('warn', `replica is behind: newest gift is ${rows[0].age} s old`)
    else if (++n % 5 === 0) say('info', `digest of ${rows[0].n} gifts written`)
  } catch (error) {
    say('error', `digest failed: ${error.code} ${error.message}`)
  }
}, 2000)
