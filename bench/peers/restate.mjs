// Restate: one server process with its own defaults, which drives handlers in this or another process.
import * as restate from '@restatedev/restate-sdk';
import { connect } from '@restatedev/restate-sdk-clients';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, newFolder, reached, until } from './process.mjs';
import { payload } from './report.mjs';

// The SDK calls it, and Node 20 hasn't got it.
Promise.withResolvers ??= function withResolvers() {
  const parts = {};
  parts.promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const service = restate.service({
  name: 'bench',
  handlers: {
    steps: async (ctx, count) => {
      let last;
      for (let i = 0; i < count; i++) last = await ctx.run('step', () => payload);
      return last;
    },
    busy: async (ctx, count) => {
      const id = ctx.request().id;
      for (let i = 0; i < count; i++) {
        await ctx.run('step', async () => {
          reached('step', `${id}/${i}`);
          await delay(100);
          return payload;
        });
      }
      reached('done', id);
    },
    long: async (ctx, count) => {
      reached('mark', 0);
      for (let i = 1; i <= count; i++) {
        await ctx.run('step', () => payload);
        if (i % 1_000 === 0) reached('mark', i);
      }
      await ctx.run('step', async () => {
        reached('frontier');
        await delay(3_600_000);
      });
    },
  },
});

/** Waits for a signal, and returns when it went on. */
const waiter = restate.workflow({
  name: 'waiter',
  handlers: {
    run: async (ctx) => {
      await ctx.promise('go');
      return performance.now() + performance.timeOrigin;
    },
    go: async (ctx, value) => ctx.promise('go').resolve(value),
  },
});

const answers = (url) => fetch(url).then((response) => response.ok, () => false);

async function startServer() {
  const folder = newFolder('restate'), log = fs.openSync(path.join(folder, 'log'), 'a');
  const [node, ingress, admin] = [await freePort(), await freePort(), await freePort()];
  const binary = createRequire(import.meta.url).resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
  const server = spawn(binary, ['--base-dir', path.join(folder, 'data'), '--node-name', 'bench'], {
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
    },
  });
  const address = { ingress: `http://127.0.0.1:${ingress}`, admin: `http://127.0.0.1:${admin}`, port: await freePort() };
  await until(async () => (await answers(`${address.ingress}/restate/health`)) && (await answers(`${address.admin}/health`)), 'a Restate server that answers', 60_000, 50);
  return {
    address,
    stop: async () => {
      await new Promise((resolve) => {
        server.once('exit', resolve);
        server.kill('SIGKILL');
      });
      fs.rmSync(folder, { recursive: true });
    },
  };
}

/** Tells the server where the handlers are, once they are there. */
async function register({ admin, ingress, port }) {
  await until(() => fetch(`${admin}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
  }).then((response) => response.ok, () => false), 'a registered service', 60_000, 100);
  await until(() => connect({ url: ingress }).serviceClient(service).steps(1).then(() => true, () => false), 'a service that answers', 60_000, 100);
}

/** 1 KB appends to a file, flushed after so many: what its log can't be faster than. */
function flushes(rows, perFlush) {
  const folder = newFolder('flush'), file = fs.openSync(path.join(folder, 'log'), 'w'), body = Buffer.from(payload.repeat(perFlush));
  const begun = performance.now();
  for (let done = 0; done < rows; done += perFlush) {
    fs.writeSync(file, body);
    fs.fdatasyncSync(file);
  }
  const seconds = (performance.now() - begun) / 1e3;
  fs.closeSync(file);
  fs.rmSync(folder, { recursive: true });
  return rows / seconds;
}

export async function openStore() {
  let server = await startServer(), isRegistered = false;
  const store = {
    kind: 'own log',
    get address() {
      return server.address;
    },
    limits: { single: 'flushed appends of 1 KB to a file', batch: 'rows of 1 KB in flushed appends of 100' },
    limit: async (rows, perCommit) => flushes(rows, perCommit),
    join: async () => {
      if (!isRegistered) await register(server.address);
      isRegistered = true;
    },
    forget: async () => {
      await server.stop();
      server = await startServer();
      isRegistered = false;
    },
    stop: () => server.stop(),
  };
  return store;
}

export async function openWorker(store) {
  const handlers = http2.createServer(restate.endpoint().setLogger(() => {}).bind(service).bind(waiter).http2Handler());
  await new Promise((resolve) => handlers.listen(store.address.port, '127.0.0.1', resolve));
  await store.join?.();
  const client = connect({ url: store.address.ingress });
  const [call, send] = [client.serviceClient(service), client.serviceSendClient(service)];
  return {
    start: (workflow, argument) => send[workflow](argument),
    run: (workflow, argument) => call[workflow](argument),
    startWaiter: async () => {
      const run = client.workflowClient(waiter, crypto.randomUUID());
      const sent = await run.workflowSubmit();
      return { result: () => client.result(sent), signal: () => run.go('now') };
    },
    close: async () => {},
  };
}
