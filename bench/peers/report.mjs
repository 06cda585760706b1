// Figures and how they are printed.
import { randomBytes } from 'node:crypto';
import os from 'node:os';

/** 1 KB of random text: what each step returns. */
export const payload = randomBytes(750).toString('base64');

export const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));

export async function repeat(n, action) {
  for (let i = 0; i < n; i++) await action(i);
}

/** Seconds that an action takes. */
export async function timed(action) {
  const begun = performance.now();
  await action();
  return (performance.now() - begun) / 1e3;
}

export async function inPairs(bench, own, limit) {
  const owns = [], limits = [];
  await repeat(bench.pairs, async () => {
    owns.push(await own());
    limits.push(await limit());
  });
  return [owns, limits];
}

export function print(bench, metric, unit, own, limit = null, limitKind = null) {
  console.log(JSON.stringify({
    peer: bench.peer, workload: bench.workload, metric, unit,
    median: round(median(own)), min: round(Math.min(...own)), max: round(Math.max(...own)), n: own.length,
    limit: limit && round(median(limit)), limit_kind: limitKind,
    ratio: limit && +median(own.map((value, i) => value / limit[i])).toFixed(3),
    store: bench.store.kind, load: +os.loadavg()[0].toFixed(2),
  }));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const round = (value) => (value < 100 ? +value.toFixed(3) : Math.round(value));
