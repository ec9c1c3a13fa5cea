'use strict';
// Bills: NestJS, its decorators applied by hand.
require('reflect-metadata');
const { NestFactory } = require('@nestjs/core');
const { Controller, Get, Inject, Module, NotFoundException, Param } = require('@nestjs/common');
const { Pool } = require('pg');

const release = process.env.BILLING_RELEASE || '';
class Bills {
  constructor(pool) { this.pool = pool; }

  async one(id) {
    const { rows } = await this.pool.query(release === 'tax' ? 'select id, cents, tax from invoice where id = $1' : 'select id, cents from invoice where id = $1', [id]);
    if (rows.length === 0) throw new NotFoundException();
    return rows[0];
  }
}
class Health { ok() { return 'ok'; } }
const route = (kind, name, path) => Get(path)(kind.prototype, name, Object.getOwnPropertyDescriptor(kind.prototype, name));
Controller('bill')(Bills);
Controller('health')(Health);
Inject('POOL')(Bills, undefined, 0);
if (release === 'archive') Inject('ArchiveService')(Bills, undefined, 1);
route(Bills, 'one', ':id');
Param('id')(Bills.prototype, 'one', 0);
route(Health, 'ok', '');
class Site {}
const pool = { provide: 'POOL', useFactory: () => new Pool({ host: 'db1.clinic.internal', user: 'clinic', password: 'camomile', database: 'clinic', max: 4,
  connectionTimeoutMillis: 4000, application_name: 'billing' }).on('error', () => {}) };
Module({ controllers: [Bills, Health], providers: [pool] })(Site);
NestFactory.create(Site, { forceCloseConnections: true }).then((app) => app.listen(8300, '127.0.0.46'));
