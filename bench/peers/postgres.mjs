// A Postgres server of the bench's own, in a temporary folder, with the server's own settings for durability.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { freePort, newFolder, until } from './process.mjs';
import { payload } from './report.mjs';

const distribution = '/usr/lib/postgresql';

function binaries() {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  if (fs.existsSync(distribution))
    folders.push(...fs.readdirSync(distribution).sort((a, b) => b - a).map((version) => path.join(distribution, version, 'bin')));
  const found = folders.find((folder) => folder && fs.existsSync(path.join(folder, 'initdb')));
  if (!found) throw new Error('initdb was not found: install PostgreSQL.');
  return found;
}

/** The server refuses to run as root. */
function user() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export async function startPostgres() {
  const folder = newFolder('pg'), data = path.join(folder, 'data'), as = user(), port = await freePort();
  if (as.uid) fs.chownSync(folder, as.uid, as.gid);
  const made = spawnSync(path.join(binaries(), 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale', 'C.UTF-8'], { ...as, cwd: folder, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  const log = fs.openSync(path.join(folder, 'log'), 'a');
  const server = spawn(path.join(binaries(), 'postgres'), ['-D', data, '-p', port, '-k', folder, '-c', 'listen_addresses=127.0.0.1'], { ...as, cwd: folder, stdio: ['ignore', log, log] });
  const url = (database) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  const query = async (database, text, values) => {
    const client = new pg.Client(url(database));
    await client.connect();
    try {
      return await client.query(text, values);
    } finally {
      await client.end();
    }
  };
  await until(() => query('postgres', 'select 1').then(() => true, () => false), 'a Postgres server that answers', 60_000, 50);
  await query('postgres', 'create table rows (run bigint, seq bigint, name text, begun timestamptz, body text, primary key (run, seq))');
  return {
    newDatabase: async (name) => {
      await query('postgres', `create database ${name}`);
      return url(name);
    },
    limits: { single: 'single commits on one connection', batch: 'batches of 100 rows on one connection' },

    /** Rows per second on one connection, in commits of that many. */
    limit: async (rows, perCommit) => {
      const client = new pg.Client(url('postgres'));
      await client.connect();
      await client.query('truncate rows');
      const insert = {
        name: 'insert',
        text: 'insert into rows select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[])',
      };
      const begun = performance.now(), now = new Date();
      for (let done = 0; done < rows; done += perCommit) {
        const each = (make) => Array.from({ length: perCommit }, (_, i) => make(i));
        await client.query({ ...insert, values: [each((i) => i), each(() => done), each(() => 'step'), each(() => now), each(() => payload)] });
      }
      const seconds = (performance.now() - begun) / 1e3;
      await client.end();
      return rows / seconds;
    },
    stop: async () => {
      await new Promise((resolve) => {
        server.once('exit', resolve);
        server.kill('SIGQUIT');
      });
      fs.rmSync(folder, { recursive: true });
    },
  };
}
