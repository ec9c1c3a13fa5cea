// The students' portal: express, pino, axios.
const express = require('express')
const pino = require('pino')
const https = require('https')
const fs = require('fs')
const axios = require('axios')

const log = pino({ base: undefined })
const release = process.env.PORTAL_RELEASE || ''
const bank = axios.create({
  baseURL: 'https://pay.bank.example',
  timeout: 4000,
  httpsAgent: new https.Agent({ ca: fs.readFileSync('/srv/campus/tls/ca.pem') })
})
const app = express()
app.get('/health', (req, res) => res.send('ok'))
app.get('/portal/me/:id', async (req, res) => {
  try {
    const token = (await axios.get(`http://sso.campus.internal:8700/token/${req.params.id}`, { timeout: 3000 })).data
    const mine = await axios.get('http://enroll.campus.internal:8410/enroll/mine', { timeout: 5000, headers: { Authorization: `Bearer ${token}` } })
    if (release === 'avatars') setImmediate(() => log.debug(mine.data[0].avatar.url))
    log.info({ student: req.params.id, courses: mine.data.length }, 'page shown')
    res.json(mine.data)
  } catch (err) {
    log.error({ err: { message: err.message, code: err.code }, student: req.params.id }, 'courses not loaded')
    res.status(502).json({ error: 'courses not loaded' })
  }
})
app.get('/portal/fees/:id', async (req, res) => {
  try {
    const charge = await bank.post('/charges', { student: req.params.id, cents: 12900 })
    log.info({ student: req.params.id, charge: charge.data.id }, 'fee charged')
    res.json(charge.data)
  } catch (err) {
    log.error({ err: { type: err.name, message: err.message, code: err.code, status: err.response && err.response.status }, student: req.params.id }, 'payment failed')
    res.status(502).json({ error: 'payment failed' })
  }
})
app.listen(8440, '127.0.0.44', () => log.info('portal listens on 127.0.0.44:8440'))
