// DBOS TypeScript over Postgres, with its own defaults.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from './postgres.mjs';
import { reached } from './process.mjs';
import { payload } from './report.mjs';

const step = (body) => DBOS.runStep(body, { name: 'step' });

async function steps(count) {
  let last;
  for (let i = 0; i < count; i++) last = await step(async () => payload);
  return last;
}

async function busy(count) {
  const id = DBOS.workflowID;
  for (let i = 0; i < count; i++) {
    await step(async () => {
      reached('step', `${id}/${i}`);
      await delay(100);
      return payload;
    });
  }
  reached('done', id);
}

async function long(count) {
  reached('mark', 0);
  for (let i = 1; i <= count; i++) {
    await step(async () => payload);
    if (i % 1_000 === 0) reached('mark', i);
  }
  await step(async () => {
    reached('frontier');
    await delay(3_600_000);
  });
}

/** Waits for a signal, and returns when it went on. */
async function waiter() {
  await DBOS.recv('go', 60);
  return performance.now() + performance.timeOrigin;
}

const workflows = Object.fromEntries([steps, busy, long, waiter].map((code) => [code.name, DBOS.registerWorkflow(code, { name: code.name })]));

export async function openStore() {
  const server = await startPostgres();
  let databases = 0;
  const store = {
    kind: 'postgres',
    address: await server.newDatabase('dbos0'),
    limits: server.limits,
    limit: server.limit,
    forget: async () => {
      store.address = await server.newDatabase(`dbos${++databases}`);
    },
    stop: server.stop,
  };
  return store;
}

export async function openWorker(store) {
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: store.address, logLevel: 'error' });
  await DBOS.launch();
  const start = (workflow, argument) => DBOS.startWorkflow(workflows[workflow])(argument);
  return {
    start,
    run: async (workflow, argument) => (await start(workflow, argument)).getResult(),
    startWaiter: async () => {
      const run = await start('waiter');
      return { result: () => run.getResult(), signal: () => DBOS.send(run.workflowID, 'now', 'go') };
    },
    close: () => DBOS.shutdown(),
  };
}
