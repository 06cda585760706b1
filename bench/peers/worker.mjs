// A process that executes a peer's workflows, and is killed.
const [peer, address] = process.argv.slice(2);
const { openWorker } = await import(`./${peer}.mjs`);
const worker = await openWorker({ address: JSON.parse(address) });
process.on('message', async ({ workflow, argument, count, waits }) => {
  const verb = waits ? worker.run : worker.start;
  await Promise.all(Array.from({ length: count }, () => verb(workflow, argument)));
  if (waits) process.send('done');
});
process.on('disconnect', () => process.exit());
process.send('ready');
