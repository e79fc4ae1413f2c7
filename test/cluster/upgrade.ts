/** Another image and other values under running pods, and back; run by upgrade.sh. */
import { type Bed, startBed } from './bed.ts';
import { IMMEDIATE, installBerth, NAMESPACE, valuesFor } from './berth.ts';
import { diagnose } from './diagnose.ts';
import { type Pod, podOf, readyPods, shell } from './pods.ts';
import { createStep } from './steps.ts';
import { allBound, claimOf, noneIsLost } from './storage.ts';

const IMAGE = 'berth.dev/berth:test';
const NEXT_IMAGE = 'berth.dev/berth:next';
/** Claims that are being made while everything that makes them is replaced. */
const CLAIMS = 20;
/** Seconds between two entries that are still no gap on a busy machine. */
const GAP_S = 5;
const BLOCKS = 64;
/** Writes a number and the time to each volume, flushes it, and reads it again, five times a second; ends when it cannot. */
const WRITER = `
fail() { echo "at $entry: $1" >&2; exit 1; }
number=0
while :; do
  number=$((number + 1)); entry="$number $(date +%s)"; block=$((number % ${BLOCKS}))
  for file in /fast/entries /bulk/entries; do
    echo "$entry" >>$file && sync $file || fail "$file cannot be written"
    [ "$(tail -n 1 $file)" = "$entry" ] || fail "$file has something else"
  done
  printf '%-4096s' "$entry" | dd of=/dev/raw-disk bs=4096 seek=$block conv=notrunc,fsync 2>/dev/null || fail 'the disk cannot be written'
  [ "$(dd if=/dev/raw-disk bs=4096 skip=$block count=1 2>/dev/null)" = "$(printf '%-4096s' "$entry")" ] || fail 'the disk has something else'
  usleep 200000
done`;

let bed: Bed | undefined;
const step = createStep(async () => (bed ? diagnose(bed) : ''));

const { kubectl, nodes, node, stop } = await step('2 nodes are up', async () => {
  bed = await startBed({ nodes: 2, disks: { fast: '4G', bulk: '4G' }, berth: true });
  return bed;
});

const berth = await step('Berth is installed', () =>
  installBerth(bed!, { ...valuesFor(bed!, { immediate: IMMEDIATE }), snapshots: 'never' }),
);

/** A claim of each kind, and a pod that uses them. */
const userOf = (name: string, on: string, script: string): object[] => [
  claimOf(`fast-${name}`, { storageClass: 'fast', size: '64Mi' }),
  claimOf(`bulk-${name}`, { storageClass: 'bulk', size: '320Mi' }),
  claimOf(`raw-${name}`, { storageClass: 'bulk', size: '64Mi', volumeMode: 'Block' }),
  podOf(
    name,
    shell(script, {
      volumeMounts: ['fast', 'bulk'].map((kind) => ({ name: kind, mountPath: `/${kind}` })),
      volumeDevices: [{ name: 'raw', devicePath: '/dev/raw-disk' }],
    }),
    {
      restartPolicy: 'Never',
      nodeSelector: { 'kubernetes.io/hostname': on },
      volumes: ['fast', 'bulk', 'raw'].map((kind) => ({
        name: kind,
        persistentVolumeClaim: { claimName: `${kind}-${name}` },
      })),
    },
  ),
];

const writers = nodes.map((name) => `writer-${name}`);
const WRITERS = `app in (${writers.join(', ')})`;

const entriesOf = async (writer: string, folder: string): Promise<[number: number, seconds: number][]> =>
  (await kubectl.exec(writer, 'cat', `/${folder}/entries`))
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number) as [number, number]);

/** Every entry is there, and none came late. */
async function requireAllWritten(): Promise<void> {
  for (const writer of writers) {
    for (const folder of ['fast', 'bulk']) {
      const entries = await entriesOf(writer, folder);
      const wrong = entries.findIndex(
        ([number, seconds], index) => number !== index + 1 || seconds - (entries[index - 1]?.[1] ?? seconds) > GAP_S,
      );
      if (wrong !== -1) {
        const around = entries.slice(Math.max(0, wrong - 1), wrong + 2).join('; ');
        throw new Error(`${writer} wrote to ${folder}: ${around}`);
      }
    }
  }
}

const berthPods = (): Promise<Pod[]> =>
  kubectl.list<Pod>('pods', '-n', NAMESPACE, '--field-selector=status.phase=Running');

/** Does something that replaces all of Berth, while claims of that prefix are made; pods write on. */
async function replaceAll(prefix: string, act: () => Promise<unknown>): Promise<void> {
  const old = new Set((await berthPods()).map(({ metadata }) => metadata.uid));
  const before = await readyPods(kubectl, WRITERS, writers.length);
  const claims = Array.from({ length: CLAIMS }, (_, index) =>
    claimOf(`${prefix}-${index}`, { storageClass: 'immediate', size: '16Mi' }),
  );
  await Promise.all([
    act(),
    (async () => {
      for (const claim of claims) await kubectl.apply(claim);
    })(),
  ]);
  const kept = (await berthPods()).filter(({ metadata }) => old.has(metadata.uid));
  if (kept.length > 0) throw new Error(`not replaced: ${kept.map(({ metadata }) => metadata.name).join(', ')}`);
  await allBound(kubectl, prefix, CLAIMS);
  await noneIsLost(kubectl, nodes, berth);
  const after = await readyPods(kubectl, WRITERS, writers.length);
  const uids = (pods: Pod[]): string => pods.map(({ metadata }) => metadata.uid).join();
  if (uids(before) !== uids(after)) throw new Error('pods were replaced');
  await requireAllWritten();
}

await step('pods write on every node, to volumes of every kind', async () => {
  await kubectl.apply(...nodes.flatMap((name) => userOf(`writer-${name}`, name, WRITER)));
  await readyPods(kubectl, WRITERS, writers.length);
});

await step(
  'an upgrade replaces every pod of Berth while claims are made; pods write on, no claim is lost',
  async () => {
    for (const name of nodes) await node(name).tagImage(IMAGE, NEXT_IMAGE);
    await replaceAll('up', () => berth.upgrade('--set', `image=${NEXT_IMAGE}`, '--set', 'logLevel=debug'));
  },
);

await step('new claims work after it', async () => {
  await kubectl.apply(...nodes.flatMap((name) => userOf(`new-${name}`, name, 'exec sleep 3600')));
  await readyPods(kubectl, `app in (${nodes.map((name) => `new-${name}`).join(', ')})`, nodes.length);
});

await step('a rollback does the same', () => replaceAll('back', () => berth.rollback()));

await step('pods of before and after it let go of their volumes', async () => {
  await kubectl.remove('pods', '--all');
  await kubectl.remove('pvc', '--all');
  await noneIsLost(kubectl, nodes, berth, 0);
});

await step('Berth is uninstalled', () => berth.uninstall());
await step('nothing is left when the bed is taken down', stop);
