// Processes that are killed, and the file into which workflows write what they reach: "kind detail milliseconds".
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const newFolder = (name) => fs.mkdtempSync(path.join(os.tmpdir(), `granary-bench-${name}-`));

export const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

export async function until(condition, what, limitMs = 240_000, pauseMs = 1) {
  for (const begun = performance.now(); !(await condition()); await delay(pauseMs))
    if (performance.now() - begun > limitMs) throw new Error(`Not within ${limitMs / 1e3} s: ${what}`);
}

/** A process whose workflows write to the file; resolves when the peer says that it is ready. */
export async function spawnWorker(bench, file) {
  const worker = spawn(process.execPath, [fileURLToPath(new URL('worker.mjs', import.meta.url)), bench.peer, JSON.stringify(bench.store.address)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', BENCH_PROGRESS: file.path },
  });
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('exit', (code) => reject(new Error(`The worker ended with ${code}.`)));
  });
  await bench.store.join?.();
  return {
    start: (workflow, argument, count) => worker.send({ workflow, argument, count }),
    run: (workflow, argument) => new Promise((resolve) => {
      worker.once('message', resolve);
      worker.send({ workflow, argument, count: 1, waits: true });
    }),
    kill: () => new Promise((resolve) => {
      worker.once('exit', resolve);
      worker.kill('SIGKILL');
    }),
  };
}

/** For a worker: tells the bench what was reached. */
export const reached = (kind, detail = '') =>
  fs.appendFileSync(process.env.BENCH_PROGRESS, `${kind} ${detail} ${performance.timeOrigin + performance.now()}\n`);

/** For the bench: what the workers told. */
export function progress() {
  const file = path.join(newFolder('progress'), 'lines');
  let size = -1, lines = [];
  fs.writeFileSync(file, '');
  const read = () => {
    const now = fs.statSync(file).size;
    if (now !== size) {
      lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => line.split(' '));
      size = now;
    }
    return lines;
  };
  const of = (kind) => read().filter((line) => line[0] === kind);
  return {
    path: file,
    count: (kind) => of(kind).length,
    distinct: (kind) => new Set(of(kind).map((line) => line[1])).size,
    time: (kind, detail) => Number(of(kind).find((line) => line[1] === `${detail}`)[2]),
    until: (condition) => until(condition, 'progress of the workers'),
    clear: () => fs.writeFileSync(file, ''),
    delete: () => fs.rmSync(path.dirname(file), { recursive: true }),
  };
}
