import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { render } from './chart.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-values-'));
afterAll(() => rmSync(folder, { recursive: true }));

function renderWith(values: object): Promise<string> {
  const file = join(folder, 'values.yaml');
  writeFileSync(file, stringify(values));
  return render('default', '--values', file);
}

const pool = { name: 'a', class: 'a', backend: 'btrfs', disks: [{ byId: 'x' }] };
const withPool = (changes: object) => ({ groups: [{ pools: [{ ...pool, ...changes }] }] });

describe('a value that is wrong is refused with its path', () => {
  it.each<[string, object]>([
    ['/groups/0/pools/0/backend', withPool({ backend: 'zfs' })],
    ['/groups/0/pools/0', withPool({ sice: '1Gi' })],
    ['/groups/0/pools/0/disks/0/media', withPool({ disks: [{ media: 'tape' }] })],
    ['/groups/0/pools/0/name', withPool({ name: 'Not A Label' })],
    ['/groups', { groups: [] }],
    ['/groups/0', { groups: [{ selector: {} }] }],
    ['/image', { image: 'without-a-tag' }],
    ['/sidecarImages/resizer', { sidecarImages: { resizer: '' } }],
    ['/logLevel', { logLevel: 'loud' }],
    ['/kubeletDir', { kubeletDir: '/var/lib/kubelet/' }],
    ['/controller/replicas', { controller: { replicas: 0 } }],
    ['/node/maxUnavailable', { node: { maxUnavailable: '0%' } }],
    ['/storageClasses/fast/parameters/thin', { storageClasses: { fast: { parameters: { thin: true } } } }],
    ['/storageClasses/fast/reclaimPolicy', { storageClasses: { fast: { reclaimPolicy: 'Recycle' } } }],
    ['/snapshots', { snapshots: true }],
    ['/dev/allow/0', { dev: { allow: ['10.0.0.0/33'] } }],
    ['/dev/allow', { dev: { allow: [] } }],
    ['/dev/directory', { dev: { directory: 'var/lib' } }],
    ["'pools'", { pools: [] }],
  ])('%s', async (path, values) => {
    await expect(renderWith(values)).rejects.toThrow(path);
  });
});

describe('groups of nodes', () => {
  it('need names of their own', async () => {
    const groups = [{ nodeSelector: { a: 'a' } }, { nodeSelector: { b: 'b' } }];
    await expect(renderWith({ groups })).rejects.toThrow('two groups are named ""');
  });

  it('need a selector as soon as there are several', async () => {
    const groups = [{ name: 'a', nodeSelector: { a: 'a' } }, { name: 'b' }];
    await expect(renderWith({ groups })).rejects.toThrow('group "b" needs a nodeSelector');
  });
});

it('the chart may be part of another', async () => {
  await expect(renderWith({ global: { imageRegistry: 'x' } })).resolves.toContain('kind: DaemonSet');
});
