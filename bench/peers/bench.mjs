// node bench.mjs dbos|restate W1|W2|W3|W4|W7|W8|all [--pairs 5]: one JSON object a line, as ../ prints them for Granary.
import * as workloads from './workloads.mjs';

const [peer, workload = 'all', flag, value] = process.argv.slice(2);
const names = workload === 'all' ? Object.keys(workloads) : [workload.toUpperCase()];
const pairs = flag === undefined ? 5 : Number(value);
if (!['dbos', 'restate'].includes(peer) || names.some((name) => !(name in workloads)) || !(pairs > 0) || (flag && flag !== '--pairs')) {
  console.error('usage: node bench.mjs dbos|restate W1|W2|W3|W4|W7|W8|all [--pairs 5]');
  process.exit(2);
}

const { openStore, openWorker } = await import(`./${peer}.mjs`);
for (const name of names) {
  const store = await openStore();
  try {
    await workloads[name]({ peer, workload: name, pairs, store, openWorker });
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await store.stop();
  }
}
process.exit();
