// check_deposit and request_payout as one would write them with Fastify and better-sqlite3: one synced transaction per request.
// Settings: PORT, DATABASE (a file), SITE, SALT, and SEED_PLAYERS funded players for a measurement. What it leaves out: ../README.md.
'use strict';

const crypto = require('node:crypto');
const Database = require('better-sqlite3');
const fastify = require('fastify')();

const { PORT = '8000', DATABASE = 'fastify.db', SITE = '332', SALT, SEED_PLAYERS = '0' } = process.env;
if (!SALT) throw new Error('SALT is not set');

const db = new Database(DATABASE);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('foreign_keys = ON');
db.exec(`
  CREATE TABLE IF NOT EXISTS players (
    id INTEGER PRIMARY KEY, site_id INTEGER NOT NULL, login TEXT NOT NULL, UNIQUE (site_id, login)) STRICT;
  CREATE TABLE IF NOT EXISTS balances (
    player_id INTEGER NOT NULL REFERENCES players, currency TEXT NOT NULL,
    available INTEGER NOT NULL CHECK (available >= 0), held INTEGER NOT NULL CHECK (held >= 0),
    PRIMARY KEY (player_id, currency)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS idempotency_keys (
    site_id INTEGER NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, external_id TEXT NOT NULL,
    PRIMARY KEY (site_id, key)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS orders (
    external_id TEXT PRIMARY KEY, kind TEXT NOT NULL, player_id INTEGER NOT NULL REFERENCES players, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, status TEXT NOT NULL, details TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS journal_entries (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, external_id TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS postings (
    id INTEGER PRIMARY KEY, entry_id INTEGER NOT NULL REFERENCES journal_entries, account TEXT NOT NULL,
    currency TEXT NOT NULL, amount INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, payload TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
`);

const find = {
  key: db.prepare('SELECT fingerprint, external_id FROM idempotency_keys WHERE site_id = ? AND key = ?'),
  player: db.prepare('SELECT id FROM players WHERE site_id = ? AND login = ?'),
};
const hold = db.prepare(
  'UPDATE balances SET available = available - @amount, held = held + @amount ' +
    'WHERE player_id = @player AND currency = @currency AND available >= @amount');
const insert = {
  key: db.prepare('INSERT INTO idempotency_keys VALUES (?, ?, ?, ?)'),
  order: db.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
  entry: db.prepare('INSERT INTO journal_entries (kind, external_id, created_at) VALUES (?, ?, ?)'),
  posting: db.prepare('INSERT INTO postings (entry_id, account, currency, amount) VALUES (?, ?, ?, ?)'),
  event: db.prepare('INSERT INTO outbox (type, payload, created_at) VALUES (?, ?, ?)'),
};

const refused = (code, why) => ({ code, error_description: why });

/** The parameters in the order of their names, `name:value;` each, then the salt. */
function isSigned(fields) {
  const names = Object.keys(fields).filter((name) => name !== 'signature' && fields[name].trim() !== '').sort();
  const text = names.map((name) => `${name.toLowerCase()}:${fields[name]};`).join('') + SALT;
  const wanted = crypto.createHash('sha1').update(text).digest();
  const given = Buffer.from(String(fields.signature ?? ''), 'hex');
  return given.length === wanted.length && crypto.timingSafeEqual(given, wanted);
}

/** Answers a question once per transaction_id; everything it writes is one transaction. */
const decide = db.transaction((fields) => {
  const site = Number(fields.site_id);
  const { signature, ...content } = fields;
  const details = JSON.stringify(content);
  const fingerprint = crypto.createHash('sha256').update(details).digest('hex');
  const accepted = fields.action === 'check_deposit' ? 0 : 50;
  const first = find.key.get(site, fields.transaction_id);
  if (first) {
    if (first.fingerprint !== fingerprint) return refused(500, 'transaction_id was used with other parameters');
    return { code: accepted, external_id: first.external_id };
  }
  const player = find.player.get(site, fields.site_login);
  if (!player) return refused(500, 'User not found');

  const [id, now, amount, { currency }] = [crypto.randomUUID(), Date.now(), Number(fields.amount), fields];
  if (accepted === 50) {
    if (hold.run({ amount, player: player.id, currency }).changes === 0) return refused(402, 'Insufficient funds');
    const entry = insert.entry.run('hold', id, now).lastInsertRowid;
    insert.posting.run(entry, `player:${player.id}:available`, currency, -amount);
    insert.posting.run(entry, `player:${player.id}:held`, currency, amount);
  }
  const [kind, status, event] =
    accepted === 50 ? ['payout', 'awaiting_approval', 'payout.held'] : ['deposit', 'created', 'deposit.created'];
  insert.order.run(id, kind, player.id, amount, currency, status, details, now);
  insert.key.run(site, fields.transaction_id, fingerprint, id);
  insert.event.run(event, JSON.stringify({ external_id: id, amount, currency, site_login: fields.site_login }), now);
  return { code: accepted, external_id: id };
});

fastify.register(require('@fastify/formbody'));
fastify.post('/cashier/callback/carouseller', (request, reply) => {
  const fields = request.body;
  if (!isSigned(fields)) return reply.send(refused(500, 'Invalid signature'));
  if (fields.site_id !== SITE) return reply.send(refused(500, 'Unknown site'));
  if (!['check_deposit', 'request_payout'].includes(fields.action)) return reply.send(refused(500, 'Unknown action'));
  if (!/^[1-9][0-9]{0,14}$/.test(fields.amount)) return reply.send(refused(500, 'Invalid amount'));
  if (!fields.transaction_id) return reply.send(refused(500, 'Missing parameter transaction_id'));
  return reply.send(decide.immediate(fields));
});

db.transaction(() => {
  const player = db.prepare('INSERT OR IGNORE INTO players (site_id, login) VALUES (?, ?)');
  const balance = db.prepare("INSERT INTO balances VALUES (?, 'USD', 900000000000000, 0)");
  for (let number = 0; number < Number(SEED_PLAYERS); number += 1) {
    const made = player.run(Number(SITE), `player${number}`);
    if (made.changes === 1) balance.run(made.lastInsertRowid);
  }
}).immediate();

fastify.listen({ host: '127.0.0.1', port: Number(PORT) }).catch((error) => {
  console.error(error);
  process.exit(1);
});
