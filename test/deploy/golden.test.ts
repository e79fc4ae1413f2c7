import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { CHART, helm, objectsOf, render, VALUE_SETS } from './chart.ts';

describe('the chart', () => {
  it('is of this version', () => {
    const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    expect(chart).toMatchObject({ version: manifest.version, appVersion: manifest.version });
  });

  it('passes helm lint', async () => {
    await expect(helm('lint', CHART, '--strict', '--kube-version', '1.37.2')).resolves.toContain('0 chart(s) failed');
  });

  // `vitest run --project=deploy -u` writes them anew; the difference is what a reviewer has to read.
  it.each(VALUE_SETS)('renders the values %s as in golden/', async (values) => {
    await expect(await render(values)).toMatchFileSnapshot(`golden/${values}.yaml`);
  });

  it('has every object in its namespace', async () => {
    const clusterWide = ['CSIDriver', 'StorageClass', 'ClusterRole', 'ClusterRoleBinding'];
    for (const { kind, metadata } of objectsOf(await render('elsewhere'))) {
      expect([kind, metadata.namespace]).toEqual([kind, clusterWide.includes(kind) ? undefined : 'storage']);
    }
  });

  it('makes snapshot classes where their definitions are', async () => {
    const has = (...kinds: string[]) => kinds.flatMap((kind) => ['--api-versions', kind]);
    const kindsOf = async (...args: string[]) => objectsOf(await render('default', ...args)).map(({ kind }) => kind);
    const snapshots = 'snapshot.storage.k8s.io/v1/VolumeSnapshotClass';
    const groups = 'groupsnapshot.storage.k8s.io/v1/VolumeGroupSnapshotClass';
    expect(await kindsOf(...has(groups))).not.toContain('VolumeGroupSnapshotClass');
    expect(await kindsOf(...has(snapshots))).toContain('VolumeSnapshotClass');
    expect(await kindsOf(...has(snapshots))).not.toContain('VolumeGroupSnapshotClass');
    expect(await kindsOf(...has(snapshots, groups))).toContain('VolumeGroupSnapshotClass');
  });

  it('leaves out what an older Kubernetes would refuse', async () => {
    expect(await render('default')).toContain('preventPodSchedulingIfMissing');
    expect(await render('default', '--kube-version', '1.36.4')).not.toContain('preventPodSchedulingIfMissing');
    await expect(render('default', '--kube-version', '1.34.9')).rejects.toThrow('requires kubeVersion');
  });
});
