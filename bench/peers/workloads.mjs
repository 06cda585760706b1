// The workloads, once for all peers. A peer and its limit take turns, so that a neighbour disturbs both alike.
import { setTimeout as delay } from 'node:timers/promises';
import { progress, spawnWorker } from './process.mjs';
import { inPairs, print, repeat, timed, times } from './report.mjs';

/** One run, 1,000 steps in sequence; the limit is single commits. */
export async function W1(bench) {
  const steps = 1_000, worker = await bench.openWorker(bench.store);
  await worker.run('steps', 200);
  const [own, limit] = await inPairs(bench, async () => steps / (await timed(() => worker.run('steps', steps))), () => bench.store.limit(steps, 1));
  print(bench, 'sequential steps', 'steps/s', own, limit, bench.store.limits.single);
  await worker.close();
}

/** Many runs of 10 steps at once; the limit is rows in commits of 100, of which a run has 12. */
export async function W2(bench) {
  const steps = 10, worker = await bench.openWorker(bench.store);
  await Promise.all(times(64, () => worker.run('steps', steps)));
  for (const runs of [64, 256]) {
    const rows = runs * (steps + 2);
    const [own, limit] = await inPairs(bench, async () => rows / (await timed(() => Promise.all(times(runs, () => worker.run('steps', steps))))),
      () => bench.store.limit(Math.floor(rows / 100) * 100, 100));
    print(bench, `steps and 2 rows a run, ${runs} runs x ${steps} steps`, 'rows/s', own, limit, bench.store.limits.batch);
    print(bench, `steps, ${runs} runs x ${steps} steps`, 'steps/s', own.map((r) => (r * steps) / (steps + 2)));
  }
  await worker.close();
}

/** Start to result of a run of one step, one after the other; the limit is three single commits. */
export async function W3(bench) {
  const runs = 500, worker = await bench.openWorker(bench.store), p99 = [];
  await repeat(200, () => worker.run('steps', 1));
  const [own, limit] = await inPairs(bench, async () => {
    const ms = [];
    await repeat(runs, async () => ms.push(1e3 * (await timed(() => worker.run('steps', 1)))));
    ms.sort((a, b) => a - b);
    p99.push(ms[Math.floor(runs * 0.99)]);
    return ms[runs / 2];
  }, async () => 3_000 / (await bench.store.limit(runs, 1)));
  print(bench, 'start to result p50', 'ms', own, limit, `three ${bench.store.limits.single}`);
  print(bench, 'start to result p99', 'ms', p99);
  await worker.close();
}

/** From the sending of a signal to the waiting code going on, one after the other; the limit is one single commit. */
export async function W4(bench) {
  const worker = await bench.openWorker(bench.store), p99 = [];
  const one = async () => {
    const run = await worker.startWaiter();
    await delay(20);
    const sent = performance.now() + performance.timeOrigin;
    const [woke] = await Promise.all([run.result(), run.signal()]);
    return woke - sent;
  };
  await repeat(20, one);
  const [own, limit] = await inPairs(bench, async () => {
    const ms = [];
    await repeat(200, async () => ms.push(await one()));
    ms.sort((a, b) => a - b);
    p99.push(ms[198]);
    return ms[100];
  }, async () => 1_000 / (await bench.store.limit(500, 1)));
  print(bench, 'signal to wake, in memory, p50', 'ms', own, limit, `one ${bench.store.limits.single}`);
  print(bench, 'signal to wake, in memory, p99', 'ms', p99);
  await worker.close();
}

/** 200 runs of 10 steps of 100 ms each; the process dies by SIGKILL at half of the steps, and another is started at once. */
export async function W7(bench) {
  const runs = 200, steps = 10, seen = { killed: [], ready: [], all: [], total: [], twice: [] };
  await repeat(bench.pairs, async () => {
    const file = progress();
    let worker = await spawnWorker(bench, file);
    worker.start('busy', steps, runs);
    await file.until(() => file.count('step') >= (runs * steps) / 2);
    await worker.kill();
    const killedAt = performance.now(), before = file.count('step');
    worker = await spawnWorker(bench, file);
    const readyAt = performance.now();
    await file.until(() => file.count('step') > before);
    const firstAt = performance.now();
    await file.until(() => file.distinct('done') === runs);
    const doneAt = performance.now();
    seen.killed.push(firstAt - killedAt);
    seen.ready.push(firstAt - readyAt);
    seen.all.push(doneAt - readyAt);
    seen.total.push(doneAt - killedAt);
    seen.twice.push(file.count('step') - file.distinct('step'));
    await worker.kill();
    file.delete();
  });
  print(bench, 'ready to first progress', 'ms', seen.ready);
  print(bench, 'kill to first progress', 'ms', seen.killed);
  print(bench, 'ready to all done', 'ms', seen.all);
  print(bench, 'kill to all done', 'ms', seen.total);
  print(bench, 'bodies begun twice', 'steps', seen.twice);
}

/** 10,000 steps in one run; then the process dies, and the next has to come back to where it was. */
export async function W8(bench) {
  const steps = 10_000, seen = { first: [], last: [], ratio: [], back: [], replay: [] };
  await repeat(Math.min(bench.pairs, 3), async () => {
    const file = progress();
    let worker = await spawnWorker(bench, file);
    await worker.run('steps', 2_000);
    worker.start('long', steps, 1);
    await file.until(() => file.count('frontier') === 1);
    const at = (step) => file.time('mark', step);
    seen.first.push(1e6 / (at(1_000) - at(0)));
    seen.last.push(1e6 / (at(steps) - at(steps - 1_000)));
    seen.ratio.push(seen.last.at(-1) / seen.first.at(-1));
    await worker.kill();
    file.clear();
    worker = await spawnWorker(bench, file);
    const readyAt = performance.now();
    await file.until(() => file.count('frontier') === 1);
    seen.back.push(performance.now() - readyAt);
    seen.replay.push(file.time('frontier', '') - at(0));
    await worker.kill();
    await bench.store.forget?.();
    file.delete();
  });
  print(bench, 'first 1,000 of 10,000 steps', 'steps/s', seen.first);
  print(bench, 'last 1,000 of 10,000 steps', 'steps/s', seen.last);
  print(bench, 'last 1,000 over first 1,000', 'ratio', seen.ratio);
  print(bench, 'ready to back at step 10,000', 'ms', seen.back);
  print(bench, 'replay of 10,000 steps', 'ms', seen.replay);
}
